/**
 * The streaming reader of ESPI feeds: bytes in, rows to a sink, in memory that does not grow with the readings. A bad element costs
 * its entry; a file that is truncated, not well-formed or not a feed is refused whole.
 */
import { MeterlakeError } from '../schemas/errors.ts'
import type { FeedReader, FeedReaderOptions, FeedSink, FeedSummary, OpenFeedReader } from '../schemas/feed-rows.ts'
import { CustomerRows } from './customer-rows.ts'
import { Drift } from './drift.ts'
import { type ElementHandler, hrefAttribute, interest } from './element-handler.ts'
import * as element from './element-paths.ts'
import { Entry, readDate } from './entry.ts'
import { feedBounds } from './feed-bounds.ts'
import { FeedStart } from './feed-start.ts'
import { Fragment } from './fragment.ts'
import { formatInstant } from './instant-text.ts'
import { blockInterest, IntervalBlockReader } from './interval-block-reader.ts'
import { ContentPayload } from './leaf-record.ts'
import { LocalTime } from './local-time.ts'
import { MeterReadings } from './meter-reading.ts'
import { RecordRows } from './record-rows.ts'
import { Utf8Check } from './utf8-check.ts'
import { XmlSource } from './xml-source.ts'

/** Opens a reader of one feed. See {@link FeedReader}; throws RangeError for a time zone nobody knows. */
export const openFeedReader: OpenFeedReader = (sink, options) => new EspiFeedReader(sink, options)

/** Leaves of ApplicationInformation that are secrets. */
const secrets = /secret|token|password|apiKey/i

/** Payloads that only usage feeds have; LocalTimeParameters and the like come in customer feeds too. */
const usageKinds = new Set([
  element.intervalBlock,
  element.meterReading,
  element.readingType,
  element.usagePoint,
  element.usageSummary,
  element.electricPowerUsageSummary,
  element.electricPowerQualitySummary,
])

const relations = ['self', 'up', 'related'].map((name) => ({ name, bytes: Buffer.from(name) }))

/** The relations almost every link has, without making a text. */
function usualRelation(bytes: Buffer, from: number, to: number): string | undefined {
  next: for (const { name, bytes: known } of relations) {
    if (known.length !== to - from) continue
    for (let at = 0; at < known.length; at++) if (bytes[from + at] !== known[at]) continue next
    return name
  }
  return undefined
}

/** Self links of customer feeds. */
const customerFeed = /(^|\/)Batch\/(BulkRetailCustomerInfo|BulkRetailDRPrgInfo|RetailCustomer|RetailDRPrgInfo)\//

/** Of these, those of demand-response programs. */
const programFeed = /(^|\/)Batch\/(BulkRetailDRPrgInfo|RetailDRPrgInfo)\//

const inside = { outside: 0, block: 1, record: 2, skipped: 3 } as const

/**
 * What is done at each known path, read off the methods below. Within a block, an entry or a feed, but outside other payloads, the
 * path alone says what state the reader is in; so what changes nothing there need not be told.
 */
const interests = ((): Uint8Array => {
  const paths = new element.ElementPaths()
  const bits = new Uint8Array(element.knownPathCount).fill(interest.all)
  const isWithin = (path: number, outer: number): boolean =>
    path === outer || (path !== element.documentPath && isWithin(paths.parent(path), outer))
  for (let path = 1; path < element.knownPathCount; path++) {
    const parent = paths.parent(path)
    if (isWithin(path, element.intervalBlock)) bits[path] = blockInterest(path)
    else if (parent === element.entry || parent === element.feed) bits[path] = 0
  }
  bits[element.entry] = bits[element.entryLink] = bits[element.feedLink] = interest.open | interest.close
  for (const date of [element.entryPublished, element.entryUpdated, element.feedUpdated]) bits[date] = interest.value
  return bits
})()

class EspiFeedReader implements FeedReader, ElementHandler {
  readonly #sink: FeedSink
  readonly #source: XmlSource
  readonly #utf8 = new Utf8Check()
  #start: FeedStart | undefined = new FeedStart()
  #bytes = 0
  #failure: unknown

  readonly #drift = new Drift()
  readonly #local: LocalTime
  readonly #entryFragment: Fragment
  readonly #readingFragment: Fragment
  readonly #entry: Entry
  readonly #blocks: IntervalBlockReader
  readonly #meterReadings: MeterReadings
  readonly #records: RecordRows
  readonly #customers: CustomerRows

  #kind: FeedSummary['kind'] | undefined
  #feedUpdated_us = Number.NaN
  #entries = 0
  readonly #entriesByKind: Record<string, number> = {}
  #entryKind = ''
  #quarantined = 0
  #where: number = inside.outside
  #payloadPath = 0
  #payload: ContentPayload | undefined
  #group = -1
  #inner = -1
  #rel = ''

  constructor(sink: FeedSink, options: FeedReaderOptions) {
    this.#sink = sink
    this.#source = new XmlSource(this, options.markupMemory ?? true)
    this.#entryFragment = new Fragment(this.#source.bytes)
    this.#readingFragment = new Fragment(this.#source.bytes)
    this.#local = new LocalTime(options.timeZone)
    this.#entry = new Entry(this.#entryFragment, sink, this.#drift)
    this.#meterReadings = new MeterReadings(options.usagePointIdentity)
    this.#records = new RecordRows(sink, options, this.#drift, this.#local, this.#meterReadings)
    this.#customers = new CustomerRows(sink, options, this.#drift)
    this.#blocks = new IntervalBlockReader(sink, this.#entry, this.#drift, this.#local, this.#readingFragment, (path) =>
      this.#source.paths.name(path),
    )
  }

  write(chunk: Uint8Array): void {
    this.#attempt(() => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      this.#bytes += bytes.length
      if (this.#start === undefined) return this.#read(bytes)
      const first = this.#start.write(bytes)
      if (first === undefined) return
      if (this.#start.bomBytes > 0) {
        this.#source.skip(this.#start.bomBytes)
        this.#utf8.skip(this.#start.bomBytes)
      }
      this.#start = undefined
      this.#read(first)
    })
  }

  end(): FeedSummary {
    return this.#attempt(() => {
      if (this.#start !== undefined) this.#start.end()
      this.#source.end()
      if (this.#utf8.unfinished)
        throw new MeterlakeError('FEED_TRUNCATED', `the feed ends at byte ${this.#bytes} inside a character`, {
          byte: this.#bytes,
        })
      return this.#finish()
    })
  }

  #attempt<Result>(act: () => Result): Result {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return act()
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  #read(bytes: Buffer): void {
    this.#source.write(this.#utf8.write(bytes))
    const { bad } = this.#utf8
    if (bad !== undefined) throw new MeterlakeError('FEED_ENCODING', `not UTF-8 at byte ${bad}`, { byte: bad })
    this.#entryFragment.carry()
    this.#readingFragment.carry()
    this.#source.bytes.retire()
  }

  #finish(): FeedSummary {
    if (this.#entries === 0) throw new MeterlakeError('FEED_EMPTY', 'the feed has no entries', { byte: this.#bytes })
    const kinds = Object.keys(this.#entriesByKind)
    if (kinds.every((kind) => kind === 'ApplicationInformation'))
      throw new MeterlakeError('FEED_SECRET', 'the feed holds only ApplicationInformation', { byte: 0 })
    const kind = this.#kind ?? 'usage'
    this.#blocks.flush()
    if (kind === 'usage') {
      this.#quarantined += this.#meterReadings.emit(this.#sink)
      this.#records.emit()
    }
    this.#drift.emit(this.#sink)
    return {
      kind,
      bytes: this.#bytes,
      feedUpdatedAt: Number.isNaN(this.#feedUpdated_us) ? null : formatInstant(this.#feedUpdated_us),
      entries: this.#entries,
      entriesByKind: { ...this.#entriesByKind },
      blocks: this.#meterReadings.blocks,
      readings: this.#blocks.readings,
      quarantined: this.#quarantined,
      markupRuns: this.#source.markupRuns,
      slowBytes: this.#source.slowBytes,
    }
  }

  // --- what the XML source tells ---

  get boundAt(): number {
    return this.#entry.at + feedBounds.entryBytes
  }

  interest(path: number): number {
    return path < interests.length ? (interests[path] as number) : interest.all
  }

  open(path: number, at: number): void {
    if (this.#where === inside.block) {
      if (path >= element.knownPathCount) this.#drift.count('element', this.#source.paths.name(path), at)
      return this.#blocks.open(path, at)
    }
    if (this.#where === inside.record) return this.#openRecordChild(path, at)
    if (this.#where === inside.skipped) return
    if (path === element.entry) return this.#openEntry(at)
    const parent = this.#source.paths.parent(path)
    if (parent === element.documentPath && path !== element.feed) this.#wrongRoot(path, at)
    if (parent === element.content && path !== element.contentPublished && path !== element.contentUpdated)
      return this.#openPayload(path, at)
    if (path === element.entryLink || path === element.feedLink) {
      this.#entry.links.open()
      this.#rel = ''
    }
    if (path >= element.knownPathCount) this.#drift.count('element', this.#source.paths.name(path), at)
  }

  attribute(_path: number, attribute: number, bytes: Buffer, from: number, to: number): void {
    if (attribute === hrefAttribute) this.#entry.links.href(bytes, from, to)
    else this.#rel = usualRelation(bytes, from, to) ?? bytes.toString('utf8', from, to).trim()
  }

  value(path: number, bytes: Buffer, from: number, to: number, at: number): void {
    if (this.#where === inside.block) return this.#blocks.value(path, bytes, from, to, at)
    if (this.#where === inside.record) return this.#recordValue(path, bytes, from, to, at)
    if (this.#where === inside.skipped) return
    switch (path) {
      case element.entryPublished:
      case element.contentPublished:
        return this.#entry.date('published', bytes, from, to, at)
      case element.entryUpdated:
      case element.contentUpdated:
        return this.#entry.date('updated', bytes, from, to, at)
      case element.feedUpdated:
        this.#feedUpdated_us = readDate('feed updated', bytes, from, to, at, this.#drift)
        return
      default:
    }
  }

  /** Only where {@link interest} says so: in a block. */
  integer(path: number, value: number, at: number): void {
    this.#blocks.integer(path, value, at)
  }

  close(path: number, at: number, end: number): void {
    if (this.#where !== inside.outside) {
      if (this.#where === inside.block) this.#blocks.close(path, at, end)
      if (path === this.#payloadPath) this.#where = inside.outside
      if (end - this.#entry.at > feedBounds.entryBytes)
        throw new MeterlakeError('FEED_LIMIT', `an entry is longer than ${feedBounds.entryBytes} bytes`, {
          byte: this.#entry.at,
        })
      return
    }
    if (path === element.entryLink) {
      this.#entry.links.add(this.#rel, this.#entry.at)
    } else if (path === element.feedLink) this.#feedLink(at)
    else if (path === element.entry) this.#closeEntry(end)
  }

  stray(kind: 'element' | 'attribute', name: string, at: number): void {
    if (this.#where !== inside.skipped) this.#drift.count(kind, name, at)
  }

  // --- entries ---

  #openEntry(at: number): void {
    this.#entries += 1
    this.#entryKind = ''
    this.#blocks.counts.length = 0
    this.#entry.begin(at, this.#meterReadings.blocks)
  }

  #openPayload(path: number, at: number): void {
    const { paths } = this.#source
    const customer = paths.uri(path) === element.customerNamespace
    const kind = customer ? paths.local(path) : paths.shortName(path)
    if (this.#entryKind === '') this.#entryKind = kind
    this.#payloadPath = path
    if (path === element.authorization)
      throw new MeterlakeError('FEED_SECRET', 'the feed holds an Authorization', { byte: at })
    if (customer) this.#is('customer', at)
    else if (usageKinds.has(path)) this.#is('usage', at)
    else if (this.#kind === 'customer') return this.#skip()
    if (path === element.intervalBlock) {
      if (this.#blocks.counts.length >= feedBounds.blocksPerEntry)
        throw new MeterlakeError('FEED_LIMIT', `an entry has more than ${feedBounds.blocksPerEntry} blocks`, {
          byte: at,
        })
      this.#where = inside.block
      this.#blocks.open(path, at)
    } else {
      this.#where = inside.record
      this.#payload = new ContentPayload(kind, at)
      this.#group = this.#inner = -1
      this.#entry.payloads.push(this.#payload)
      if (path >= element.knownPathCount) this.#drift.count('element', paths.name(path), at)
    }
  }

  #skip(): void {
    this.#where = inside.skipped
    this.#entryFragment.end()
  }

  #is(kind: FeedSummary['kind'], at: number): void {
    this.#kind ??= kind
    if (this.#kind !== kind)
      throw new MeterlakeError('FEED_WRONG_ROOT', 'usage and customer entries in one feed', { byte: at })
  }

  #feedLink(at: number): void {
    const href = this.#entry.links.text
    if (this.#rel !== 'self' || !customerFeed.test(href)) return
    this.#is('customer', at)
    this.#customers.isProgramFeed ||= programFeed.test(href)
  }

  #openRecordChild(path: number, at: number): void {
    const { paths } = this.#source
    const parent = paths.parent(path)
    if (parent === this.#payloadPath) {
      this.#group += 1
      this.#inner = -1
    } else if (paths.parent(parent) === this.#payloadPath) this.#inner += 1
    if (this.#payloadPath === element.applicationInformation) {
      if (secrets.test(paths.local(path)))
        throw new MeterlakeError('FEED_SECRET', 'the feed holds ApplicationInformation with secrets', { byte: at })
    } else if (path >= element.knownPathCount) this.#drift.count('element', paths.name(path), at)
  }

  #recordValue(path: number, bytes: Buffer, from: number, to: number, at: number): void {
    const name = this.#source.paths.below(path)
    const payload = this.#payload
    if (name === '' || payload === undefined || this.#payloadPath === element.applicationInformation) return
    const text = bytes.toString('utf8', from, to).trim()
    if (text === '') return
    if (payload.leaves.length >= feedBounds.leavesPerEntry)
      throw new MeterlakeError('FEED_LIMIT', `an entry has more than ${feedBounds.leavesPerEntry} elements`, {
        byte: this.#entry.at,
      })
    payload.leaves.push({ name, text, at, group: this.#group, inner: this.#inner })
  }

  #closeEntry(end: number): void {
    const entry = this.#entry
    entry.end = end
    const kind = this.#entryKind === '' ? 'none' : this.#entryKind
    this.#entriesByKind[kind] = (this.#entriesByKind[kind] ?? 0) + 1
    const rows = this.#kind === 'customer' ? this.#customers : this.#records
    for (const payload of entry.payloads) rows.read(entry, payload, this.#source.paths.name(element.content))
    if (this.#blocks.counts.length > 0)
      this.#meterReadings.blockEntry(entry, this.#blocks.counts, this.#source.paths.name(element.intervalBlock))
    if (entry.rejected) this.#quarantined += 1
    entry.finish()
  }

  #wrongRoot(path: number, at: number): never {
    const name = this.#source.paths.name(path)
    if (/(^|\})html$/i.test(name)) throw new MeterlakeError('FEED_NOT_XML', 'the body is an HTML page', { byte: at })
    throw new MeterlakeError('FEED_WRONG_ROOT', `the root is ${name.slice(0, 100)}, not an Atom feed or entry`, {
      byte: at,
    })
  }
}
