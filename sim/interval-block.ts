/** The readings of one IntervalBlock: the single source of both the rendered feed and the truth beside it. */
import type { BlockPlan } from './content.ts'
import type { Fleet, SeriesPlan, UsagePointPlan } from './fleet.ts'
import { clockHour, dayShape, quarterNet, touCode } from './load-shape.ts'
import { lengthOfDay_s, startOfDay_s } from './pacific-day.ts'
import { hash } from './seeded.ts'

/** Marks an optional field that is not sent. */
export const absent = -1

/** Readings of a block as parallel arrays, reused from block to block; the first `n` are valid. */
export interface BlockReadings {
  n: number
  /** Start and length of the block's own interval, seconds. */
  start_s: number
  duration_s: number
  /** Length of each reading, seconds. */
  reading_s: number
  readonly readingStart_s: number[]
  readonly value: number[]
  /** {@link absent}, or a code. */
  readonly quality: number[]
  /** {@link absent}, or a second ReadingQuality. */
  readonly secondQuality: number[]
  /** {@link absent}, or a code. */
  readonly tou: number[]
}

export function createBlockReadings(): BlockReadings {
  return {
    n: 0,
    start_s: 0,
    duration_s: 0,
    reading_s: 0,
    readingStart_s: [],
    value: [],
    quality: [],
    secondQuality: [],
    tou: [],
  }
}

/** True where the first reading of that day comes with its last hours missing; a correction two days later completes it. */
export function isIncomplete(fleet: Fleet, usagePoint: UsagePointPlan, series: SeriesPlan, day: number): boolean {
  return series.channel !== 'gas' && hash(fleet.seed, usagePoint.index, day, 40 + series.index) % 37 === 5
}

/** Fills `into` with the readings of the block. */
export function fillBlock(fleet: Fleet, usagePoint: UsagePointPlan, block: BlockPlan, into: BlockReadings): void {
  const { series, day } = block
  into.duration_s = lengthOfDay_s(day)
  into.start_s = startOfDay_s(day) + (series.channel === 'gas' ? 1 : 0)
  if (series.channel === 'gas') fillGas(fleet, usagePoint, block, into)
  else fillElectric(fleet, usagePoint, block, into)
}

function fillGas(fleet: Fleet, usagePoint: UsagePointPlan, block: BlockPlan, into: BlockReadings): void {
  const base = hash(fleet.seed, usagePoint.index, block.day, 20) % 400_000_000
  into.n = 1
  into.reading_s = into.duration_s
  into.readingStart_s[0] = into.start_s
  into.value[0] = base < 20_000_000 ? 0 : base + block.revision * 1_036_595
  into.quality[0] = block.stage === 'revenue' || block.revision > 0 ? 19 : 17
  into.secondQuality[0] = absent
  into.tou[0] = absent
}

function fillElectric(fleet: Fleet, usagePoint: UsagePointPlan, block: BlockPlan, into: BlockReadings): void {
  const { series, day, revision } = block
  const { seed } = fleet
  const { readingType, channel } = series
  const changed = usagePoint.changesInterval && revision > 0
  const nominal_s = readingType.intervalLength_s
  const reading_s = changed ? 4500 - nominal_s : nominal_s
  const perReading = reading_s / 900
  const shape = dayShape(seed, usagePoint, day)
  const facts = hash(seed, usagePoint.index, day, 30 + series.index)
  const cut = revision === 0 && isIncomplete(fleet, usagePoint, series, day) ? 3 + (facts % 4) : 0
  const n = (into.duration_s - cut * 3600) / reading_s
  const edit = editedQuarters(facts, revision)
  const withTou = channel === 'delivered' || channel === 'net'
  into.n = n
  into.reading_s = reading_s
  for (let at = 0; at < n; at += 1) {
    let value = 0
    for (let part = 0; part < perReading; part += 1) {
      const quarter = at * perReading + part
      const net = quarterNet(seed, usagePoint, shape, quarter, readingType.powerOfTen, series.meterOrdinal)
      value += onChannel(channel, quarter >= edit.from && quarter < edit.to ? edited(net, facts, revision) : net)
    }
    into.readingStart_s[at] = into.start_s + at * reading_s
    into.value[at] = value
    into.tou[at] = withTou ? touCode(shape, clockHour(day, Math.floor((at * reading_s) / 3600))) : absent
    setQuality(seed, usagePoint, block, facts, at, into)
  }
}

/** Quarters whose values a correction changed: none in half of the first corrections (those change only the quality). */
function editedQuarters(facts: number, revision: number): { from: number; to: number } {
  if (revision === 0 || (revision === 1 && facts % 2 === 0)) return { from: 0, to: 0 }
  const from = 4 * ((facts >>> 8) % 16)
  return { from, to: from + 4 * (2 + ((facts >>> 4) % 6)) }
}

/** Another load by 3 to 18 percent, in steps the value already has (a multiple of its unit). */
function edited(net: number, facts: number, revision: number): number {
  const unit = net % 100 === 0 ? 100 : 1
  return net + unit * (1 + Math.trunc(((Math.abs(net) / unit) * (3 + ((facts >>> 12) % 16))) / 100)) * revision
}

function onChannel(channel: SeriesPlan['channel'], net: number): number {
  if (channel === 'net') return net
  if (channel === 'received') return net < 0 ? -net : 0
  if (channel === 'reactive') return 100 * Math.trunc(Math.abs(net) / 400)
  return net > 0 ? net : 0
}

/** Codes that a provisional reading carries now and then, by thousandths of the readings of a mixed block. */
const mixed: readonly (readonly [below: number, code: number])[] = [
  [60, 8],
  [90, 9],
  [105, 0],
  [115, 7],
  [125, 10],
  [130, 11],
  [135, 12],
  [140, 13],
  [150, 14],
  [155, 15],
  [160, 16],
  [175, 18],
]

function setQuality(
  seed: number,
  usagePoint: UsagePointPlan,
  block: BlockPlan,
  facts: number,
  at: number,
  into: BlockReadings,
): void {
  into.secondQuality[at] = absent
  if (usagePoint.mv90) {
    into.quality[at] = 14
    return
  }
  const chance = hash(seed, usagePoint.index, block.day * 100 + at, 31 + block.series.index) % 1000
  if (block.stage === 'revenue' || block.revision > 0) {
    into.quality[at] = chance < 4 ? 8 : chance < 12 ? 18 : 19
    return
  }
  if (!block.series.statesQuality) {
    into.quality[at] = absent
    return
  }
  into.quality[at] = 17
  // Two blocks of three are of one quality, as on the wire.
  if (facts % 3 !== 0) return
  if (chance >= 985) into.quality[at] = absent
  else if (chance >= 970) into.secondQuality[at] = 8
  else into.quality[at] = mixed.find(([below]) => chance < below)?.[1] ?? 17
}
