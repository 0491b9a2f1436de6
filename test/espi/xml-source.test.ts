/** The XML layer against saxes' own namespaces: for any document both see the same names, texts and places, or both refuse. */
import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, test } from 'vitest'
import { isMeterlakeError } from '../../schemas/errors.ts'
import type { ElementHandler } from '../../espi/element-handler.ts'
import { XmlSource } from '../../espi/xml-source.ts'

type Seen = readonly string[]

/** What our source tells of a document, at a chunk size. */
function ours(document: string, chunkSize: number, memory = true): Seen | 'refused' {
  const seen: string[] = []
  const handler: ElementHandler = {
    boundAt: Number.POSITIVE_INFINITY,
    interest: () => 7,
    integer: () => undefined,
    open: (path, at) => seen.push(`<{${source.paths.uri(path)}}${source.paths.local(path)} ${at}`),
    attribute: () => undefined,
    value: (path, bytes, from, to) => seen.push(`${source.paths.local(path)}=${bytes.toString('utf8', from, to)}`),
    close: (path, _at, end) => seen.push(`>${source.paths.local(path)} ${end}`),
    stray: () => undefined,
  }
  const source: XmlSource = new XmlSource(handler, memory)
  const bytes = Buffer.from(document)
  try {
    for (let at = 0; at < bytes.length; at += chunkSize) {
      source.write(bytes.subarray(at, at + chunkSize))
      source.bytes.retire()
    }
    source.end()
  } catch (error) {
    if (isMeterlakeError(error)) return 'refused'
    throw error
  }
  return seen
}

/** The same of saxes with its own namespaces, over characters: ASCII documents only, where characters are bytes. */
function theirs(document: string): Seen | 'refused' {
  const seen: string[] = []
  const parser = new SaxesParser({ xmlns: true, position: false })
  let start = 0
  let text: string | undefined
  parser.on('opentagstart', (tag) => {
    start = document.lastIndexOf(`<${tag.name}`, parser.position - 1)
  })
  parser.on('opentag', (tag) => {
    text = ''
    seen.push(`<{${tag.uri}}${tag.local} ${start}`)
  })
  const add = (piece: string) => {
    if (text !== undefined) text += piece
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', (tag) => {
    if (text !== undefined) seen.push(`${tag.local}=${text}`)
    text = undefined
    seen.push(`>${tag.local} ${parser.position}`)
  })
  try {
    parser.write(document).close()
  } catch {
    return 'refused'
  }
  return seen
}

const name = fc.constantFrom('x', 'y', 'p:x', 'q:x', 'p:y', 'q:y', 'p:q:x', 'xml:x')
const declaration = fc.constantFrom(
  'xmlns="u"',
  'xmlns="v"',
  'xmlns=""',
  'xmlns:p="u"',
  'xmlns:p="v"',
  'xmlns:q="u"',
  'xmlns:q=" v "',
  'xmlns:q=""',
  'xmlns:xml="u"',
  'xmlns:xmlns="u"',
  'p:a="1"',
  'q:a="2"',
  'a="3"',
)
const space = fc.constantFrom(' ', '\n', '\r\n', '\t', '\r')
const text = fc.constantFrom(
  '',
  '1',
  ' 12 ',
  'a&amp;b',
  '&#65;&#x42;',
  '<![CDATA[<&]]>',
  '1<!-- - -->2',
  '<?pi x?>',
  '\r\n',
  ']]&gt;',
  '\r',
)
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  content: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.array(fc.oneof(tie('element'), text), { maxLength: 3 }).map((parts) => parts.join('')),
  ),
  element: fc
    .tuple(
      name,
      fc.array(fc.tuple(space, declaration), { maxLength: 3 }),
      fc.option(space, { nil: '' }),
      tie('content'),
      fc.boolean(),
    )
    .map(([tag, attributes, end, content, empty]) => {
      const open = `<${tag}${attributes.map((pair) => pair.join('')).join('')}${end}`
      return empty ? `${open}/>` : `${open}>${content}</${tag}${end}>`
    }),
}))
const root = fc
  .tuple(element, fc.boolean())
  .map(([inner, bound]) => (bound ? `<r xmlns:p="u" xmlns:q="v">${inner}</r>` : `<r>${inner}</r>`))

describe('XML source', () => {
  test('sees what saxes sees, in any chunks', () => {
    let read = 0
    fc.assert(
      fc.property(root, fc.integer({ min: 1, max: 40 }), (document, chunkSize) => {
        const expected = theirs(document)
        if (expected !== 'refused') read += 1
        expect(ours(document, 1 << 20)).toEqual(expected)
        expect(ours(document, 1 << 20, false)).toEqual(expected)
        expect(ours(document, chunkSize)).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
    expect(read).toBeGreaterThan(500)
  })

  test('references become UTF-8 like everything else', () => {
    expect(ours('<r>\u00e9&#233;&#x1f600;\u{1f600}</r>', 1)).toContain('r=\u00e9\u00e9\u{1f600}\u{1f600}')
  })

  test('names outside ASCII are read as their characters, in any chunks, and judged as such', () => {
    for (const chunk of [1, 2, 99]) {
      const named = '<r xmlns:\u00e9="u"><\u00e9:\u{10400}\u00b7 \u00e9:\u00fc="1">5</\u00e9:\u{10400}\u00b7></r>'
      expect(ours(named, chunk)).toEqual([
        '<{}r 0',
        '<{u}\u{10400}\u00b7 16',
        '\u{10400}\u00b7=5',
        '>\u{10400}\u00b7 50',
        '>r 54',
      ])
      for (const name of ['\u00b7', 'a\u00d7', '\u0300a', 'a\u2028', 'a:1', ':a'])
        expect([name, ours(`<r xmlns:a="u"><${name}/></r>`, chunk)]).toEqual([name, 'refused'])
      expect(ours('<r><\u00e9></\u00e8></r>', chunk)).toBe('refused')
      expect(ours('<r xmlns:\u00d7="u"/>', chunk)).toBe('refused')
      expect(ours('<r><?\u00d7?></r>', chunk)).toBe('refused')
    }
  })
})
