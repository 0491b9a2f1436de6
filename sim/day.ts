/** What the package of one operating day says of one usage point. */
import { planBill } from './bill.ts'
import type { BillPlan } from './bill-plan.ts'
import type { BlockPlan, UsagePointContent } from './content.ts'
import type { Fleet, SeriesPlan, UsagePointPlan } from './fleet.ts'
import { dayOfIso } from './pacific-day.ts'
import {
  billDays,
  billedOn,
  billLag,
  blockAsOf,
  correctedAfter,
  correctedLongAfter,
  lateBy,
  longAfter_days,
} from './schedule.ts'
import { hash } from './seeded.ts'

/**
 * What the package of operating day `at` says of a usage point: the day itself unless it is late, late days that are there
 * now, corrections, the day before again for some, 30 days of revenue quality and the bill where it is billed, now and then a
 * correction of long ago. `onlyDay`: nothing but the day itself.
 */
export function planDay(
  fleet: Fleet,
  usagePoint: UsagePointPlan,
  at: number,
  options: { onlyDay?: boolean } = {},
): UsagePointContent | undefined {
  const { onlyDay = false } = options
  const bills = onlyDay ? [] : planBills(fleet, usagePoint, at)
  const isBilled = !onlyDay && billedOn(fleet, usagePoint, at - billLag) === at
  const blocks: BlockPlan[] = []
  for (const series of usagePoint.series) {
    const days = onlyDay
      ? [at]
      : [...daysCorrectedLongAfter(fleet, usagePoint, series, at), ...daysSent(fleet, usagePoint, series, at, isBilled)]
    for (const day of days) blocks.push(blockAsOf(fleet, usagePoint, series, day, at))
  }
  if (blocks.length === 0 && bills.length === 0) return undefined
  const partial =
    !onlyDay &&
    bills.length === 0 &&
    at > dayOfIso(fleet.firstPackage) &&
    hash(fleet.seed, usagePoint.index, at, 80) % 25 === 0
  return { usagePoint, partial, blocks, bills }
}

function daysSent(
  fleet: Fleet,
  usagePoint: UsagePointPlan,
  series: SeriesPlan,
  at: number,
  isBilled: boolean,
): readonly number[] {
  const days: number[] = []
  const again = hash(fleet.seed, usagePoint.index, at, 81) % 15 === 3
  const earliest = isBilled ? at - billLag - billDays + 1 : at - 10
  for (let day = earliest; day <= at; day += 1) {
    const first = day + lateBy(fleet, usagePoint, series, day)
    const after = correctedAfter(fleet, usagePoint, series, day)
    const billed = isBilled && day <= at - billLag
    const repeated = again && day === at - 1 && first < at
    if (billed || repeated || first === at || (after > 0 && day + after === at)) days.push(day)
  }
  return days
}

/** Days whose late correction this package carries. */
function daysCorrectedLongAfter(
  fleet: Fleet,
  usagePoint: UsagePointPlan,
  series: SeriesPlan,
  at: number,
): readonly number[] {
  const days: number[] = []
  for (let day = at - longAfter_days.max; day <= at - longAfter_days.min; day += 1) {
    if (day + correctedLongAfter(fleet, usagePoint, series, day) === at) days.push(day)
  }
  return days
}

/** Bills in the package of operating day `at`: the bill of the package, and the one that is sent again two days after with an amount corrected. */
export function planBills(fleet: Fleet, usagePoint: UsagePointPlan, at: number): readonly BillPlan[] {
  const bills: BillPlan[] = []
  for (const [issued, revision] of [
    [at - 2, 1],
    [at, 0],
  ] as const) {
    const due = billedOn(fleet, usagePoint, issued - billLag) === issued
    const corrected = hash(fleet.seed, usagePoint.index, issued, 100) % 8 === 0
    if (!due || (revision === 1 && !corrected)) continue
    const lastDay = issued - billLag
    bills.push(planBill(fleet, usagePoint, { firstDay: lastDay - billDays + 1, lastDay, issued, revision }))
  }
  return bills
}
