/** Sums over the truth: what a bench or a smoke test compares, small enough for a file. */
import type { BillPlan } from './bill-plan.ts'
import { entriesOf } from './entry-order.ts'
import type { FeedPackage } from './package.ts'
import { isoOfDay, localDayOf } from './pacific-day.ts'
import { inOrder, kwhText, type TruthRow } from './truth.ts'

export interface TruthSummary {
  readonly rows: number
  /** Readings without parents in the set; not in any other number. */
  readonly parked: number
  readonly usage_points: number
  readonly meter_readings: number
  /** Flow direction → Σ energy_kwh, nine decimals. */
  readonly kwh_by_flow: Readonly<Record<string, string>>
  readonly rows_by_flow: Readonly<Record<string, number>>
  readonly rows_by_quality: Readonly<Record<string, number>>
  readonly rows_by_local_date: Readonly<Record<string, number>>
  readonly value_sum: string
  readonly quality_sum: number
  readonly tou_sum: number
  readonly tou_rows: number
  readonly power_of_ten_sum: number
  readonly uom_sum: number
  readonly duration_sum: number
  readonly min_start_s: number | null
  readonly max_start_s: number | null
}

/** Adds up rows of {@link truthRows}; parked ones are counted, no more. */
export function summarizeTruth(rows: Iterable<TruthRow>): TruthSummary {
  const usagePoints = new Set<string>()
  const meterReadings = new Set<string>()
  const byFlow = new Map<number, number>()
  const byQuality = new Map<number, number>()
  const byDate = new Map<string, number>()
  const nanoByFlow = new Map<number, bigint>()
  const sum = { rows: 0, parked: 0, quality: 0, tou: 0, touRows: 0, powerOfTen: 0, uom: 0, duration: 0 }
  let value = 0n
  let min = Infinity
  let max = -Infinity
  for (const row of rows) {
    if (row.parked) {
      sum.parked += 1
      continue
    }
    usagePoints.add(row.usage_point_id)
    meterReadings.add(`${row.usage_point_id}/${row.meter_reading_id}`)
    count(byFlow, row.flow_direction)
    count(byQuality, row.quality)
    count(byDate, isoOfDay(localDayOf(row.start_s)))
    if (row.energy_kwh !== null) {
      const nano = BigInt(row.energy_kwh.replace('.', ''))
      nanoByFlow.set(row.flow_direction, (nanoByFlow.get(row.flow_direction) ?? 0n) + nano)
    }
    value += BigInt(row.value)
    sum.rows += 1
    sum.quality += row.quality
    sum.tou += row.tou ?? 0
    sum.touRows += row.tou === null ? 0 : 1
    sum.powerOfTen += row.power_of_ten
    sum.uom += row.uom
    sum.duration += row.duration_s
    min = Math.min(min, row.start_s)
    max = Math.max(max, row.start_s)
  }
  return {
    rows: sum.rows,
    parked: sum.parked,
    usage_points: usagePoints.size,
    meter_readings: meterReadings.size,
    kwh_by_flow: Object.fromEntries([...nanoByFlow].map(([flow, nano]) => [flow, kwhText(nano, -6)])),
    rows_by_flow: Object.fromEntries(byFlow),
    rows_by_quality: Object.fromEntries(byQuality),
    rows_by_local_date: Object.fromEntries([...byDate].sort(([a], [b]) => (a < b ? -1 : 1))),
    value_sum: String(value),
    quality_sum: sum.quality,
    tou_sum: sum.tou,
    tou_rows: sum.touRows,
    power_of_ten_sum: sum.powerOfTen,
    uom_sum: sum.uom,
    duration_sum: sum.duration,
    min_start_s: sum.rows > 0 ? min : null,
    max_start_s: sum.rows > 0 ? max : null,
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** A bill as it stands after a set of packages. */
export interface TruthBill {
  readonly usage_point_id: string
  /** Path of its self link: `Subscription/…/UsagePoint/…/UsageSummary/1,436,684,400,000`. */
  readonly summary_id: string
  readonly published_at_ms: number
  /** Times it was sent. */
  readonly versions: number
  readonly bill: BillPlan
}

/** The latest version of every bill of the packages, by usage point and period. */
export function* truthBills(packages: readonly FeedPackage[]): Generator<TruthBill> {
  const ordered = inOrder(packages)
  for (const usagePoint of ordered[0]?.fleet.usagePoints() ?? []) {
    const bills = new Map<string, TruthBill>()
    for (const feedPackage of ordered) {
      const content = feedPackage.content(usagePoint)
      if (!content || content.bills.length === 0) continue
      for (const entry of entriesOf(feedPackage, content)) {
        if (entry.kind !== 'usageSummary') continue
        const { bill, published_ms } = entry
        const summary_id = `Subscription/${usagePoint.subscriptionId}/UsagePoint/${usagePoint.usagePointId}/UsageSummary/${bill.summaryId}`
        bills.set(summary_id, {
          usage_point_id: usagePoint.usagePointId,
          summary_id,
          published_at_ms: published_ms,
          versions: (bills.get(summary_id)?.versions ?? 0) + 1,
          bill,
        })
      }
    }
    yield* bills.values()
  }
}
