/**
 * 48 months of 10,000 meters through the whole protocol at accelerated limits. Thin: one gas day a meter and month, since all days of such
 * a fleet are more than a hundred gigabytes. Every day of a small fleet is in backfill.test.ts, its orchestration in test/workflows/backfill.test.ts.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runBackfill } from '../../bin/run-backfill.ts'
import { configuredClient } from '../../bin/configured-client.ts'
import type { Meterlake } from '../../bin/up.ts'
import { localDayOf } from '../../custodian/zone-days.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import { workflowIds } from '../../schemas/orchestration.ts'
import { createFleet, type Fleet } from '../../sim/fleet.ts'
import { historyPackage } from '../../sim/package.ts'
import { truthRows } from '../../sim/truth.ts'
import { openSite, type Site } from '../support/site.ts'

const meters = 10_000
const everyNthDay = 30
const yesterday = addDays(localDayOf(Date.now(), 'America/Los_Angeles'), -1)
const range = { from: addDays(yesterday, -1460), to: yesterday }

/** Of each 20 usage points one has a gas meter that says one number a day; and one usage point has electricity, so that both files come. */
function wideFleet(): Fleet {
  const all = createFleet({ seed: 13, meters: meters * 20 })
  const usagePoint = (index: number) => all.usagePoint(index === 0 ? 0 : index * 20 + 3)
  return {
    ...all,
    meters,
    usagePoint,
    *usagePoints() {
      for (let index = 0; index < meters; index += 1) yield usagePoint(index)
    },
  }
}
const fleet = wideFleet()

let site: Site
let meterlake: Meterlake
beforeAll(async () => {
  site = await openSite({ custodian: { fleet, history: { history_days: 1470, everyNthDay } } })
  meterlake = await site.start()
}, 60_000)
afterAll(async () => {
  vi.restoreAllMocks()
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

test('each meter has each of its days, and each window cost one request', { timeout: 600_000 }, async () => {
  for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation(() => {})
  const options = {
    range,
    monthsPerRequest: 12,
    inFlight: 2,
    asks: 1,
    notifyWithinMs: 600_000,
    format: 'json',
  } as const
  await runBackfill(site.config, { ...options, dryRun: false })
  const handle = meterlake.client.workflow.getHandle(workflowIds.backfill(configuredClient(site.config).clientAlias))
  expect(await handle.result()).toMatchObject({ status: 'done', failed: [], noData: 0 })

  const asked = site.custodian.requests.filter(({ query }) => query.includes('published-min'))
  expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 202))
  expect(asked).toHaveLength(Number(await one('SELECT count(*) FROM ops.request')))
  const [row] = await site.query(`SELECT count(*) AS n, count(DISTINCT usage_point_id) AS usage_points,
    sum(value) AS total, count(DISTINCT start_at) AS starts FROM core.interval`)
  expect(row).toEqual(expected())
})

async function one(sql: string): Promise<unknown> {
  const [row] = await site.query(sql)
  return Object.values(row ?? {})[0]
}

/** What the utility has, by its own account. */
function expected(): Readonly<Record<string, string>> {
  let n = 0
  let total = 0n
  const usagePoints = new Set<string>()
  const starts = new Set<number>()
  const whole = historyPackage(fleet, range.from, range.to, { generatedAt_ms: Date.now(), everyNthDay })
  for (const reading of truthRows([whole])) {
    n += 1
    total += BigInt(reading.value)
    usagePoints.add(reading.usage_point_id)
    starts.add(reading.start_s)
  }
  return { n: String(n), usage_points: String(usagePoints.size), total: String(total), starts: String(starts.size) }
}
