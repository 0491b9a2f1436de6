/**
 * Feeds made to defeat markup memory: how much slower are they than with the memory off? At most 1.5 times. `node bench/hostile.ts [MB]`
 */
import { openFeedReader } from '../espi/feed-reader.ts'
import type { FeedSink } from '../schemas/feed-rows.ts'
import { createReadingBatch } from '../warehouse/reading-batch.ts'

const [mb = '6', rounds = '5'] = process.argv.slice(2)
const bytes = Number(mb) * 1e6

/** A block full of elements, the n-th made by `part`. */
function feedOf(part: (index: number) => string): Buffer {
  const parts: string[] = []
  let length = 0
  for (let index = 0; length < bytes; index++) {
    const text = part(index)
    length += text.length
    parts.push(text)
  }
  const open =
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:e="http://naesb.org/espi"><entry><content><e:IntervalBlock>'
  return Buffer.from(`${open}${parts.join('')}</e:IntervalBlock></content></entry></feed>`)
}

const common = '<e:c/>'.repeat(150)
const feeds: Readonly<Record<string, Buffer>> = {
  'every tag new': feedOf((index) => `<e:tou a="${index}">1</e:tou>`),
  'known, then new': feedOf((index) => `<e:tou>1</e:tou><e:cpp>2</e:cpp><e:tou a="${index}">1</e:tou>`),
  'four known, then new': feedOf(
    (index) => `${'<e:tou>1</e:tou><e:cpp>2</e:cpp>'.repeat(4)}<e:tou a="${index}">1</e:tou>`,
  ),
  'known, then an entity': feedOf(() => '<e:tou>1</e:tou><e:cpp>2</e:cpp><e:tou>&#49;</e:tou>'),
  'ten known, then an entity': feedOf(() => `${'<e:tou>1</e:tou><e:cpp>2</e:cpp>'.repeat(10)}<e:tou>&#49;</e:tou>`),
  'new at the end of a long run': feedOf((index) => `<e:tou>1</e:tou>${common}<e:x a="${index}"/><e:cpp>2</e:cpp>`),
  'many runs alike for 900 bytes': feedOf(
    (index) => `<e:tou>1</e:tou>${common}<e:x a="${index % 48}"/><e:cpp>2</e:cpp>`,
  ),
  'no values': feedOf(() => '<e:x><e:y/></e:x>'),
  'long values with an entity at the end': feedOf(() => `<e:tou>1</e:tou><e:x>${'v'.repeat(4000)}&amp;</e:x>`),
  'new links': feedOf((index) => `<link href="x" a${index % 1000}="1"/>`),
}

function cpuS(feed: Buffer, markupMemory: boolean): number {
  const sink: FeedSink = { batch: () => createReadingBatch(), readings: () => undefined, row: () => undefined }
  const before = process.cpuUsage()
  const reader = openFeedReader(sink, { timeZone: 'UTC', usagePointIdentity: 'id', markupMemory })
  for (let at = 0; at < feed.length; at += 1 << 20) reader.write(feed.subarray(at, at + (1 << 20)))
  reader.end()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

for (const [name, feed] of Object.entries(feeds)) {
  const on: number[] = []
  const off: number[] = []
  for (let round = 0; round < Number(rounds); round++) {
    off.push(cpuS(feed, false))
    on.push(cpuS(feed, true))
  }
  console.log(`${(Math.min(...on) / Math.min(...off)).toFixed(2)}x  ${name}`)
}
