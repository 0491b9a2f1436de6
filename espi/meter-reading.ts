/**
 * MeterReadings and the blocks that belong to them, held in columns until the feed ends: only then is it known which MeterReading was
 * given several ReadingTypes, and which href names a collection of blocks without naming its MeterReading.
 */
import type { FeedSink } from '../schemas/feed-rows.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import { integers, numbers } from './number-column.ts'
import { type Identity, resourceIdentity, seriesIdentity, seriesKey } from './series-key.ts'
import { SeriesTable } from './series-table.ts'

const none = -1
const blocks = '/IntervalBlock'
const bare = (href: string) => href.replace(/\/+$/, '')
const instant = (us: number) => (Number.isNaN(us) ? null : formatInstant(us))
const latest = (a: number, b: number) => (Number.isNaN(a) || b > a ? b : a)

interface Unnamed {
  readonly links: readonly string[]
  readonly end: number
  readonly fragment: string
}

/** Fragments of entries that may turn out to be unidentified: so many are kept. */
const maxFragments = 64

/** Definitions of MeterReadings (a series with a ReadingType), and which is the nearest before a block. */
class Definitions {
  readonly series = integers()
  readonly readingType = integers()
  readonly published_us = numbers()
  readonly at = numbers()
  /** Definition of the same series before this one. */
  readonly earlier = integers()
  /** By series: the last definition made, and the one nearest to what is read now. */
  readonly #last = integers()
  readonly #nearest = integers()

  nearest(series: number): number {
    return series < this.#nearest.length ? this.#nearest.at(series) : none
  }

  reused(series: number): boolean {
    const last = series < this.#last.length ? this.#last.at(series) : none
    return last !== none && this.earlier.at(last) !== none
  }

  /** Adds a definition, or finds it again. True where it is another one of a known series. */
  add(series: number, readingType: number, published_us: number, at: number): boolean {
    while (this.#last.length <= series) {
      this.#last.push(none)
      this.#nearest.push(none)
    }
    const last = this.#last.at(series)
    let known = last
    while (known !== none && this.readingType.at(known) !== readingType) known = this.earlier.at(known)
    if (known !== none) {
      this.published_us.set(known, latest(this.published_us.at(known), published_us))
      this.at.set(known, Math.min(this.at.at(known), at))
      this.#nearest.set(series, known)
      return false
    }
    const index = this.series.length
    this.series.push(series)
    this.readingType.push(readingType)
    this.published_us.push(published_us)
    this.at.push(at)
    this.earlier.push(last)
    this.#last.set(series, index)
    this.#nearest.set(series, index)
    return last !== none
  }
}

export class MeterReadings {
  readonly #identity: Identity
  readonly #series: SeriesTable
  readonly #definitions = new Definitions()
  readonly #readingTypes: (string | null)[] = [null]
  readonly #readingTypeIndex = new Map<string, number>()
  /** Series by an href of its collection of blocks, where that does not lie under the MeterReading. */
  readonly #collections = new Map<string, number>()

  readonly #blockSeries = integers()
  readonly #blockDefinition = integers()
  readonly #blockPublished_us = numbers()
  readonly #blockReadings = integers()
  readonly #blockAt = numbers()
  readonly #rejected = new Set<number>()
  /** Blocks whose links name no MeterReading: their entry's links, for the end. */
  readonly #unnamed = new Map<number, Unnamed>()
  /** Keys by series, once they are asked for. */
  #keys = new BigInt64Array(0)
  #lastHref = ''
  #lastSeries = none

  constructor(identity: Identity) {
    this.#identity = identity
    this.#series = new SeriesTable(identity)
  }

  get blocks(): number {
    return this.#blockSeries.length
  }

  /** A MeterReading entry has ended. */
  meterReading(entry: Entry, path: string): void {
    const series = entry.self === undefined ? none : this.#seriesOf(entry.self)
    if (series === none)
      return entry.rejectWhole('METER_READING_UNIDENTIFIED', path, 'its self link names no UsagePoint and MeterReading')
    const types = new Set<string>()
    for (const href of entry.links.related) {
      const type = href.includes('ReadingType') ? resourceIdentity(href, 'ReadingType', this.#identity) : undefined
      if (type !== undefined) types.add(type)
      else if (/(^|\/)IntervalBlock(\/|$)/.test(href) && this.#seriesOf(href) === none)
        this.#collections.set(bare(href), series)
    }
    if (types.size > 1)
      return entry.rejectWhole('METER_READING_AMBIGUOUS', path, 'it is related to more than one ReadingType')
    const [type] = types
    if (this.#definitions.add(series, this.#internType(type), entry.publishedAt_us, entry.at))
      entry.warn(
        'METER_READING_REUSED',
        path,
        'one MeterReading href, several ReadingTypes in one feed: each is a series of its own, and blocks belong to the nearest before them',
      )
  }

  /** A block entry has ended: its blocks, in order, with their numbers of readings. */
  blockEntry(entry: Entry, readings: readonly number[], path: string): void {
    let series = none
    const { up } = entry
    if (up !== undefined) series = this.#seriesOf(up)
    const links = series === none ? [up, entry.self].filter((href) => href !== undefined) : []
    if (series === none && entry.self !== undefined) series = this.#seriesOf(entry.self)
    if (series === none && links.length === 0)
      entry.rejectWhole('BLOCK_UNIDENTIFIED', path, 'the entry has no self or up link to its MeterReading')
    const fragment = series === none && this.#unnamed.size < maxFragments ? entry.fragmentText() : ''
    const unnamed = { links, end: entry.end, fragment }
    for (const count of readings) {
      const block = this.#blockSeries.length
      if (series === none) this.#unnamed.set(block, unnamed)
      if (entry.rejected) this.#rejected.add(block)
      this.#blockSeries.push(series)
      this.#blockDefinition.push(series === none ? none : this.#definitions.nearest(series))
      this.#blockPublished_us.push(entry.publishedAt_us)
      this.#blockReadings.push(count)
      this.#blockAt.push(entry.at)
    }
  }

  /** The feed has ended: all meter_reading and block rows. Returns how many entries were left out now. */
  emit(sink: FeedSink): number {
    const definitions = this.#definitions
    this.#keys = new BigInt64Array(this.#series.size).fill(-1n)
    for (let index = 0; index < definitions.series.length; index++) {
      const series = definitions.series.at(index)
      const { usagePointId, meterReadingId, href } = this.#series.identity(series)
      sink.row({
        table: 'meter_reading',
        series_key: this.#key(series, index),
        usage_point_id: usagePointId,
        meter_reading_id: meterReadingId,
        href,
        reading_type_id: this.#readingTypes[definitions.readingType.at(index)] ?? null,
        reused: definitions.reused(series),
        published_at: instant(definitions.published_us.at(index)),
        byte_offset: definitions.at.at(index),
      })
    }
    return this.#emitBlocks(sink)
  }

  #emitBlocks(sink: FeedSink): number {
    let left = 0
    let refusedAt = -1
    let lastSeries = none
    let lastDefinition = none
    let identity = { usagePointId: '', meterReadingId: '', href: '' }
    let key = seriesKey('', '')
    for (let block = 0; block < this.#blockSeries.length; block++) {
      const at = this.#blockAt.at(block)
      let series = this.#blockSeries.at(block)
      let definition = this.#blockDefinition.at(block)
      let rejected = this.#rejected.has(block)
      if (series === none) {
        const { links, end, fragment } = this.#unnamed.get(block) as Unnamed
        series = links.map((href) => this.#collections.get(bare(href))).find((found) => found !== undefined) ?? none
        if (series !== none) definition = this.#definitions.nearest(series)
        else if (!rejected) {
          rejected = true
          if (at !== refusedAt) {
            refusedAt = at
            left += 1
            sink.row(unidentified(links.at(-1) ?? null, at, end, fragment))
          }
        }
      }
      if (series !== lastSeries || definition !== lastDefinition) {
        identity = series === none ? { usagePointId: '', meterReadingId: '', href: '' } : this.#series.identity(series)
        key = series === none ? seriesKey('', '') : this.#key(series, definition)
        lastSeries = series
        lastDefinition = definition
      }
      sink.row({
        table: 'block',
        block_seq: block,
        series_key: key,
        meter_reading_href: identity.href,
        usage_point_id: identity.usagePointId,
        meter_reading_id: identity.meterReadingId,
        published_at: instant(this.#blockPublished_us.at(block)),
        n_readings: this.#blockReadings.at(block),
        rejected,
        byte_offset: at,
      })
    }
    return left
  }

  #key(series: number, definition: number): string {
    const isReused = definition !== none && this.#definitions.reused(series)
    const known = isReused ? undefined : this.#keys[series]
    if (known !== undefined && known >= 0n) return String(known)
    const { usagePointId, meterReadingId } = this.#series.identity(series)
    if (!isReused) {
      const key = seriesKey(usagePointId, meterReadingId)
      this.#keys[series] = BigInt(key)
      return key
    }
    return seriesKey(usagePointId, meterReadingId, this.#readingTypes[this.#definitions.readingType.at(definition)])
  }

  #internType(id: string | undefined): number {
    if (id === undefined) return 0
    const known = this.#readingTypeIndex.get(id)
    if (known !== undefined) return known
    this.#readingTypes.push(id)
    this.#readingTypeIndex.set(id, this.#readingTypes.length - 1)
    return this.#readingTypes.length - 1
  }

  #seriesOf(href: string): number {
    if (isUnder(href, this.#lastHref)) return this.#lastSeries
    const identity = seriesIdentity(href, this.#identity)
    const series = identity === undefined ? none : this.#series.intern(identity)
    const meterReading = identity?.href ?? ''
    this.#lastHref = isUnder(href, meterReading) ? meterReading : ''
    this.#lastSeries = series
    return series
  }
}

/** True for the same href, and for those of its blocks: they name the same MeterReading. */
function isUnder(href: string, meterReading: string): boolean {
  if (meterReading === '' || !href.startsWith(meterReading)) return false
  const { length } = meterReading
  if (href.length === length) return true
  if (!href.startsWith(blocks, length) || href.includes('?', length)) return false
  const id = length + blocks.length
  return href.length === id || (href[id] === '/' && !href.includes('/', id + 1))
}

const unidentified = (href: string | null, at: number, end: number, fragment: string) =>
  ({
    table: 'quarantine',
    rule: 'BLOCK_UNIDENTIFIED',
    severity: 'error',
    path: 'feed/entry/content/IntervalBlock',
    href,
    byte_from: at,
    byte_to: end,
    fragment,
    message: 'its links name no MeterReading, and no MeterReading of the feed names them',
  }) as const
