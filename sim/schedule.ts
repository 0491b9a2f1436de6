/** When which day of a series is sent first, corrected and billed: pure functions of seed, usage point and day. */
import type { BlockPlan } from './content.ts'
import type { Fleet, SeriesPlan, UsagePointPlan } from './fleet.ts'
import { isIncomplete } from './interval-block.ts'
import { hash } from './seeded.ts'

/** Days from the end of a billing period to the package that carries its bill, and length of the period. */
export const billLag = 4
export const billDays = 30

/** Days that the first reading of `day` comes late: 0 for most; a few miss one to three packages; MV-90 meters two. */
export function lateBy(fleet: Fleet, usagePoint: UsagePointPlan, series: SeriesPlan, day: number): number {
  if (usagePoint.mv90) return 2
  const chance = hash(fleet.seed, usagePoint.index, day, 50 + series.index)
  return chance % 40 === 0 ? 1 + ((chance >>> 8) % 3) : 0
}

/** Days after `day` at which a correction of it is sent, 0 for never; always after the first reading. */
export function correctedAfter(fleet: Fleet, usagePoint: UsagePointPlan, series: SeriesPlan, day: number): number {
  const late = lateBy(fleet, usagePoint, series, day)
  if (isIncomplete(fleet, usagePoint, series, day)) return late + 2
  const chance = hash(fleet.seed, usagePoint.index, day, 60 + series.index)
  return chance % 14 === 0 ? late + 1 + ((chance >>> 8) % 6) : 0
}

/** The package (operating day) that carries the bill over `day`: in the cycle of 30 days, four days after the period's end at the earliest. */
export function billedOn(fleet: Fleet, usagePoint: UsagePointPlan, day: number): number {
  const earliest = day + billLag
  const cycle = hash(fleet.seed, usagePoint.index, 70) % billDays
  return earliest + ((((cycle - earliest) % billDays) + billDays) % billDays)
}

/** Corrections of long ago come so many days after: up to three years. */
export const longAfter_days = { min: 200, max: 1090 } as const

/** Days after `day` at which it is corrected once more, 0 for never. */
export function correctedLongAfter(fleet: Fleet, usagePoint: UsagePointPlan, series: SeriesPlan, day: number): number {
  const chance = hash(fleet.seed, usagePoint.index, day, 90 + series.index)
  const { min, max } = longAfter_days
  return chance % fleet.correctsOneIn === 0 ? min + ((chance >>> 8) % (max - min + 1)) : 0
}

/** The block of `day` as the utility has it when it makes the package of operating day `at`. */
export function blockAsOf(
  fleet: Fleet,
  usagePoint: UsagePointPlan,
  series: SeriesPlan,
  day: number,
  at: number,
): BlockPlan {
  const after = correctedAfter(fleet, usagePoint, series, day)
  const long = correctedLongAfter(fleet, usagePoint, series, day)
  const isCorrected = after > 0 && day + after <= at
  return {
    series,
    day,
    revision: long > 0 && day + long <= at ? 2 : isCorrected ? 1 : 0,
    stage: billedOn(fleet, usagePoint, day) <= at ? 'revenue' : 'fresh',
  }
}
