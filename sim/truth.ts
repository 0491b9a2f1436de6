/** What a lake must hold after a set of packages: computed from the fleet's own model, never from the rendered XML. */
import { qualityOrder } from '../schemas/espi-codes.ts'
import type { UsagePointContent } from './content.ts'
import { entriesOf, meterReadingId } from './entry-order.ts'
import type { Fleet, SeriesPlan, UsagePointPlan } from './fleet.ts'
import { absent, type BlockReadings, createBlockReadings, fillBlock } from './interval-block.ts'
import type { FeedPackage } from './package.ts'

/** One current interval, as `core.interval` must show it. */
export interface TruthRow {
  readonly usage_point_id: string
  readonly meter_reading_id: string
  readonly flow_direction: number
  readonly commodity: number
  readonly uom: number
  readonly power_of_ten: number
  readonly start_s: number
  readonly duration_s: number
  readonly value: number
  /** Worst of the codes in force, the ReadingType's default included. */
  readonly quality: number
  /** As sent on the reading, space-separated in document order; null where it says none. */
  readonly quality_codes: string | null
  readonly quality_source: 'reading' | 'default'
  readonly tou: number | null
  /** DECIMAL(18,9) as text with nine decimals; null where uom is not 72. */
  readonly energy_kwh: string | null
  readonly published_at_ms: number
  /** No package of the set brings its MeterReading: it waits in `parked`. */
  readonly parked: boolean
}

interface Version {
  duration_s: number
  value: number
  quality: number
  secondQuality: number
  tou: number
  published_at_ms: number
}

interface SeriesState {
  readonly series: SeriesPlan
  readonly meterReadingId: string
  readonly intervals: Map<number, Version>
  parked: boolean
}

/**
 * The final state after these packages in the order of their generation, whatever order they are delivered in: by usage point,
 * series and start. Memory: one usage point. All packages must be of one fleet.
 */
export function* truthRows(packages: readonly FeedPackage[]): Generator<TruthRow> {
  const ordered = inOrder(packages)
  const fleet = ordered[0]?.fleet
  if (!fleet) return
  const readings = createBlockReadings()
  for (const usagePoint of fleet.usagePoints()) {
    const states = new Map<string, SeriesState>()
    for (const feedPackage of ordered) {
      const content = feedPackage.content(usagePoint)
      if (content) apply(feedPackage, content, states, readings)
    }
    for (const state of states.values()) yield* rowsOf(usagePoint, state)
  }
}

export function inOrder(packages: readonly FeedPackage[]): readonly FeedPackage[] {
  const ordered = [...packages].sort((a, b) => a.generatedAt_ms - b.generatedAt_ms)
  const fleet: Fleet | undefined = ordered[0]?.fleet
  if (ordered.some((feedPackage) => feedPackage.fleet !== fleet)) {
    throw new RangeError('packages of several fleets have no common truth')
  }
  return ordered
}

function apply(
  feedPackage: FeedPackage,
  content: UsagePointContent,
  states: Map<string, SeriesState>,
  readings: BlockReadings,
): void {
  const { usagePoint, partial } = content
  for (const entry of entriesOf(feedPackage, content)) {
    if (entry.kind !== 'intervalBlock') continue
    const { series } = entry.block
    const id = meterReadingId(series, usagePoint.usagePointId, feedPackage.generatedAt_ms)
    let state = states.get(id)
    if (!state) {
      state = { series, meterReadingId: id, intervals: new Map(), parked: true }
      states.set(id, state)
    }
    if (!partial) state.parked = false
    fillBlock(feedPackage.fleet, usagePoint, entry.block, readings)
    for (let at = 0; at < readings.n; at += 1) put(state.intervals, readings, at, entry.published_ms)
  }
}

/**
 * The newer reading replaces the one at its start, and withdraws those that begin within it and end no later. One that says what
 * is in force already changes nothing: published_at names the first that said so.
 */
function put(intervals: Map<number, Version>, readings: BlockReadings, at: number, published_at_ms: number): void {
  const start_s = readings.readingStart_s[at] as number
  const duration_s = readings.reading_s
  const end_s = start_s + duration_s
  for (let inner_s = start_s + 900; inner_s < end_s; inner_s += 900) {
    const covered = intervals.get(inner_s)
    if (covered && inner_s + covered.duration_s <= end_s) intervals.delete(inner_s)
  }
  const version: Version = {
    duration_s,
    value: readings.value[at] as number,
    quality: readings.quality[at] as number,
    secondQuality: readings.secondQuality[at] as number,
    tou: readings.tou[at] as number,
    published_at_ms,
  }
  const known = intervals.get(start_s)
  if (!known || !isSame(known, version)) intervals.set(start_s, version)
  // two packages of one moment may say it milliseconds apart
  else known.published_at_ms = Math.min(known.published_at_ms, published_at_ms)
}

const isSame = (a: Version, b: Version): boolean =>
  a.duration_s === b.duration_s &&
  a.value === b.value &&
  a.quality === b.quality &&
  a.secondQuality === b.secondQuality &&
  a.tou === b.tou

function* rowsOf(usagePoint: UsagePointPlan, state: SeriesState): Generator<TruthRow> {
  const { readingType } = state.series
  for (const start_s of [...state.intervals.keys()].sort((a, b) => a - b)) {
    const version = state.intervals.get(start_s) as Version
    const codes = [version.quality, version.secondQuality].filter((code) => code !== absent)
    yield {
      usage_point_id: usagePoint.usagePointId,
      meter_reading_id: state.meterReadingId,
      flow_direction: readingType.flowDirection,
      commodity: readingType.commodity,
      uom: readingType.uom,
      power_of_ten: readingType.powerOfTen,
      start_s,
      duration_s: version.duration_s,
      value: version.value,
      quality: codes.length === 0 ? readingType.defaultQuality : worstOf(codes),
      quality_codes: codes.length === 0 ? null : codes.join(' '),
      quality_source: codes.length === 0 ? 'default' : 'reading',
      tou: version.tou === absent ? null : version.tou,
      energy_kwh: readingType.uom === 72 ? kwhText(BigInt(version.value), readingType.powerOfTen) : null,
      published_at_ms: version.published_at_ms,
      parked: state.parked,
    }
  }
}

const worstOf = (codes: readonly number[]): number =>
  codes.reduce((worst, code) => (rank(code) > rank(worst) ? code : worst))
const rank = (code: number): number => qualityOrder.indexOf(code as (typeof qualityOrder)[number])

/** value × 10^(powerOfTen − 3) as a decimal with nine places: `2.668300000`. Exact for powers of ten from −6. */
export function kwhText(value: bigint, powerOfTen: number): string {
  const nano = value * 10n ** BigInt(powerOfTen + 6)
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, '0')
  return `${nano < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`
}
