/** The two daily feeds, usage with bills and customer information, in whatever order and grouping the notifications bring them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readGaps } from '../../bin/read-gaps.ts'
import type { Meterlake } from '../../bin/up.ts'
import { localDayOf } from '../../custodian/zone-days.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderCustomerFeed } from '../../sim/render-customer.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { createLake } from '../support/lake.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'

const today = localDayOf(Date.now(), 'America/Los_Angeles')
const days = [-4, -3, -2, -1].map((n) => addDays(today, n)) as [string, string, string, string]
const fleet = createFleet({ seed: 21, meters: 20, firstPackage: days[0] })

let site: Site
let meterlake: Meterlake
beforeAll(async () => {
  site = await openSite({ custodian: { fleet } })
  meterlake = await site.start()
}, 60_000)
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** URLs of a day: electric, gas, customers. */
async function prepared(day: string): Promise<readonly [string, string, string]> {
  const { resources } = await site.custodian.prepareDay(day, { customers: true, notify: false })
  return resources.map(({ url }) => url) as unknown as readonly [string, string, string]
}

test('together, one by one, across days, late and in no order: the lake is the same, and no day is missing', async () => {
  const [a, b, c, d] = [
    await prepared(days[0]),
    await prepared(days[1]),
    await prepared(days[2]),
    await prepared(days[3]),
  ]
  const notifications: readonly (readonly string[])[] = [
    // One day's feeds one by one, the customers first; two days in one list; the first day last.
    [b[2]],
    [b[1]],
    [b[0]],
    [d[0], c[1], c[2], d[2]],
    [d[1], c[0]],
    [a[2], a[1], a[0]],
  ]
  for (const urls of notifications) {
    expect((await site.custodian.notify({ urls })).status).toBe(200)
    const { status } = await outcomeOfUrls(
      meterlake.client,
      urls.map((url) => ({ url })),
    )
    expect(status).toBe('ingested')
  }
  const report = await readGaps(site.config)
  // Expected are days from the first package on, which came today.
  expect(report.days.map(({ feed, day, status }) => `${feed} ${day} ${status}`)).toEqual([
    `usage ${days[3]} received`,
    `customer ${days[3]} received`,
  ])
  expect(report).toMatchObject({ asks: [], packages: [] })

  await using faultless = await createLake()
  for (const day of days) await faultless.load(await filesOf(faultless.dir, day))
  for (const sql of [
    'SELECT * EXCLUDE (known_at, load_id) FROM core.interval ORDER BY ALL',
    'SELECT * EXCLUDE (known_at, load_id) FROM core.usage_summary ORDER BY ALL',
    // Of what is repeated without a change the version that came first stands: its provenance differs, not what it says.
    'SELECT * EXCLUDE (customer_key, agreement_key, known_at, load_id, byte_offset, published_at) FROM core.usage_point ORDER BY ALL',
  ])
    expect(await site.query(sql)).toEqual(await faultless.query(sql))
})

test('customers without an interval meter are there with their bills and attributes', async () => {
  const [row] = await site.query(`SELECT count(*) > 0 AS some, bool_and(customer_class IS NOT NULL) AS known
    FROM core.usage_point WHERE usage_point_id NOT IN (SELECT usage_point_id FROM core.interval)`)
  expect(row).toEqual({ some: 'true', known: 'true' })
})

async function filesOf(dir: string, day: string): Promise<readonly string[]> {
  const feedPackage = dailyPackage(fleet, day)
  const bodies = {
    electricity: renderFeed(feedPackage, 'electricity'),
    gas: renderFeed(feedPackage, 'gas'),
    customers: renderCustomerFeed(fleet, feedPackage.generatedAt_ms),
  }
  return Promise.all(
    Object.entries(bodies).map(async ([name, body]) => {
      const path = join(dir, `${day}-${name}.xml`)
      await writeFile(path, [...body])
      return path
    }),
  )
}
