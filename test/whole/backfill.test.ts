/** 48 months through the whole protocol at accelerated limits, every day of them, asked for in ranges that are refused and split. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runBackfill, showBackfill } from '../../bin/run-backfill.ts'
import { configuredClient } from '../../bin/configured-client.ts'
import type { Meterlake } from '../../bin/up.ts'
import { localDayOf } from '../../custodian/zone-days.ts'
import { addDays, dayCount } from '../../schemas/calendar-day.ts'
import { workflowIds } from '../../schemas/orchestration.ts'
import { createFleet } from '../../sim/fleet.ts'
import { historyPackage } from '../../sim/package.ts'
import { truthRows } from '../../sim/truth.ts'
import { openSite, type Site } from '../support/site.ts'

const timeZone = 'America/Los_Angeles'
const yesterday = addDays(localDayOf(Date.now(), timeZone), -1)
const range = { from: addDays(yesterday, -1460), to: yesterday }
const fleet = createFleet({ seed: 11, meters: 2 })

let site: Site
let meterlake: Meterlake
beforeAll(async () => {
  // A year at a time is refused, half a year is not.
  site = await openSite({ custodian: { fleet, history: { longestWindow_days: 200, history_days: 1470 } } })
  meterlake = await site.start()
}, 60_000)
afterAll(async () => {
  vi.restoreAllMocks()
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

const options = {
  range,
  monthsPerRequest: 12,
  inFlight: 4,
  asks: 2,
  notifyWithinMs: 600_000,
  format: 'json' as const,
}

/** What a command prints, as JSON. */
async function printed(command: () => Promise<number>): Promise<{ code: number; json: unknown }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const err = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    const code = await command()
    return { code, json: JSON.parse(log.mock.calls.map(([text]) => String(text)).join('\n')) as unknown }
  } finally {
    log.mockRestore()
    err.mockRestore()
  }
}

test('48 months', { timeout: 400_000 }, async () => {
  const dry = await printed(async () => runBackfill(site.config, { ...options, dryRun: true }))
  expect(dry.json).toMatchObject({ settled: 0, forecast: { binds: { perHour: null, perDay: null } } })
  expect(site.custodian.requests).toHaveLength(0)

  await printed(async () => runBackfill(site.config, { ...options, dryRun: false }))
  const handle = meterlake.client.workflow.getHandle(workflowIds.backfill(configuredClient(site.config).clientAlias))
  expect(await handle.result()).toMatchObject({ status: 'done', failed: [] })
  const status = await printed(async () => showBackfill(site.config, 'json'))
  expect(status).toMatchObject({ code: 0, json: { run: 'completed', status: 'done', failed: [], inFlight: [] } })
  const settled = await printed(async () => runBackfill(site.config, { ...options, dryRun: true }))
  expect(settled.json).toMatchObject({ windows: [], forecast: { requests: 0 } })

  expect(site.custodian.requests.filter(({ status: its }) => its === 400).length).toBeGreaterThan(0)
  const [row] = await site.query(
    'SELECT count(DISTINCT local_date) AS days, min(local_date)::VARCHAR AS since FROM core.interval',
  )
  expect(row).toEqual({ days: String(dayCount(range)), since: range.from })
})

test('every interval the utility has, once', async () => {
  expect(await intervalsOf(site)).toEqual(expectedIntervals())
})

/** Intervals by usage point and meter: what the utility has at the time. */
function expectedIntervals(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  const whole = historyPackage(fleet, range.from, range.to, { generatedAt_ms: Date.now() })
  for (const row of truthRows([whole])) counts[row.usage_point_id] = (counts[row.usage_point_id] ?? 0) + 1
  return counts
}

async function intervalsOf(its: Site): Promise<Readonly<Record<string, number>>> {
  const rows = await its.query('SELECT usage_point_id, count(*) AS n FROM core.interval GROUP BY ALL')
  return Object.fromEntries(rows.map(({ usage_point_id, n }) => [usage_point_id ?? '', Number(n)]))
}
