/** A webhook that was down for three days: the reconcile finds what never came, asks for it, and nothing is missing in the end. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rootsOf } from '../../bin/command-context.ts'
import { readGaps } from '../../bin/read-gaps.ts'
import { ensureReconcileSchedule } from '../../bin/reconcile-schedule.ts'
import { configuredClient } from '../../bin/configured-client.ts'
import type { Meterlake } from '../../bin/up.ts'
import { localDayOf, localInstant } from '../../custodian/zone-days.ts'
import { openFeedReader } from '../../espi/feed-reader.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import type { DayStatus } from '../../schemas/gaps.ts'
import { scheduleIds, workflowIds } from '../../schemas/orchestration.ts'
import type { PullOutcome, ReconcileOutcome } from '../../schemas/pull.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { stageLoad } from '../../warehouse/stage.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { createLake } from '../support/lake.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'

const timeZone = 'America/Los_Angeles'
const today = localDayOf(Date.now(), timeZone)
/** Operating days: the first came, three did not, the last came. */
const [first, down1, down2, down3, last] = [-5, -4, -3, -2, -1].map((n) => addDays(today, n)) as [
  string,
  string,
  string,
  string,
  string,
]
const fleet = createFleet({ seed: 7, meters: 13, firstPackage: first })

let site: Site
let meterlake: Meterlake
/** What the custodian heard from the webhook that was down. */
const unheard: unknown[] = []
let lastStatus = ''

/** Both files of a day's package. */
async function dayFiles(dir: string, day: string): Promise<string[]> {
  const services = ['electricity', 'gas'] as const
  return Promise.all(
    services.map(async (service) => {
      const path = join(dir, `${day}-${service}.xml`)
      await writeFile(path, [...renderFeed(dailyPackage(fleet, day), service)])
      return path
    }),
  )
}

/** A day that came in time, days ago: what the notification's workflow would have left. */
async function loadInTime(day: string): Promise<void> {
  const roots = rootsOf(site.config)
  const receivedAt = new Date(localInstant(addDays(day, 1), '12:00', timeZone)).toISOString()
  for (const file of await dayFiles(site.dir, day)) {
    const origin = { source: 'notification', sourceName: 'Batch/Bulk', correlationId: null } as const
    const raw = await archiveRaw({ ...openRoots(roots), ...origin, file, receivedAt })
    const profile = { name: 'pge', timeZone, usagePointIdentity: 'id' } as const
    const signal = new AbortController().signal
    await stageLoad({
      roots,
      profile,
      request: { ...origin, raw, notificationId: null },
      openReader: openFeedReader,
      parser: 'meterlake test',
      isKnown: (sha256) => isKnownLoad(roots, sha256),
      onProgress: () => undefined,
      signal,
    })
  }
  await publishStaged({ roots, timeZone })
}

beforeAll(async () => {
  site = await openSite({ custodian: { fleet } })
  await loadInTime(first)
  // Nobody listens: what the utility says now is said once.
  site.custodian.setNotifyUrl('https://localhost:1/notify')
  for (const day of [down1, down2, down3]) {
    unheard.push((await site.custodian.prepareDay(day, { customers: true })).notification?.status)
  }
  meterlake = await site.start()
  const { resources } = await site.custodian.prepareDay(last)
  lastStatus = (await outcomeOfUrls(meterlake.client, resources)).status
}, 300_000)
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

const line = ({ feed, day, status, next }: DayStatus) => `${feed} ${day} ${status}${next === null ? '' : ` ${next}`}`
const changes = { feed: 'usage', by: 'updated', window: { from: down1, to: last } } as const
const snapshot = { feed: 'customer', by: null, window: null } as const

test('the gaps are known, and the plan to close them', async () => {
  expect(unheard).toEqual([null, null, null])
  expect(lastStatus).toBe('ingested')
  const { days, asks, packages } = await readGaps(site.config)
  expect(days.filter(({ feed, day }) => feed === 'usage' && day !== last).map(line)).toEqual([
    `usage ${first} received`,
    `usage ${down1} missing ask`,
    `usage ${down2} missing ask`,
    `usage ${down3} missing ask`,
  ])
  expect(days.filter(({ feed, day }) => feed === 'customer' && day !== last).map(({ status }) => status)).toEqual(
    Array.from({ length: 4 }, () => 'missing'),
  )
  expect(asks).toEqual([changes, snapshot])
  expect(packages).toEqual([])
})

test(
  'the schedule has the reconcile ask by itself; then nothing is missing, and the lake is as if nothing had been',
  { timeout: 400_000 },
  async () => {
    const { client } = meterlake
    const { clientAlias } = configuredClient(site.config)
    await ensureReconcileSchedule(client, clientAlias, timeZone)
    const schedule = client.schedule.getHandle(scheduleIds.reconcile(clientAlias))
    await schedule.trigger()
    const started = async () => (await schedule.describe()).info.recentActions.map(({ action }) => action.workflow)
    await expect.poll(async () => (await started()).length, { timeout: 60_000 }).toBe(1)
    const [run] = await started()
    const outcome = await client.workflow.getHandle(run?.workflowId ?? '').result()
    expect(outcome as ReconcileOutcome).toMatchObject({
      missing: 7,
      asked: [changes, snapshot],
      underWay: 0,
      givenUp: 0,
    })
    for (const target of [changes, snapshot]) {
      const pulled = (await client.workflow.getHandle(workflowIds.pull(clientAlias, target)).result()) as PullOutcome
      expect(pulled).toMatchObject({ status: 'answered', failed: 0 })
    }
    const { days, asks } = await readGaps(site.config)
    expect(days.filter(({ status }) => status === 'missing')).toEqual([])
    expect(asks).toEqual([])
    expect(await site.query('SELECT feed, window_by, reason, status, n_loaded FROM ops.request ORDER BY feed')).toEqual(
      [
        { feed: 'customer', window_by: null, reason: 'reconcile', status: 'answered', n_loaded: '1' },
        { feed: 'usage', window_by: 'updated', reason: 'reconcile', status: 'answered', n_loaded: '2' },
      ],
    )
    const [sent] = await site.query(`SELECT request_id, transaction FROM ops.request WHERE feed = 'usage'`)
    expect(site.custodian.requests.some(({ transaction }) => transaction === sent?.['request_id'])).toBe(true)
    expect(sent?.['transaction']).toBe(sent?.['request_id'])

    await using faultless = await createLake()
    for (const day of [first, down1, down2, down3, last]) await faultless.load(await dayFiles(faultless.dir, day))
    const intervals = `SELECT usage_point_id, meter_reading_id, start_at, duration_s, value, energy_kwh, quality, flow_direction, tou
    FROM core.interval ORDER BY ALL`
    const bills =
      'SELECT summary_id, usage_point_id, bill_last_period, billing_start_at, quality_of_reading FROM core.usage_summary ORDER BY ALL'
    expect(await site.query(intervals)).toEqual(await faultless.query(intervals))
    expect(await site.query(bills)).toEqual(await faultless.query(bills))
  },
)
