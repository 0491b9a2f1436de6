/**
 * ReadingTypes of a feed, one row each when the feed has ended. PG&E repeats them before every usage point; where two definitions of
 * one href differ, what differs is unknown, not guessed.
 */
import { commodities, flowDirections, qualities, unitSymbols } from '../schemas/espi-codes.ts'
import type { FeedSink } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import type { ContentPayload, Leaf } from './leaf-record.ts'
import { type Identity, resourceIdentity } from './series-key.ts'

/** Columns of table reading_type by the element they come from. */
const columns = {
  accumulation_behaviour: 'accumulationBehaviour',
  commodity: 'commodity',
  data_qualifier: 'dataQualifier',
  default_quality: 'defaultQuality',
  flow_direction: 'flowDirection',
  interval_length_s: 'intervalLength',
  kind: 'kind',
  phase: 'phase',
  power_of_ten: 'powerOfTenMultiplier',
  time_attribute: 'timeAttribute',
  uom: 'uom',
  measuring_period: 'measuringPeriod',
  currency: 'currency',
  tou: 'tou',
  cpp: 'cpp',
  consumption_tier: 'consumptionTier',
} as const

type Column = keyof typeof columns
type Facts = Record<Column, number | null>

const columnNames = Object.keys(columns) as Column[]

interface ReadingType {
  readonly href: string
  readonly facts: Facts
  /** As it came last: PG&E repeats it in the same words. */
  leaves: readonly Leaf[]
  lastFacts: Facts
  conflict: boolean
  published_us: number
  at: number
}

export class ReadingTypes {
  readonly #identity: Identity
  readonly #drift: Drift
  readonly #types = new Map<string, ReadingType>()

  constructor(identity: Identity, drift: Drift) {
    this.#identity = identity
    this.#drift = drift
  }

  /** A ReadingType entry has ended. */
  add(entry: Entry, payload: ContentPayload, path: string): void {
    const href = entry.self
    const id = href === undefined ? undefined : resourceIdentity(href, 'ReadingType', this.#identity)
    if (href === undefined || id === undefined)
      return entry.rejectWhole('READING_TYPE_UNIDENTIFIED', path, 'its self link names no ReadingType')
    const known = this.#types.get(id)
    const isRepeated = known !== undefined && isSame(known.leaves, payload.leaves)
    const facts = isRepeated ? known.lastFacts : readFacts(payload)
    const published_us = entry.publishedAt_us
    if (known === undefined) {
      const { leaves } = payload
      this.#types.set(id, {
        href,
        facts: { ...facts },
        leaves,
        lastFacts: facts,
        conflict: false,
        published_us,
        at: entry.at,
      })
    } else {
      if (!isRepeated) this.#merge(known, facts, entry, path)
      known.leaves = payload.leaves
      known.lastFacts = facts
      if (Number.isNaN(known.published_us) || published_us > known.published_us) known.published_us = published_us
      known.at = Math.min(known.at, entry.at)
    }
    this.#countUnknown(facts, entry.at)
  }

  /** The feed has ended. */
  emit(sink: FeedSink): void {
    for (const [id, { href, facts, conflict, published_us, at }] of this.#types)
      sink.row({
        table: 'reading_type',
        reading_type_id: id,
        href,
        ...facts,
        conflict,
        published_at: Number.isNaN(published_us) ? null : formatInstant(published_us),
        byte_offset: at,
      })
  }

  #merge(known: ReadingType, facts: Facts, entry: Entry, path: string): void {
    const conflicting = columnNames.filter((name) => known.facts[name] !== facts[name])
    if (conflicting.length === 0) return
    if (!known.conflict)
      entry.warn(
        'READING_TYPE_CONFLICT',
        path,
        `one href, two definitions in one feed: ${conflicting.map((name) => columns[name]).join(', ')} differ and are unknown`,
      )
    known.conflict = true
    for (const name of conflicting) known.facts[name] = null
  }

  #countUnknown(facts: Facts, at: number): void {
    this.#drift.code('commodity', commodities, facts.commodity, at)
    this.#drift.code('flowDirection', flowDirections, facts.flow_direction, at)
    this.#drift.code('uom', unitSymbols, facts.uom, at)
    this.#drift.code('defaultQuality', qualities, facts.default_quality, at)
    if (facts.power_of_ten === null) this.#drift.count('code', 'powerOfTenMultiplier missing', at)
    if (facts.uom === null) this.#drift.count('code', 'uom missing', at)
    if (facts.flow_direction === null) this.#drift.count('code', 'flowDirection missing', at)
  }
}

function isSame(before: readonly Leaf[], now: readonly Leaf[]): boolean {
  if (before.length !== now.length) return false
  for (const [index, leaf] of now.entries())
    if (leaf.name !== before[index]?.name || leaf.text !== before[index]?.text) return false
  return true
}

function readFacts(payload: ContentPayload): Facts {
  const facts = {} as Facts
  for (const name of columnNames)
    facts[name] = payload.integer(columns[name], name === 'power_of_ten' || name === 'tou' ? 'int16' : 'int32')
  return facts
}
