/** Packages: what one generation of a feed holds. Rendering and truth both start here. */
import type { BillPlan } from './bill-plan.ts'
import type { BlockPlan, UsagePointContent } from './content.ts'
import { planBills, planDay } from './day.ts'
import type { Fleet, Service, UsagePointPlan } from './fleet.ts'
import { dayOfIso, localDayOf, startOfDay_s } from './pacific-day.ts'
import { blockAsOf, lateBy } from './schedule.ts'
import { hash } from './seeded.ts'

export interface FeedPackage {
  readonly fleet: Fleet
  /** e.g. `day 2026-11-03`. */
  readonly name: string
  /** When it was generated: the base of every `published` in it, Unix milliseconds. */
  readonly generatedAt_ms: number
  /** Differs from package to package: entry ids are random per generation. */
  readonly generation: number
  /** Undefined where the package says nothing of this usage point. */
  content(usagePoint: UsagePointPlan): UsagePointContent | undefined
  /** In file order. */
  contents(service: Service): Iterable<UsagePointContent>
}

function createPackage(
  fleet: Fleet,
  name: string,
  generatedAt_ms: number,
  content: FeedPackage['content'],
): FeedPackage {
  return {
    fleet,
    name,
    generatedAt_ms,
    generation: hash(fleet.seed, Math.floor(generatedAt_ms / 1000), generatedAt_ms % 1000),
    content,
    *contents(service) {
      for (const usagePoint of fleet.usagePoints()) {
        if (usagePoint.service !== service) continue
        const said = content(usagePoint)
        if (said) yield said
      }
    },
  }
}

/**
 * The package of an operating day (`YYYY-MM-DD`): the day, and what was late, corrected or billed since. Generated 11 hours after the
 * day's end (11:10:33 by standard-time clocks) unless said otherwise. `onlyDay`: nothing but the day, for benches.
 */
export function dailyPackage(
  fleet: Fleet,
  date: string,
  options: { generatedAt_ms?: number; onlyDay?: boolean } = {},
): FeedPackage {
  const day = dayOfIso(date)
  const { generatedAt_ms = (startOfDay_s(day + 1) + 40_233) * 1000 + 4, onlyDay = false } = options
  return createPackage(fleet, `day ${date}`, generatedAt_ms, (usagePoint) =>
    planDay(fleet, usagePoint, day, { onlyDay }),
  )
}

/**
 * A long history as one package: every local day from `from` to `to` (both included), one block a series and day, as the utility has it
 * at `generatedAt_ms` (default: 11 hours after the last day). `withBills`: with the bills that were issued on these days.
 */
export function historyPackage(
  fleet: Fleet,
  from: string,
  to: string,
  options: { generatedAt_ms?: number; withBills?: boolean } = {},
): FeedPackage {
  const first = dayOfIso(from)
  const last = dayOfIso(to)
  const { generatedAt_ms = (startOfDay_s(last + 1) + 40_233) * 1000 + 4, withBills = false } = options
  const at = localDayOf(generatedAt_ms / 1000) - 1
  return createPackage(fleet, `history ${from} ${to}`, generatedAt_ms, (usagePoint) => {
    const blocks: BlockPlan[] = []
    for (const series of usagePoint.series) {
      for (let day = first; day <= last; day += 1) {
        const isThere = day + lateBy(fleet, usagePoint, series, day) <= at
        if (isThere) blocks.push(blockAsOf(fleet, usagePoint, series, day, at))
      }
    }
    const bills = new Map<string, BillPlan>()
    if (withBills)
      for (let day = first; day <= last; day += 1)
        for (const bill of planBills(fleet, usagePoint, day)) bills.set(bill.summaryId, bill)
    if (blocks.length === 0 && bills.size === 0) return undefined
    return { usagePoint, partial: false, blocks, bills: [...bills.values()] }
  })
}

/**
 * Every change of the operating days `from` to `to` (both included) as one package, each block and bill once in its latest state: the
 * answer to `updated-min` and `updated-max`.
 */
export function changesPackage(fleet: Fleet, from: string, to: string, generatedAt_ms: number): FeedPackage {
  const first = dayOfIso(from)
  const last = dayOfIso(to)
  return createPackage(fleet, `changes ${from} ${to}`, generatedAt_ms, (usagePoint) => {
    const blocks = new Map<string, BlockPlan>()
    const bills = new Map<string, BillPlan>()
    for (let day = first; day <= last; day += 1) {
      const content = planDay(fleet, usagePoint, day)
      for (const block of content?.blocks ?? []) blocks.set(`${block.series.index}/${block.day}`, block)
      for (const bill of content?.bills ?? []) bills.set(bill.summaryId, bill)
    }
    if (blocks.size === 0 && bills.size === 0) return undefined
    return { usagePoint, partial: false, blocks: [...blocks.values()], bills: [...bills.values()] }
  })
}
