/** Feeds, tokens and refusals in forms the utility has used or may use: all of it is in the lake as if it had come in the usual one. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namedFault } from '../../sim/fault-catalogue.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { type DailySite, openDailySite } from '../support/daily-site.ts'
import { lakeValues } from '../support/lake-values.ts'
import { createLake } from '../support/lake.ts'
import { outcomeOfUrls } from '../support/site.ts'

let daily: DailySite
beforeAll(async () => {
  daily = await openDailySite()
})
afterAll(async () => {
  await daily[Symbol.asyncDispose]()
})

const statusesOf = async (...urls: readonly string[]) =>
  (
    await outcomeOfUrls(
      daily.meterlake.client,
      urls.map((url) => ({ url })),
    )
  ).resources.map(({ status }) => status)

/** The next day with these faults: what became of it, and what was asked of the custodian meanwhile. */
async function ingestWith(...faults: readonly string[]) {
  const { custodian } = daily.site
  custodian.faults.add(...faults.map(namedFault))
  const from = custodian.requests.length
  const { path, url } = await daily.offerNext()
  daily.taken.push(path)
  const statuses = await statusesOf(url)
  custodian.faults.clear()
  return { statuses, asked: custodian.requests.slice(from).map(({ method, status }) => `${method} ${status}`) }
}

describe('in another form', () => {
  test.each(['prefixes', 'wrong-type'])('%s', async (fault) => {
    expect((await ingestWith(fault)).statuses).toEqual(['loaded'])
  })

  test.each([
    ['busy-untold', 'GET 429'],
    ['unavailable-untold', 'GET 503'],
  ])('%s: asked again after a while', async (fault, refused) => {
    expect(await ingestWith(fault)).toEqual({ statuses: ['loaded'], asked: [refused, 'GET 200'] })
  })

  test.each(['token-xml', 'token-without-expiry'])('%s', async (fault) => {
    daily.site.custodian.revokeTokens()
    const { statuses, asked } = await ingestWith(fault)
    expect(statuses).toEqual(['loaded'])
    expect(asked.slice(-2)).toEqual(['POST 200', 'GET 200'])
  })

  test('token-short: renewed by its own time', async () => {
    daily.site.custodian.revokeTokens()
    expect((await ingestWith('token-short=5@all')).statuses).toEqual(['loaded'])
    await sleep(6_000)
    const { statuses, asked } = await ingestWith()
    expect(statuses).toEqual(['loaded'])
    // Not used until it is refused.
    expect(asked[0]).toBe('POST 200')
  })

  test('then the lake says what one without faults says', { timeout: 240_000 }, async () => {
    await using faultless = await createLake()
    for (const path of daily.taken) await faultless.load([path])
    expect(await lakeValues((sql) => daily.site.query(sql))).toEqual(await lakeValues((sql) => faultless.query(sql)))
  })
})

test('MeterReading ids encoded anew: each reading once, whatever its series is called', async () => {
  const { site } = daily
  const { fleet } = site.custodian
  const paths = ['2026-01-10', '2026-01-11'].map((date) => join(site.dir, `only-${date}.xml`))
  for (const path of paths) {
    const only = dailyPackage(fleet, path.slice(-14, -4), { onlyDay: true })
    await writeFile(path, [...renderFeed(only, 'electricity')])
  }
  const [before = '', after = ''] = paths
  site.custodian.faults.add(namedFault('meter-ids@2'))
  for (const path of [before, after]) {
    const { resources } = await site.custodian.serveFile(path)
    expect(await statusesOf(resources[0]?.url ?? '')).toEqual(['loaded'])
  }
  const where = "local_date IN ('2026-01-10', '2026-01-11')"
  await using faultless = await createLake()
  await faultless.load(paths)
  const options = { where, withMeterReading: false }
  const { intervals } = await lakeValues((sql) => site.query(sql), options)
  expect(intervals.length).toBeGreaterThan(1_000)
  expect(intervals).toEqual((await lakeValues((sql) => faultless.query(sql), options)).intervals)
  const [ids] = await site.query(
    `SELECT count(DISTINCT (usage_point_id, meter_reading_id)) AS n FROM core.interval WHERE ${where}`,
  )
  const [usual] = await faultless.query(
    `SELECT count(DISTINCT (usage_point_id, meter_reading_id)) AS n FROM core.interval WHERE ${where}`,
  )
  expect(Number(ids?.['n'])).toBe(2 * Number(usual?.['n']))
})

test('corrections of days up to three years back', { timeout: 240_000 }, async () => {
  const { site } = daily
  const fleet = createFleet({ seed: 11, meters: 9, firstPackage: '2022-12-01', correctsOneIn: 1 })
  // The ids of the others were encoded anew in 2024: to the lake they are other series.
  const keepsIds = [...fleet.usagePoints()].filter(({ series }) => series.every(({ idForm }) => idForm === 'shared'))
  const ids = keepsIds.map(({ usagePointId }) => `'${usagePointId}'`).join()
  const [from, to, until] = ['2022-12-01', '2022-12-31', '2025-11-12']
  const old = join(site.dir, 'old.xml')
  await writeFile(old, [...renderFeed(historyPackage(fleet, from, to), 'electricity')])
  const dates = Array.from({ length: 12 }, (_, at) => `2025-11-${String(at + 1).padStart(2, '0')}`)
  const paths = dates.map((date) => join(site.dir, `corrections-${date}.xml`))
  for (const [at, path] of paths.entries()) {
    await writeFile(path, [...renderFeed(dailyPackage(fleet, dates[at] ?? ''), 'electricity')])
  }
  const { resources } = await site.custodian.serveFile([old, ...paths])
  const statuses = await statusesOf(...resources.map(({ url }) => url))
  expect(new Set(statuses)).toEqual(new Set(['loaded']))

  const corrected = await site.query(
    `SELECT DISTINCT usage_point_id, local_date FROM core.interval_version WHERE local_date BETWEEN '${from}' AND '${to}'
     AND usage_point_id IN (${ids}) AND published_at > '2025-11-01' ORDER BY ALL`,
  )
  expect(corrected.length).toBeGreaterThan(0)
  // What the utility has of these days after the last package, for the days it has corrected until then.
  await using faultless = await createLake()
  const generatedAt_ms = Date.parse(`${until}T20:00:00Z`) + 86_400_000
  const truth = join(site.dir, 'truth.xml')
  await writeFile(truth, [...renderFeed(historyPackage(fleet, from, to, { generatedAt_ms }), 'electricity')])
  await faultless.load([truth])
  for (const { usage_point_id, local_date } of corrected) {
    const options = {
      where: `usage_point_id = '${String(usage_point_id)}' AND local_date = '${String(local_date)}'`,
      withMeterReading: false,
    }
    const { intervals } = await lakeValues((sql) => site.query(sql), options)
    expect(intervals).toEqual((await lakeValues((sql) => faultless.query(sql), options)).intervals)
  }
})
