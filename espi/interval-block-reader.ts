/** IntervalBlocks → batches of readings. Called for each element of a block; holds one reading at a time, as numbers. */
import { int48, qualities } from '../schemas/espi-codes.ts'
import { type FeedSink, nullInt32, type ReadingBatch } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import { interest } from './element-handler.ts'
import * as element from './element-paths.ts'
import type { Entry } from './entry.ts'
import type { Fragment } from './fragment.ts'
import { absent, readInteger } from './integer-text.ts'
import type { LocalTime } from './local-time.ts'
import {
  ambiguousDuration,
  badnessOf,
  lastStart_s,
  maxDuration_s,
  milliseconds,
  type ReadingRule,
  readingRules,
} from './reading-rules.ts'
import { ReadingRuns } from './reading-runs.ts'

const two32 = 2 ** 32
const none = 0
const ofReading = 1
const ofBlock = 2

const integers = new Set([
  element.readingValue,
  element.readingStart,
  element.readingDuration,
  element.readingTou,
  element.readingCost,
  element.readingCpp,
  element.readingTier,
  element.readingQuality,
  element.blockQuality,
])

/** What of a known path within a block is read here: bits of `interest`. */
export function blockInterest(path: number): number {
  if (path === element.intervalBlock || path === element.intervalReading) return interest.open | interest.close
  return integers.has(path) ? interest.value | interest.integer : 0
}

export class IntervalBlockReader {
  /** Readings of each block of the entry at hand. */
  readonly counts: number[] = []
  readings = 0
  #batch: ReadingBatch | undefined
  #rows = 0
  readonly #sink: FeedSink
  readonly #entry: Entry
  readonly #drift: Drift
  readonly #local: LocalTime
  readonly #fragment: Fragment
  readonly #nameOf: (path: number) => string

  #blockSeq = 0
  #blockAt = 0
  #blockReadings = 0
  #blockQuality = nullInt32
  #blockCodes = ''
  #lateQuality = false
  // the reading at hand
  #at = 0
  #start = absent
  #duration = absent
  #value = absent
  #cost = absent
  #tou = absent
  #cpp = absent
  #tier = absent
  #quality = nullInt32
  #codes = ''
  #severalCodes = false
  #broken: ReadingRule | '' = ''
  #brokenPath = 0
  readonly #runs: ReadingRuns

  constructor(
    sink: FeedSink,
    entry: Entry,
    drift: Drift,
    local: LocalTime,
    fragment: Fragment,
    nameOf: (path: number) => string,
  ) {
    this.#sink = sink
    this.#entry = entry
    this.#drift = drift
    this.#local = local
    this.#fragment = fragment
    this.#nameOf = nameOf
    this.#runs = new ReadingRuns(sink)
  }

  open(path: number, at: number): void {
    if (path === element.intervalReading) {
      this.#at = at
      this.#start = this.#duration = this.#value = absent
      this.#cost = this.#tou = this.#cpp = this.#tier = absent
      this.#quality = nullInt32
      this.#severalCodes = false
      this.#broken = ''
      this.#fragment.begin(at)
    } else if (path === element.intervalBlock) {
      this.#blockAt = at
      this.#blockReadings = 0
      this.#blockQuality = nullInt32
      this.#blockCodes = ''
      this.#lateQuality = false
    }
  }

  value(path: number, bytes: Uint8Array, from: number, to: number, at: number): void {
    if (integers.has(path)) this.integer(path, readInteger(bytes, from, to), at)
  }

  /** The number an element of a reading or a block holds, or what {@link readInteger} gives in its place. */
  integer(path: number, value: number, at: number): void {
    switch (path) {
      case element.readingValue:
        this.#value = this.#once(path, value, this.#value)
        break
      case element.readingStart:
        this.#start = this.#once(path, value, this.#start)
        break
      case element.readingDuration:
        this.#duration = this.#once(path, value, this.#duration)
        break
      case element.readingTou:
        this.#tou = this.#once(path, value, this.#tou)
        break
      case element.readingCost:
        this.#cost = this.#once(path, value, this.#cost)
        break
      case element.readingCpp:
        this.#cpp = this.#once(path, value, this.#cpp)
        break
      case element.readingTier:
        this.#tier = this.#once(path, value, this.#tier)
        break
      case element.readingQuality:
        this.#qualityCode(path, value, at)
        break
      case element.blockQuality:
        this.#blockQualityCode(path, value, at)
        break
      default:
    }
  }

  close(path: number, at: number, end: number): void {
    if (path === element.intervalReading) this.#endReading(end)
    else if (path === element.intervalBlock) {
      if (this.#lateQuality)
        this.#entry.reject(
          'BLOCK_QUALITY_LATE',
          this.#nameOf(path),
          at,
          end,
          this.#entry.fragmentText(),
          'a quality of the block stands behind its readings',
        )
      this.#runs.end(this.#blockSeq)
      this.counts.push(this.#blockReadings)
      this.#blockSeq += 1
    }
  }

  /** Hands over the batch at hand. */
  flush(): void {
    const batch = this.#batch
    if (batch === undefined || this.#rows === 0) return
    batch.rows = this.#rows
    this.#batch = undefined
    this.#rows = 0
    this.#sink.readings(batch)
  }

  #once(path: number, value: number, before: number): number {
    if (before !== absent) this.#break('READING_FIELD_REPEATED', path)
    else if (Number.isNaN(value)) this.#break('READING_VALUE_MALFORMED', path)
    return value
  }

  #qualityCode(path: number, code: number, at: number): void {
    if (code === absent) return
    if (!(code >= 0 && code <= maxDuration_s)) return this.#break('READING_CODE_MALFORMED', path)
    this.#drift.code('quality', qualities, code, at)
    if (this.#quality === nullInt32) {
      this.#quality = code
      this.#codes = String(code)
      return
    }
    this.#severalCodes = true
    this.#codes += ` ${code}`
    if (badnessOf(code) > badnessOf(this.#quality)) this.#quality = code
  }

  #blockQualityCode(path: number, code: number, at: number): void {
    if (code === absent) return
    if (!(code >= 0 && code <= maxDuration_s)) {
      const { fragmentText, at: from } = { fragmentText: this.#entry.fragmentText(), at: this.#blockAt }
      this.#entry.reject('BLOCK_CODE_MALFORMED', this.#nameOf(path), from, at, fragmentText, 'quality is not a code')
      return
    }
    this.#drift.code('quality', qualities, code, at)
    if (this.#blockReadings > 0) this.#lateQuality = true
    this.#blockCodes += `${this.#blockCodes === '' ? '' : ' '}${code}`
    if (this.#blockQuality === nullInt32 || badnessOf(code) > badnessOf(this.#blockQuality)) this.#blockQuality = code
  }

  #break(rule: ReadingRule, path: number): void {
    if (this.#broken !== '') return
    this.#broken = rule
    this.#brokenPath = path
  }

  /** Checks what the reading is made of; times become seconds. */
  #judge(): void {
    if (this.#broken !== '') return
    if (this.#value === absent) return this.#break('READING_VALUE_MISSING', element.readingValue)
    if (this.#value < int48.min || this.#value > int48.max)
      return this.#break('READING_VALUE_RANGE', element.readingValue)
    if (this.#start === absent) return this.#break('READING_START_MISSING', element.readingStart)
    if (this.#duration === absent) return this.#break('READING_DURATION_MISSING', element.readingDuration)
    if (this.#start > milliseconds && Number.isFinite(this.#start)) this.#fromMilliseconds()
    if (this.#broken !== '') return
    if (this.#start < 0 || this.#start >= lastStart_s) return this.#break('READING_TIME_RANGE', element.readingStart)
    if (this.#duration < 0 || this.#duration > maxDuration_s)
      return this.#break('READING_DURATION_RANGE', element.readingDuration)
    if (this.#cost !== absent && (this.#cost < int48.min || this.#cost > int48.max))
      return this.#break('READING_COST_RANGE', element.readingCost)
    if (!isInt16(this.#tou)) this.#break('READING_CODE_RANGE', element.readingTou)
    else if (!isInt16(this.#cpp)) this.#break('READING_CODE_RANGE', element.readingCpp)
    else if (!isInt16(this.#tier)) this.#break('READING_CODE_RANGE', element.readingTier)
  }

  #fromMilliseconds(): void {
    if (this.#start % 1000 !== 0) return this.#break('READING_TIME_FRACTIONAL', element.readingStart)
    this.#start /= 1000
    this.#drift.count('code', 'IntervalReading start in milliseconds', this.#at)
    if (this.#duration >= ambiguousDuration) this.#break('READING_DURATION_AMBIGUOUS', element.readingDuration)
  }

  #endReading(end: number): void {
    this.#judge()
    if (this.#broken !== '') {
      const path = this.#nameOf(this.#brokenPath)
      const message = readingRules[this.#broken]
      this.#entry.reject(this.#broken, path, this.#at, end, this.#fragment.text(end), message)
    } else this.#append()
    this.#fragment.end()
  }

  #append(): void {
    let batch = this.#batch
    if (batch === undefined) {
      this.#batch = batch = this.#sink.batch()
      this.#rows = 0
    }
    const row = this.#rows
    const pair = 2 * row
    const start = this.#start
    const duration = this.#duration
    batch.blockSeq[row] = this.#blockSeq
    batch.startS[pair] = start
    batch.startS[pair + 1] = Math.floor(start / two32)
    batch.durationS[row] = duration
    batch.value[pair] = this.#value
    batch.value[pair + 1] = Math.floor(this.#value / two32)
    batch.tou[row] = this.#tou === absent ? nullInt32 : this.#tou
    batch.cpp[row] = this.#cpp === absent ? nullInt32 : this.#cpp
    batch.consumptionTier[row] = this.#tier === absent ? nullInt32 : this.#tier
    const costed = this.#cost !== absent
    batch.costPresent[row] = costed ? 1 : 0
    batch.cost[pair] = costed ? this.#cost : 0
    batch.cost[pair + 1] = costed ? Math.floor(this.#cost / two32) : 0
    this.#appendQuality(batch, row)
    const local = this.#local
    local.locate(start)
    batch.localDay[row] = local.day
    batch.heSeq[row] = local.heSeq
    batch.heClock[row] = local.heClock
    batch.byteOffset[pair] = this.#at
    batch.byteOffset[pair + 1] = Math.floor(this.#at / two32)
    this.#rows = row + 1
    this.readings += 1
    this.#blockReadings += 1
    if (duration === 0) this.#drift.count('code', 'IntervalReading duration 0', this.#at)
    this.#runs.add(this.#blockSeq, start, duration)
    if (this.#rows === batch.capacity) this.flush()
  }

  #appendQuality(batch: ReadingBatch, row: number): void {
    const own = this.#quality !== nullInt32
    const codes = own ? this.#codes : this.#blockCodes
    batch.quality[row] = own ? this.#quality : this.#blockQuality
    batch.qualitySource[row] = own ? ofReading : this.#blockQuality === nullInt32 ? none : ofBlock
    if (own ? this.#severalCodes : codes.includes(' '))
      this.#sink.row({ table: 'reading_codes', block_seq: this.#blockSeq, byte_offset: this.#at, codes })
  }
}

const isInt16 = (code: number) => code === absent || (code >= -32_768 && code <= 32_767)
