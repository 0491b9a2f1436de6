/** The entries of a feed as byte ranges, with what tells whose they are: for erasing some of them. */
import type { EntrySpan } from '../schemas/entry-span.ts'
import { absent, readInteger } from './integer-text.ts'
import { milliseconds } from './reading-rules.ts'
import { openSaxes } from './saxes-inside.ts'

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

const secondsOf = (text: string): number => {
  const bytes = Buffer.from(text, 'latin1')
  const value = readInteger(bytes, 0, bytes.length)
  if (value === absent) return Number.NaN
  return value > milliseconds ? value / 1000 : value
}

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')
const hrefText = /[^\s"'<>]*(?:UsagePoint|CustomerAgreement|Customer)\/[^\s"'<>]+/g
/** An href is shorter. */
const carriedChars = 4096

interface OpenEntry {
  readonly from: number
  readonly depth: number
  published: string | null
  readonly hrefs: Set<string>
  readonly readings: { from: number; to: number; startS: number }[]
  readonly billed: { start: number; duration: number }
}

/**
 * Calls `onSpan` for each entry of a feed (of atom, of whatever prefix), in order. Hrefs are those of links, of all relations, and of
 * UsagePoint elements that refer to one. Where the bytes cease to be well-formed, all from the entry it happened in to the end is
 * one span, whose hrefs are whatever looks like one; so is what no entry encloses.
 */
export function scanEntries(chunks: Iterable<Uint8Array>, onSpan: (span: EntrySpan) => void): void {
  const parser = openSaxes()
  const open: string[] = []
  let entry: OpenEntry | undefined
  let reading: { from: number; depth: number; startS: number } | undefined
  let tagAt = 0
  let text = ''
  parser.openTagStartHandler = ({ name }) => {
    tagAt = parser.position - name.length - 2
  }
  parser.openTagHandler = ({ name, attributes }) => {
    const local = localName(name)
    open.push(local)
    text = ''
    if (local === 'entry' && entry === undefined)
      entry = {
        from: tagAt,
        depth: open.length,
        published: null,
        hrefs: new Set(),
        readings: [],
        billed: { start: Number.NaN, duration: Number.NaN },
      }
    if (entry === undefined) return
    const { href } = attributes as Readonly<Record<string, string>>
    if (local === 'link' && href !== undefined) entry.hrefs.add(utf8(href))
    if (local === 'IntervalReading') reading = { from: tagAt, depth: open.length, startS: Number.NaN }
  }
  parser.textHandler = parser.cdataHandler = (piece) => {
    if (entry !== undefined) text += piece
  }
  parser.closeTagHandler = () => {
    const name = open.pop()
    if (entry === undefined) return
    if (name === 'published' && open.length === entry.depth) entry.published = utf8(text.trim())
    if (name === 'UsagePoint' && text.includes('UsagePoint/')) entry.hrefs.add(utf8(text.trim()))
    if ((name === 'start' || name === 'duration') && open.at(-1) === 'billingPeriod')
      entry.billed[name] = secondsOf(text.trim())
    if (reading !== undefined) {
      if (name === 'start' && open.at(-1) === 'timePeriod') reading.startS = secondsOf(text.trim())
      if (open.length === reading.depth - 1) {
        entry.readings.push({ from: reading.from, to: parser.position, startS: reading.startS })
        reading = undefined
      }
    }
    text = ''
    if (open.length >= entry.depth) return
    const { from, published, hrefs, readings, billed } = entry
    const billedToS = billed.start + billed.duration
    onSpan({ from, to: parser.position, published, hrefs: [...hrefs], readings, billedToS, isWhole: true })
    entry = undefined
  }
  let read = 0
  let broken: { from: number; readonly hrefs: Set<string>; carried: string } | undefined
  for (const chunk of chunks) {
    const latin1 = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const before = read
    read += chunk.byteLength
    if (broken === undefined) {
      try {
        parser.write(latin1)
      } catch {
        broken = { from: entry?.from ?? before, hrefs: entry?.hrefs ?? new Set(), carried: '' }
      }
    }
    if (broken === undefined) continue
    const looked = broken.carried + latin1
    for (const [href] of looked.matchAll(hrefText)) broken.hrefs.add(utf8(href))
    broken.carried = looked.slice(-carriedChars)
  }
  // cut within an entry
  const from = broken?.from ?? entry?.from
  const hrefs = broken?.hrefs ?? entry?.hrefs
  if (from !== undefined && hrefs !== undefined && read > from)
    onSpan({
      from,
      to: read,
      published: entry?.published ?? null,
      hrefs: [...hrefs],
      readings: [],
      billedToS: Number.NaN,
      isWhole: false,
    })
}
