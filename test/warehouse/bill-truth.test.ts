/** Bills of the generator over the whole path from XML: the views tell the sums and qualities its truth gives, to the last digit. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { kwhText, type TruthRow, truthRows } from '../../sim/truth.ts'
import { truthBills } from '../../sim/truth-summary.ts'
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
  const told = new Map(
    (
      await lake.query(`SELECT r.*, q.is_revenue_quality, q.quality_basis, q.n_revenue, q.n_raw
        FROM mart.bill_recon r JOIN mart.bill_quality q USING (summary_id)`)
    ).map((row) => [row['summary_id'], row]),
  )
  const bills = [...truthBills(packages)]
  expect(told.size).toBe(bills.length)
  const byUsagePoint = Map.groupBy(
    [...truthRows(packages)].filter((row) => !row.parked),
    (row) => row.usage_point_id,
  )
  const seen = { compared: 0, equal: 0, partly: 0, none: 0, revenue: 0, mv90: 0, gas: 0 }
  for (const { summary_id, usage_point_id, bill } of bills) {
    const row = told.get(summary_id)
    const end_s = bill.start_s + bill.duration_s
    const own = (byUsagePoint.get(usage_point_id) ?? []).filter(
      ({ start_s, uom }) => start_s >= bill.start_s && start_s < end_s && uom === bill.consumption.uom,
    )
    // gas begins a second late: its readings still cover the day
    const covered_s = own.reduce((sum, { duration_s }) => sum + duration_s, 0)
    const series = new Set(own.map(({ meter_reading_id }) => meter_reading_id)).size
    const where = { summary_id, reason: row?.['reason'] }
    if (own.length === 0) {
      expect(where).toEqual({ summary_id, reason: 'no_intervals' })
      seen.none += 1
      continue
    }
    if (covered_s < series * bill.duration_s) {
      expect({ ...where, told: row?.['is_revenue_quality'] }).toEqual({
        summary_id,
        reason: 'partly_covered',
        told: 'false',
      })
      seen.partly += 1
      continue
    }
    expect({ ...where, n: row?.['n_intervals'], expected: row?.['n_expected'] }).toEqual({
      summary_id,
      reason: null,
      n: String(own.length),
      expected: String(own.length),
    })
    seen.compared += 1
    if (bill.usagePoint.service === 'gas') {
      const raw = own.reduce((sum, { value }) => sum + BigInt(value), 0n)
      // 10^-8 therm
      expect(row?.['interval_quantity']).toBe(plainDecimal(kwhText(raw, -5)))
      seen.gas += 1
    } else {
      expect({ summary_id, kwh: row?.['interval_kwh'] }).toEqual({ summary_id, kwh: kwhOf(own) })
      expect(row?.['billed_kwh']).toBe(plainDecimal(kwhText(BigInt(bill.consumption.value), -3)))
    }
    if (row?.['difference_quantity'] === '0') seen.equal += 1
    const allRevenue = own.every(({ quality }) => quality === 19)
    const allRaw = own.every(({ quality }) => quality === 14)
    expect({ summary_id, told: row?.['is_revenue_quality'] }).toEqual({
      summary_id,
      told: String(allRevenue || allRaw),
    })
    if (allRevenue) seen.revenue += 1
    if (allRaw) seen.mv90 += 1
    expect(allRaw && !bill.usagePoint.mv90).toBe(false)
  }
  for (const [phenomenon, n] of Object.entries(seen))
    expect({ phenomenon, met: n > 0 }).toEqual({ phenomenon, met: true })
})
