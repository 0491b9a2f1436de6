/** Notifications that come twice, in another order, in parts, days late or too late: what is still there is in the lake, the rest is named. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { namedFault } from '../../sim/fault-catalogue.ts'
import { type DailySite, openDailySite } from '../support/daily-site.ts'
import { lakeValues } from '../support/lake-values.ts'
import { createLake } from '../support/lake.ts'
import { outcomeOfUrls } from '../support/site.ts'

const days_ms = 86_400_000

let daily: DailySite
beforeAll(async () => {
  daily = await openDailySite()
})
afterAll(async () => {
  await daily[Symbol.asyncDispose]()
})

/** The next day, notified with this fault; its feed must be in the lake in the end. */
async function offerWith(fault: string) {
  daily.site.custodian.faults.add(namedFault(fault))
  const offer = await daily.offerNext()
  daily.taken.push(offer.path)
  return offer
}

const statusesOf = async (...urls: readonly string[]) =>
  (
    await outcomeOfUrls(
      daily.meterlake.client,
      urls.map((url) => ({ url })),
    )
  ).resources.map(({ status }) => status)
const fetchesOf = (url: string) =>
  daily.site.custodian.requests.filter(({ query, status }) => query === new URL(url).search && status === 200).length

test('three times: fetched once', async () => {
  const { url, answered } = await offerWith('duplicated=3')
  expect(answered).toBe(200)
  expect(await statusesOf(url)).toEqual(['loaded'])
  expect(fetchesOf(url)).toBe(1)
})

test('the day after before the day', async () => {
  const first = await offerWith('reordered')
  expect(first.answered).toBeNull()
  const second = await daily.offerNext()
  daily.taken.push(second.path)
  expect(await statusesOf(second.url)).toEqual(['loaded'])
  expect(await statusesOf(first.url)).toEqual(['loaded'])
})

test('two files of one package in two notifications, the second first', async () => {
  const { custodian } = daily.site
  const offers = [await daily.offerNext({ notify: false }), await daily.offerNext({ notify: false })]
  daily.taken.push(...offers.map(({ path }) => path))
  custodian.faults.add(namedFault('split'))
  const { resources } = await custodian.serveFile(offers.map(({ path }) => path))
  const [first = '', second = ''] = resources.map(({ url }) => url)
  expect(await Promise.all([statusesOf(second), statusesOf(first)])).toEqual([['loaded'], ['loaded']])
})

test('between foreign URLs: only ours is fetched, the rest is counted', async () => {
  const { custodian } = daily.site
  const from = custodian.requests.length
  const { url, answered } = await offerWith('foreign')
  expect(answered).toBe(200)
  const rows = async () =>
    daily.site.query(`SELECT status, n_resources, n_refused, n_loaded FROM ops.notification WHERE n_refused > 0`)
  await expect
    .poll(rows, { timeout: 60_000 })
    .toEqual([{ status: 'partial', n_resources: '6', n_refused: '5', n_loaded: '1' }])
  const fetched = custodian.requests.slice(from).filter(({ method }) => method === 'GET')
  expect(fetched.map(({ query }) => query)).toEqual([new URL(url).search])
})

test.each(['sentinel', 'empty'])('with %s beside it', async (fault) => {
  const { url, answered } = await offerWith(fault)
  expect(answered).toBe(200)
  await expect.poll(() => fetchesOf(url), { timeout: 60_000 }).toBe(1)
  const sentinels = daily.site.custodian.requests.filter(({ query }) => query.includes('=000000000'))
  expect(sentinels).toEqual([])
})

test('three days late: still there', async () => {
  const { url, answered } = await offerWith('late=3')
  expect(answered).toBeNull()
  expect(fetchesOf(url)).toBe(0)
  daily.site.custodian.advance(3 * days_ms)
  expect(await statusesOf(url)).toEqual(['loaded'])
})

test('six days late: the utility has it no more, and ops says so', async () => {
  const { custodian } = daily.site
  custodian.faults.add(namedFault('late=6'))
  const { url } = await daily.offerNext()
  custodian.advance(6 * days_ms)
  expect(await statusesOf(url)).toEqual(['failed'])
  expect(await daily.notificationRow([url])).toEqual({
    status: 'failed',
    n_resources: '1',
    n_refused: '0',
    n_loaded: '0',
    message: '1 failed: RESOURCE_GONE',
  })
})

test('after all of it the lake says what one without faults says', { timeout: 240_000 }, async () => {
  const loads = async () => (await daily.site.query("SELECT load_id FROM ops.load WHERE status <> 'failed'")).length
  await expect.poll(loads, { timeout: 60_000 }).toBe(daily.taken.length)
  expect(daily.isOver()).toBe(false)
  await using faultless = await createLake()
  for (const path of daily.taken) await faultless.load([path])
  expect(await lakeValues((sql) => daily.site.query(sql))).toEqual(await lakeValues((sql) => faultless.query(sql)))
})
