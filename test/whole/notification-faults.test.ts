/** Notifications that are not what they should be, and a webhook in trouble: each has its answer and its row, and what is ours is in the lake. */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spoolFolder } from '../../bin/webhook.ts'
import { notificationIdOf } from '../../custodian/notification.ts'
import { createNotifier, renderBatchList } from '../../sim/batch-list.ts'
import { type DailySite, openDailySite } from '../support/daily-site.ts'
import { outcomeOf, outcomeOfUrls } from '../support/site.ts'

let daily: DailySite
beforeAll(async () => {
  daily = await openDailySite()
})
afterAll(async () => {
  await daily[Symbol.asyncDispose]()
})

/** The next day's URL, not notified yet; its feed must be in the lake in the end. */
async function promiseNext(): Promise<string> {
  const { url, path } = await daily.offerNext({ notify: false })
  daily.taken.push(path)
  return url
}

const notify = async (urls: readonly string[]) => (await daily.site.custodian.notify({ urls })).status
const statusesOf = async (url: string) =>
  (await outcomeOfUrls(daily.meterlake.client, [{ url }])).resources.map(({ status }) => status)

async function rowOf(body: string) {
  const id = notificationIdOf(Buffer.from(body))
  await outcomeOf(daily.meterlake.client, id)
  return daily.site.query(
    `SELECT status, n_resources, n_refused, n_loaded FROM ops.notification WHERE notification_id = '${id}'`,
  )
}

test.each([
  ['not XML', 'nothing of the kind', 400, 'malformed'],
  ['an empty list', renderBatchList([]), 200, 'empty'],
])('%s', async (_what, body, answered, status) => {
  expect(await daily.site.custodian.notify({ body })).toEqual({ status: answered, error: null })
  expect(await rowOf(body)).toEqual([{ status, n_resources: '0', n_refused: '0', n_loaded: '0' }])
})

test('over 1 MiB is not taken, and the next one is', async () => {
  const { resourceUrl } = daily.site.custodian
  const many = Array.from({ length: 12_000 }, (_, at) => `${resourceUrl}/Batch/Bulk/50916?correlationID=${at}`)
  const url = await promiseNext()
  // The answer may be lost where the sender goes on sending; 200 it is never.
  expect([413, null]).toContain(await notify([...many, url]))
  expect(await notify([url])).toBe(200)
  expect(await statusesOf(url)).toEqual(['loaded'])
})

test('a list with a sentinel, foreign URLs and one of ours twice: ours is fetched once, the rest is counted', async () => {
  const { resourceUrl, origin, requests } = daily.site.custodian
  const url = await promiseNext()
  const bulk = `${resourceUrl}/Batch/Bulk/50916`
  const refused = [
    bulk.replace('localhost', 'localhost.evil.example'),
    bulk.replace('https:', 'http:'),
    bulk.replace('https://', 'https://user:pass@'),
    `${resourceUrl}/Batch/Bulk/../../../../secret`,
    `${resourceUrl}/Batch/Bulk/%2e%2e%2fsecret`,
    `${origin}/datacustodian/oauth/v2/token`,
  ].map((text) => `${text}?correlationID=x`)
  const from = requests.length
  const body = renderBatchList([`${bulk}?correlationID=000000000`, ...refused, url, url])
  expect(await daily.site.custodian.notify({ body })).toEqual({ status: 200, error: null })
  expect(await rowOf(body)).toEqual([{ status: 'partial', n_resources: '7', n_refused: '6', n_loaded: '1' }])
  const asked = requests.slice(from).filter(({ method }) => method === 'GET')
  expect(asked.map(({ query, status }) => `${query} ${status}`)).toEqual([`${new URL(url).search} 200`])
})

test('the same list twice is one run', async () => {
  const url = await promiseNext()
  expect([await notify([url]), await notify([url])]).toEqual([200, 200])
  expect(await statusesOf(url)).toEqual(['loaded'])
  expect(await notify([url])).toBe(200)
  const { custodian } = daily.site
  expect(custodian.requests.filter(({ query }) => query === new URL(url).search)).toHaveLength(1)
})

test('a sender with a certificate of another authority does not get in', async () => {
  const { certificates } = daily.site
  await using stranger = createNotifier({ ...certificates, notifier: certificates.foreign.client })
  const webhook = `https://localhost:${daily.meterlake.webhook?.port ?? 0}/notify`
  expect((await stranger.post(webhook, renderBatchList([]))).status).toBeNull()
})

test('a spool that cannot be written is 503; the same notification again is taken', async () => {
  const url = await promiseNext()
  const spool = spoolFolder(daily.site.config)
  await rename(join(spool, 'tmp'), join(spool, 'away'))
  expect(await notify([url])).toBe(503)
  await rename(join(spool, 'away'), join(spool, 'tmp'))
  expect(await notify([url])).toBe(200)
  expect(await statusesOf(url)).toEqual(['loaded'])
})

test('Temporal is away: 200, spooled, and ingested when it is back', { timeout: 180_000 }, async () => {
  const url = await promiseNext()
  await daily.stopTemporal()
  expect(await notify([url])).toBe(200)
  await daily.startTemporal()
  expect(await statusesOf(url)).toEqual(['loaded'])
  expect(daily.isOver()).toBe(false)
})

test('after all of it the lake holds what was ours', { timeout: 240_000 }, async () => {
  const { found, expected } = await daily.figures()
  expect(expected['loads']).toHaveLength(5)
  expect(found).toEqual(expected)
})
