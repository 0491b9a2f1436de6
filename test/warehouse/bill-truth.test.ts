/** Bills of the generator over the whole path from XML: the views tell the sums and qualities its truth gives, to the last digit. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { kwhText, type TruthRow, truthRows } from '../../sim/truth.ts'
import { type TruthBill, truthBills } from '../../sim/truth-summary.ts'
import { plainDecimal } from '../support/lake-rows.ts'
import { createLake } from '../support/lake.ts'

/** A month before the change of the clock and after it, and packages of the days after with bills and a bill sent again. */
const fleet = createFleet({ seed: 11, meters: 40, firstPackage: '2026-01-15' })
const packages = [
  historyPackage(fleet, '2026-02-01', '2026-03-14', { withBills: true }),
  ...['2026-03-15', '2026-03-16', '2026-03-17'].map((day) => dailyPackage(fleet, day)),
]

const kwhOf = (rows: readonly TruthRow[]): string =>
  plainDecimal(
    kwhText(
      rows.reduce(
        (sum, row) => sum + BigInt((row.energy_kwh ?? '0').replace('.', '')) * (row.flow_direction === 19 ? -1n : 1n),
        0n,
      ),
      -6,
    ),
  )

/** What the views must say of a bill, by the rows of its usage point. */
function truthOf({ bill }: TruthBill, rows: readonly TruthRow[]): Record<string, string | null> {
  const end_s = bill.start_s + bill.duration_s
  const own = rows.filter(
    ({ start_s, uom }) => start_s >= bill.start_s && start_s < end_s && uom === bill.consumption.uom,
  )
  if (own.length === 0) return { reason: 'no_intervals', is_revenue_quality: null }
  const covered_s = own.reduce((sum, { duration_s }) => sum + duration_s, 0)
  const series = new Set(own.map(({ meter_reading_id }) => meter_reading_id)).size
  if (covered_s < series * bill.duration_s) return { reason: 'partly_covered', is_revenue_quality: 'false' }
  const revenue = own.every(({ quality }) => quality === 19)
  const raw = own.every(({ quality }) => quality === 14)
  const gas = bill.usagePoint.service === 'gas'
  // gas counts 10^-8 therm, electricity is billed in 10^-3 Wh
  const quantity = gas
    ? kwhText(
        own.reduce((sum, { value }) => sum + BigInt(value), 0n),
        -5,
      )
    : kwhOf(own)
  return {
    reason: null,
    unit: gas ? 'therm' : 'kWh',
    n_intervals: String(own.length),
    n_expected: String(own.length),
    interval_quantity: plainDecimal(quantity),
    billed_quantity: plainDecimal(kwhText(BigInt(bill.consumption.value), gas ? -5 : -3)),
    is_revenue_quality: String(revenue || (raw && bill.usagePoint.mv90)),
    quality_basis: revenue ? 'revenue' : raw ? 'raw_taken_for_mv90' : 'intervals_not_revenue',
  }
}

test('bills of generated days', { timeout: 120_000 }, async () => {
  await using lake = await createLake()
  for (const [at, feedPackage] of packages.entries()) {
    const files: string[] = []
    for (const service of ['electricity', 'gas'] as const) {
      const file = join(lake.dir, `${at}-${service}.xml`)
      await writeFile(file, [...renderFeed(feedPackage, service)])
      files.push(file)
    }
    await lake.load(files)
  }
  const rows = await lake.query(`SELECT r.*, q.is_revenue_quality, q.quality_basis
    FROM mart.bill_recon r JOIN mart.bill_quality q USING (summary_id)`)
  const told = new Map(rows.map((row) => [row['summary_id'], row]))
  const byUsagePoint = Map.groupBy(
    [...truthRows(packages)].filter((row) => !row.parked),
    (row) => row.usage_point_id,
  )
  const expected = [...truthBills(packages)].map((bill) => ({
    summary_id: bill.summary_id,
    ...truthOf(bill, byUsagePoint.get(bill.usage_point_id) ?? []),
  }))
  expect(rows).toHaveLength(expected.length)
  const found = expected.map((one) => {
    const row = told.get(one.summary_id)
    return Object.fromEntries(Object.keys(one).map((name) => [name, row?.[name]]))
  })
  expect(found).toEqual(expected)
  const met = new Set(expected.flatMap((one) => Object.values(one)))
  for (const phenomenon of ['therm', 'kWh', 'partly_covered', 'no_intervals', 'revenue', 'raw_taken_for_mv90', null])
    expect(met).toContain(phenomenon)
  // most bills agree to the last digit; what was corrected after the bill does not
  expect(rows.filter((row) => row['reason'] === null && row['difference_quantity'] === '0').length).toBeGreaterThan(10)
})
