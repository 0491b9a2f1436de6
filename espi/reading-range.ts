/** Where an IntervalReading lies in bytes of a feed: for showing it as it was received. */
import { absent, readInteger } from './integer-text.ts'
import { milliseconds } from './reading-rules.ts'
import { openSaxes } from './saxes-inside.ts'

/** Byte range, `to` exclusive, counted from the first of the bytes given. */
export interface ReadingRange {
  readonly from: number
  readonly to: number
}

/** Whether a reading is meant, by its start (Unix time, s) and its duration (s); NaN where it has none. */
export type IsWanted = (startS: number, durationS: number) => boolean

/** Thrown out of saxes, which cannot be asked to stop. */
const found = Symbol('found')

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)
const less = 0x3c

const secondsOf = (text: string): number => {
  const bytes = Buffer.from(text, 'latin1')
  const value = readInteger(bytes, 0, bytes.length)
  return value === absent ? Number.NaN : value
}

/**
 * The first reading that is wanted in the element that begins at the first byte: that element itself, or one within it. `more`: the
 * bytes end before it is found; `none`: the element has ended. Throws an Error of saxes where the bytes are not well-formed.
 */
export function findReading(bytes: Buffer, isWanted: IsWanted): ReadingRange | 'none' | 'more' {
  const parser = openSaxes()
  const open: string[] = []
  let tagAt = 0
  let readingAt = -1
  let readingDepth = 0
  let times = { start: Number.NaN, duration: Number.NaN }
  let text = ''
  let range: ReadingRange | 'none' | undefined
  parser.openTagStartHandler = () => {
    tagAt = bytes.lastIndexOf(less, parser.position - 2)
  }
  parser.attributeHandler = () => undefined
  parser.openTagHandler = ({ name }) => {
    open.push(localName(name))
    text = ''
    if (open.at(-1) !== 'IntervalReading' || readingAt >= 0) return
    readingAt = tagAt
    readingDepth = open.length
    times = { start: Number.NaN, duration: Number.NaN }
  }
  parser.textHandler = parser.cdataHandler = (piece) => {
    text += piece
  }
  parser.closeTagHandler = () => {
    const name = open.pop()
    const isTime = readingAt >= 0 && open.length === readingDepth + 1 && open.at(-1) === 'timePeriod'
    if (isTime && (name === 'start' || name === 'duration')) times[name] = secondsOf(text)
    if (readingAt >= 0 && open.length === readingDepth - 1) {
      const { start, duration } = times
      if (isWanted(start > milliseconds ? start / 1000 : start, duration))
        range = { from: readingAt, to: parser.position }
      readingAt = -1
    }
    if (open.length === 0) range ??= 'none'
    if (range !== undefined) throw found
  }
  try {
    parser.write(bytes.toString('latin1'))
  } catch (error) {
    if (error !== found) throw error
  }
  return range ?? 'more'
}
