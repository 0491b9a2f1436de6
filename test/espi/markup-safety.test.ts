/**
 * What makes remembered markup safe (the nine conditions of the reference on speed), one test each. Each was seen to fail with its
 * condition taken out of the code (3: with both its guards, the recorder's stop and the look at the bytes); where on and off would still
 * agree then, the test looks at what went through saxes instead.
 */
import { describe, expect, test } from 'vitest'
import type { ElementHandler } from '../../espi/element-handler.ts'
import { markupBounds, MarkupContext, MarkupMemory, type MarkupNode } from '../../espi/markup-memory.ts'
import { NamespaceScope } from '../../espi/namespace-scope.ts'
import { SlowWay } from '../../espi/slow-way.ts'
import { XmlSource } from '../../espi/xml-source.ts'
import { readBothWays, readOneWay } from '../support/both-ways.ts'
import {
  blockEntry,
  entryOf,
  feedOf,
  meterReadingEntry,
  readingTypeEntry,
  readingXml,
  usagePointEntry,
} from '../support/small-feed.ts'

const bytesOf = (text: string) => Buffer.from(text, 'utf8')
const nested = (depth: number) => `${'<e:x>1<e:y>1</e:y>'.repeat(depth)}${'</e:x>'.repeat(depth)}`
const readings = Array.from({ length: 12 }, (_, value) =>
  readingXml({ value, quality: [19], rest: '<e:tou>1</e:tou>' }),
)
const known = [readingTypeEntry('T1'), usagePointEntry('U1'), meterReadingEntry(), blockEntry(readings)]
/** A feed whose markup has been learned when the last entry comes. */
const learned = (...last: readonly string[]) => feedOf(...known, usagePointEntry('U2'), usagePointEntry('U3'), ...last)

/** Both ways say the same, and how that ends: undefined where the feed is read. */
function endOf(feed: string | Buffer): string | undefined {
  const { on, off } = readBothWays(typeof feed === 'string' ? bytesOf(feed) : feed)
  expect(on.told).toBe(off.told)
  return on.error
}

/** Bytes of a feed that went through saxes. */
const slow = (feed: string) => readOneWay(bytesOf(feed), [1 << 20], true).slowBytes

const cycles = (value: string) =>
  learned(
    ...['a', 'b', value, 'c'].map((text, index) => usagePointEntry(`V${index}`, `<e:readCycle>${text}</e:readCycle>`)),
  )
const hrefs = (value: string) => learned(usagePointEntry('h'), usagePointEntry(value), usagePointEntry('h'))
const runOf = (text: string, next: MarkupNode) => ({
  bytes: Buffer.from(text),
  steps: new Int32Array(4),
  literals: [],
  names: [],
  next,
  restartBack: 0,
})
const deep = (depth: number) => learned(usagePointEntry('V', nested(50)), usagePointEntry('W', nested(depth)))

test('most of a feed is read by what was learned', () => {
  const feed = learned(...Array.from({ length: 20 }, () => blockEntry(readings)))
  expect(endOf(feed)).toBeUndefined()
  expect(slow(feed)).toBeLessThan(feed.length / 5)
  const links = learned(...Array.from({ length: 40 }, (_, index) => usagePointEntry(`V${index}`)))
  expect(slow(links)).toBeLessThan(links.length / 3)
})

describe('1. the state is complete', () => {
  test('the same tags under another binding are other elements', () => {
    const other = readings.map((reading) => reading.replaceAll('<e:timePeriod>', '<e:timePeriod xmlns:e="other">'))
    expect(endOf(learned(blockEntry([...readings, ...other, ...readings])))).toBeUndefined()
    const block = blockEntry(readings).replace('<e:IntervalBlock>', '<e:IntervalBlock xmlns:e="other">')
    expect(endOf(learned(block))).toBeUndefined()
  })
  test('the end of a tag depends on its beginning', () => {
    const links = '<a:link rel="self" href="h"/>'.repeat(6)
    const plain = '<a:link href="h" rel="self"/>'.repeat(6)
    const both = `${links}${plain}${links}${plain}`
    const entry = entryOf({ self: 's', content: '' }).replace('<a:link', `${both}<a:link`)
    expect(endOf(learned(entry, entry))).toBeUndefined()
    const repeated = both.replace(/$/, '<a:link rel="self" href="h" rel="self"/><a:link href="h" rel="self"/>')
    expect(endOf(learned(entry, entry.replace(both, repeated)))).toBe('FEED_NOT_WELL_FORMED')
  })
  test('an end tag belongs to its own start tag', () => {
    expect(
      endOf(learned(blockEntry(readings).replace('</e:tou></e:IntervalReading>', '</e:value></e:IntervalReading>'))),
    ).toBe('FEED_NOT_WELL_FORMED')
  })
})

describe('2. values outside the safe bytes go to saxes', () => {
  test.each([
    '1&amp;2',
    '&#49;',
    'x\r\ny',
    'x\ry',
    'x\ty',
    '1]]&gt;',
    '1]2',
    '\u00e9',
    '<![CDATA[x]]>',
    'x<!-- -->y',
    ' ',
    '',
  ])('a text of %j', (value) => expect(endOf(cycles(value))).toBeUndefined())
  test.each(['1]]>2', '1&2;', '1<2', '&bogus;', 'x\u0001y'])('a text of %j is refused', (value) =>
    expect(endOf(cycles(value))).toBe('FEED_NOT_WELL_FORMED'),
  )
  test.each(["a'b", 'a&amp;b', 'a\tb', 'a\nb', 'a\r\nb', 'a&quot;b', 'a]]>b', '\u00e9', ''])(
    'an href with %j',
    (value) => expect(endOf(hrefs(value))).toBeUndefined(),
  )
  test.each(['a"b', 'a<b', 'a&b;'])('an href with %j is refused', (value) =>
    expect(endOf(hrefs(value))).toBe('FEED_NOT_WELL_FORMED'),
  )
})

test('3. comments, instructions and CDATA are not learned; a DOCTYPE comes before everything', () => {
  const plain = learned(blockEntry(Array.from({ length: 200 }, () => readingXml({ value: 1 }))))
  for (const odd of ['<!-- c -->', '<?p i?>', '<![CDATA[ ]]>']) {
    const feed = plain.replaceAll('<e:value>', `${odd}<e:value>`)
    expect(endOf(feed)).toBeUndefined()
    expect(slow(feed)).toBeGreaterThan(200 * '<e:timePeriod></e:timePeriod>'.length + slow(plain))
  }
  const { on, off } = readBothWays(bytesOf(`<!DOCTYPE a:feed [<!ENTITY x "y">]>${plain}`))
  expect(on.told).toBe(off.told)
  expect(on.told).toMatch(/^FEED_DOCTYPE /)
})

describe('4. memory and work are bounded', () => {
  const scope = new NamespaceScope()
  const root = new MarkupContext(undefined, 0, scope, { name: '', attributes: {}, isSelfClosing: false })
  test('runs of a state, and their length', () => {
    const memory = new MarkupMemory()
    const node = memory.textState(root, 0) as MarkupNode
    for (let index = 0; index < 1000; index++) memory.learn(node, runOf(`</a><b${index}>`, node))
    expect([memory.runs, node.runs.length]).toEqual([markupBounds.runsPerState, markupBounds.runsPerState])
    const other = memory.tagState(root, Buffer.from('<a b="')) as MarkupNode
    memory.learn(other, runOf(`"/>${'<b/>'.repeat(markupBounds.runBytes / 4)}`, node))
    expect(other.runs).toEqual([])
    expect(memory.tagState(root, Buffer.from(`<a b="${'x'.repeat(markupBounds.runBytes)}" c="`))).toBeUndefined()
  })
  test('states, contexts, all bytes', () => {
    const memory = new MarkupMemory()
    const contexts = Array.from({ length: 5000 }, (_, index) => memory.context(root, `x${index}`, scope, 1))
    expect(contexts.filter((context) => context !== undefined).length).toBe(markupBounds.contexts)
    const states = Array.from({ length: 5000 }, (_, index) => memory.tagState(root, Buffer.from(`<a b${index}="`)))
    const nodes = states.filter((node) => node !== undefined)
    expect(nodes.length).toBe(markupBounds.states)
    expect(memory.textState(contexts[0] as MarkupContext, 0)).toBeUndefined()
    let learnedBytes = 0
    for (const [index, node] of nodes.entries()) {
      const run = runOf(`"/>${`<b${index}/>`.repeat(400)}`, node)
      memory.learn(node, run)
      if (node.runs.length > 0) learnedBytes += run.bytes.length
    }
    expect(learnedBytes).toBeGreaterThan(markupBounds.bytes / 2)
    expect(learnedBytes).toBeLessThanOrEqual(markupBounds.bytes)
  })
  test('a feed that keeps bringing other markup', () => {
    const tous = Array.from({ length: 4000 }, (_, index) => `<e:tou a="${index}">1</e:tou>`).join('')
    const feed = learned(blockEntry([readingXml({ rest: tous })]), blockEntry(readings))
    expect(endOf(feed)).toBeUndefined()
    expect(readOneWay(bytesOf(feed), [1 << 20], true).markupRuns).toBeLessThan(markupBounds.runsPerState + 80)
  })
  test('a feed in which the memory keeps failing goes to saxes in large pieces', () => {
    const slowWay = new SlowWay()
    const chunk = Buffer.from('<a>'.repeat(1 << 18))
    let pieces = 0
    for (let at = 0; at < chunk.length; pieces++) {
      slowWay.tried(3, chunk.length - at)
      at = slowWay.next(chunk, at, 1 << 16)
    }
    expect(pieces).toBeLessThan(60)
  })
})

describe('5. bounds and the frame of a feed are kept', () => {
  test('beyond the offset the feed layer names, every element is told', () => {
    const opened: number[] = []
    const source: XmlSource = new XmlSource(
      {
        boundAt: 3000,
        interest: () => 0,
        open: (_path, at) => opened.push(at),
        attribute: () => undefined,
        value: () => undefined,
        integer: () => undefined,
        close: () => undefined,
        stray: () => undefined,
      } satisfies ElementHandler,
      true,
    )
    const document = `<r>${'<e><i>1</i><v>2</v></e>'.repeat(200)}</r>`
    source.write(bytesOf(document))
    source.end()
    const all = [...document.matchAll(/<\w/g)].map(({ index }) => index)
    expect(opened.filter((at) => at > 3030)).toEqual(all.filter((at) => at > 3030))
    expect(opened.filter((at) => at < 3000).length).toBeLessThan(100)
  })
  test('depth', () => {
    expect(endOf(deep(50))).toBeUndefined()
    expect(endOf(deep(80))).toBe('FEED_LIMIT')
  })
  test('a feed cut anywhere is refused, the same both ways', () => {
    const feed = learned(blockEntry(readings.slice(0, 3)))
    for (let end = feed.length - 1; end > feed.length - 1500; end -= 7)
      expect([end, endOf(feed.slice(0, end))]).toEqual([end, 'FEED_TRUNCATED'])
  })
  test('what stands between entries', () => {
    const [first = '', ...rest] = learned(...known).split('</a:entry>')
    for (const between of ['x', ' \n', '<a:rights>r</a:rights>', '</a:feed>', '&#32;', '<!-- c -->', '<a:feed>']) {
      const entries = rest.map((entry, index) => (index === 4 ? between + entry : entry))
      endOf([first, ...entries].join('</a:entry>'))
    }
    expect(endOf(`${learned()}x`)).toBe('FEED_NOT_WELL_FORMED')
    expect(endOf(`${learned()}${learned()}`)).toBe('FEED_NOT_WELL_FORMED')
  })
})

test('6. offsets are bytes, behind a byte order mark and other characters too; UTF-8 is checked', () => {
  const feed = learned(usagePointEntry('V', '<e:readCycle>\u20ac\u{1f600}</e:readCycle>'), blockEntry(readings))
  expect(endOf(`\ufeff<?xml version="1.0"?>\r\n<!-- \u20ac -->${feed}`)).toBeUndefined()
  const bytes = bytesOf(feed)
  for (const at of [bytes.length - 100, bytes.length - 300, bytes.length - 333]) {
    const bad = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xe2, 0x82]), bytes.subarray(at)])
    expect(endOf(bad)).toBe('FEED_ENCODING')
  }
  expect(endOf(feed.replaceAll('e:tou', 'e:to\u00fc'))).toBeUndefined()
  expect(endOf(feed.replaceAll('e:tou', 'e:to\u00d7'))).toBe('FEED_NOT_WELL_FORMED')
})

test('7. a run may begin like a longer one: what follows decides', () => {
  const odd = [
    '<e:tou>1</e:tou><e:cpp>2</e:cpp>',
    '<e:tou>1</e:tou><e:cpp><e:x>1</e:x></e:cpp>',
    '<e:tou>1</e:tou><e:cpp></e:cpp>',
    '<e:tou>1</e:tou><e:cpp> </e:cpp>',
    '<e:tou>1</e:tou><e:cpp/>',
  ]
  const feed = (readingCount: number) =>
    learned(blockEntry(Array.from({ length: readingCount }, (_, index) => readingXml({ rest: odd[index % 5] ?? '' }))))
  expect(endOf(feed(300))).toBeUndefined()
  // the longer run is known as well, so no more goes to saxes
  expect(slow(feed(900)) - slow(feed(300))).toBeLessThan(300)
})

test('8. what saxes takes over in the middle of an entry is told once', () => {
  const odd = [
    '<e:tou a="1">1</e:tou>',
    '<e:tou>1<e:x/></e:tou>',
    '<e:tou>&#49;</e:tou>',
    '<e:new>1</e:new>',
    '<e:tou >1</e:tou>',
  ]
  for (const rest of odd)
    expect(endOf(learned(blockEntry([...readings, readingXml({ value: 77, rest }), ...readings])))).toBeUndefined()
  const link = '<a:link href="h" rel="related"/>'
  const entry = usagePointEntry('V').replace('<a:link', `${link.repeat(6)}<a:link`)
  for (const last of [
    '<a:link href="h" rel="new"/>',
    '<a:link href="h"  rel="related"/>',
    '<a:link href="&#49;" rel="self"/>',
  ])
    expect(endOf(learned(entry, entry.replace(link.repeat(2), `${link}${last}`), entry))).toBeUndefined()
  expect(endOf(learned(entry, entry.replace(link.repeat(2), `${link}<a:link href="h" rel='x" />`)))).toBe(
    'FEED_NOT_WELL_FORMED',
  )
})

test('9. off is plain saxes', () => {
  const feed = bytesOf(learned(blockEntry(readings)))
  const { slowBytes, markupRuns } = readOneWay(feed, [1 << 20], false)
  expect({ slowBytes, markupRuns }).toEqual({ slowBytes: feed.length, markupRuns: 0 })
})
