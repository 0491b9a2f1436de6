/**
 * A custodian that misbehaves, over the whole path: transient faults leave the lake as if nothing had been, final ones are named in
 * ops.notification, and the worker goes on. What each answer means is proved in test/custodian, retries in test/workflows.
 */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openTemporalServer } from '../../bin/temporal-server.ts'
import type { Meterlake } from '../../bin/up.ts'
import { spoolFolder } from '../../bin/webhook.ts'
import { notificationIdOf } from '../../custodian/notification.ts'
import { createNotifier, renderBatchList } from '../../sim/batch-list.ts'
import type { Fault, FaultEffect } from '../../sim/faults.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import type { PreparedResource } from '../../sim/server.ts'
import { createLake } from '../support/lake.ts'
import { notificationIdOfUrls, openSite, outcomeOf, outcomeOfUrls, type Site } from '../support/site.ts'
import { temporalBinary } from '../support/temporal.ts'

const fleet = createFleet({ seed: 5, meters: 20, firstPackage: '2025-11-01' })
let site: Site
let meterlake: Meterlake
let temporal: Awaited<ReturnType<typeof openTemporalServer>>
let ended = false
/** Feeds whose day must be in the lake, in the order they came. */
const expected: string[] = []
let day = 0

const openTemporal = async (dir: string, port?: number) =>
  openTemporalServer({ namespace: 'default', stateDir: dir, binary: temporalBinary(), ...(port && { port }) })

beforeAll(async () => {
  site = await openSite({ custodian: { fleet } })
  temporal = await openTemporal(join(site.dir, 'temporal'))
  const address = { ...site.config, temporal: { ...site.config.temporal, address: temporal.address } }
  meterlake = await site.start(undefined, address)
  const over = () => {
    ended = true
  }
  meterlake.done.then(over, over)
})
afterEach(() => {
  site.custodian.faults.clear()
  expect(ended, 'the worker has ended').toBe(false)
})
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await temporal[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** The next operating day as a file of one package. */
async function nextFeed(): Promise<string> {
  const date = new Date(Date.UTC(2025, 10, 1 + day++)).toISOString().slice(0, 10)
  const path = join(site.dir, `${date}.xml`)
  await writeFile(path, [...renderFeed(dailyPackage(fleet, date), 'electricity')])
  return path
}

async function ingestNext(fault?: Fault) {
  if (fault) site.custodian.faults.add(fault)
  const path = await nextFeed()
  const from = site.custodian.requests.length
  const { resources, notification } = await site.custodian.serveFile(path)
  expect(notification).toEqual({ status: 200, error: null })
  const outcome = await outcomeOfUrls(meterlake.client, resources)
  const asked = site.custodian.requests.slice(from).map(({ method, status }) => `${method} ${status}`)
  return { path, outcome, asked, resources }
}

const notificationRow = async (resources: readonly Pick<PreparedResource, 'url'>[]) => {
  const id = notificationIdOfUrls(resources.map(({ url }) => url))
  const [row] = await site.query(
    `SELECT status, n_resources, n_refused, n_loaded, message FROM ops.notification WHERE notification_id = '${id}'`,
  )
  return row
}

const bulk: Pick<Fault, 'path'> = { path: /Batch\/Bulk/ }
const answer = (status: number, body?: string, headers?: Readonly<Record<string, string>>): FaultEffect => ({
  kind: 'answer',
  status,
  ...(body !== undefined && { body }),
  ...(headers && { headers: { ...headers } }),
})

describe('faults that pass: loaded, and the lake is as it would have been', () => {
  test.each<readonly [string, FaultEffect, readonly string[]]>([
    ['no fault', { kind: 'slow', bytes: 100_000, delayMs: 1 }, ['GET 200']],
    ['gzip, announced', { kind: 'gzip', header: true }, ['GET 200']],
    ['gzip, not announced', { kind: 'gzip', header: false }, ['GET 200']],
    ['403 once: the token is refreshed', answer(403, 'Forbidden'), ['GET 403', 'POST 200', 'GET 200']],
    ['429 with Retry-After', answer(429, 'slow down', { 'retry-after': '2' }), ['GET 429', 'GET 200']],
    ['503 with Retry-After', answer(503, 'maintenance', { 'retry-after': '1' }), ['GET 503', 'GET 200']],
    ['500', answer(500, 'oops'), ['GET 500', 'GET 200']],
    [
      'a body shorter than its Content-Length',
      { kind: 'truncate', bytes: 5_000, contentLength: true },
      ['GET 200', 'GET 200'],
    ],
    ['a connection reset', { kind: 'reset', bytes: 5_000 }, ['GET 200', 'GET 200']],
    ['a connection reset before the first byte', { kind: 'reset', bytes: 0 }, ['GET 200', 'GET 200']],
  ])('%s', async (_what, effect, requests) => {
    const { path, outcome, asked, resources } = await ingestNext({ ...bulk, effect })
    expected.push(path)
    expect(outcome).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }] })
    expect(asked.filter((request, at) => at > 0 || request !== 'POST 200')).toEqual(requests)
    expect(await notificationRow(resources)).toMatchObject({ status: 'ingested', n_loaded: '1', message: null })
  })

  test('the token endpoint is unavailable, then answers', async () => {
    site.custodian.revokeTokens()
    const { path, outcome } = await ingestNext({ path: '/token', effect: answer(503) })
    expected.push(path)
    expect(outcome).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }] })
  })
})

describe('faults that stay: named, and nothing of them in the lake', () => {
  test.each<readonly [string, FaultEffect, string]>([
    ['400 Invalid Certificate', answer(400, 'Invalid Certificate'), 'CERTIFICATE_REFUSED'],
    ['404', answer(404, 'Not Found'), 'RESOURCE_GONE'],
    ['400', answer(400, 'Date Range Too Large'), 'REQUEST_REFUSED'],
    [
      'HTML with 200',
      answer(200, '<!DOCTYPE html><html><body>Sign in</body></html>', { 'content-type': 'text/html' }),
      'FEED_NOT_XML',
    ],
    ['nothing with 200', answer(200, ''), 'FEED_EMPTY'],
    [
      'a body that ends early, with nothing that says so',
      { kind: 'truncate', bytes: 5_000, contentLength: false },
      'FEED_TRUNCATED',
    ],
  ])('%s', async (_what, effect, code) => {
    const { outcome, resources } = await ingestNext({ ...bulk, effect })
    expect(outcome).toMatchObject({ status: 'failed', resources: [{ status: 'failed', code }] })
    const row = { status: 'failed', n_resources: '1', n_loaded: '0', message: `1 failed: ${code}` }
    expect(await notificationRow(resources)).toMatchObject(row)
    const loads = await site.query(`SELECT status, error_code, n_readings FROM ops.load WHERE error_code = '${code}'`)
    // Only what came as a feed has bytes, and so a row in the ledger.
    expect(loads).toEqual(code === 'FEED_TRUNCATED' ? [{ status: 'failed', error_code: code, n_readings: '0' }] : [])
  })

  test.each([
    [204, 'no_data'],
    [202, 'not_ready'],
  ] as const)('%i is %s, no failure', async (status, name) => {
    const { outcome, resources } = await ingestNext({ ...bulk, effect: answer(status) })
    expect(outcome).toEqual({ status: 'ingested', resources: [{ status: name }] })
    expect(await notificationRow(resources)).toMatchObject({ status: 'ingested', n_resources: '1', n_loaded: '0' })
  })
})

describe('notifications', () => {
  const good = async () => {
    const path = await nextFeed()
    const { resources } = await site.custodian.serveFile(path, { notify: false })
    return { path, url: resources[0]?.url ?? '' }
  }
  const rowOf = async (body: string) => {
    const id = notificationIdOf(Buffer.from(body))
    await outcomeOf(meterlake.client, id)
    return site.query(
      `SELECT status, n_resources, n_refused, n_loaded FROM ops.notification WHERE notification_id = '${id}'`,
    )
  }

  test.each([
    ['not XML', 'nothing of the kind', 400, { status: 'malformed', n_resources: '0' }],
    ['an empty list', renderBatchList([]), 200, { status: 'empty', n_resources: '0' }],
  ])('%s', async (_what, body, status, row) => {
    expect(await site.custodian.notify({ body })).toEqual({ status, error: null })
    expect(await rowOf(body)).toMatchObject([{ ...row, n_refused: '0', n_loaded: '0' }])
  })

  test('over 1 MiB: 413, and the next one is taken', async () => {
    const urls = Array.from(
      { length: 12_000 },
      (_, at) => `${site.custodian.resourceUrl}/Batch/Bulk/50916?correlationID=${at}${'0'.repeat(20)}`,
    )
    expect((await site.custodian.notify({ urls })).status).not.toBe(200)
    const { url, path } = await good()
    expect(await site.custodian.notify({ urls: [url] })).toEqual({ status: 200, error: null })
    expect(await outcomeOfUrls(meterlake.client, [{ url }])).toMatchObject({ resources: [{ status: 'loaded' }] })
    expected.push(path)
  })

  test('a list with a sentinel and foreign URLs: only ours is fetched, the rest counted', async () => {
    const { url, path } = await good()
    expected.push(path)
    const { resourceUrl, origin } = site.custodian
    const at = `${resourceUrl}/Batch/Bulk/50916`
    const refused = [
      at.replace('localhost', 'localhost.evil.example'),
      at.replace('https:', 'http:'),
      at.replace('https://', 'https://user:pass@'),
      `${resourceUrl}/Batch/Bulk/../../../../secret`,
      `${resourceUrl}/Batch/Bulk/%2e%2e%2fsecret`,
      `${origin}/datacustodian/oauth/v2/token`,
    ].map((text) => `${text}?correlationID=x`)
    const from = site.custodian.requests.length
    const body = renderBatchList([`${at}?correlationID=000000000`, ...refused, url])
    expect(await site.custodian.notify({ body })).toEqual({ status: 200, error: null })
    expect(await rowOf(body)).toEqual([{ status: 'partial', n_resources: '7', n_refused: '6', n_loaded: '1' }])
    expect(site.custodian.requests.slice(from).map(({ method, query }) => `${method} ${query}`)).toEqual([
      `GET ${new URL(url).search}`,
    ])
  })

  test('a sender with another certificate does not get in', async () => {
    const { foreign } = site.certificates
    await using stranger = createNotifier({ ...site.certificates, notifier: foreign.client })
    const answered = await stranger.post(
      `https://localhost:${meterlake.webhook?.port ?? 0}/notify`,
      renderBatchList([]),
    )
    expect(answered.status).toBeNull()
  })

  test('a spool that cannot be written is 503; the same notification again is taken', async () => {
    const { url, path } = await good()
    const spool = spoolFolder(site.config)
    await rename(join(spool, 'tmp'), join(spool, 'away'))
    expect(await site.custodian.notify({ urls: [url] })).toEqual({ status: 503, error: null })
    await rename(join(spool, 'away'), join(spool, 'tmp'))
    expect(await site.custodian.notify({ urls: [url] })).toEqual({ status: 200, error: null })
    expect(await outcomeOfUrls(meterlake.client, [{ url }])).toMatchObject({ resources: [{ status: 'loaded' }] })
    expected.push(path)
  })

  test('Temporal is away: 200, spooled, and ingested when it is back', { timeout: 180_000 }, async () => {
    const { url, path } = await good()
    const port = Number(temporal.address.split(':')[1])
    await temporal[Symbol.asyncDispose]()
    expect(await site.custodian.notify({ urls: [url] })).toEqual({ status: 200, error: null })
    temporal = await openTemporal(join(site.dir, 'temporal'), port)
    expect(await outcomeOfUrls(meterlake.client, [{ url }])).toMatchObject({ resources: [{ status: 'loaded' }] })
    expected.push(path)
  })
})

test('another certificate than the registered one: CERTIFICATE_REFUSED', async () => {
  const { url } = (await site.custodian.serveFile(await nextFeed(), { notify: false })).resources[0] ?? { url: '' }
  await using other = await openSite({ custodian: { fleet } })
  const { custodian } = site.config
  if (custodian === undefined) throw new Error('no custodian is configured')
  await using stranger = await other.start(undefined, {
    ...other.config,
    custodian: { ...custodian, certificate: site.certificates.otherClient },
    webhook: other.config.webhook,
  })
  expect(await other.custodian.notify({ urls: [url] })).toEqual({ status: 200, error: null })
  const outcome = await outcomeOfUrls(stranger.client, [{ url }])
  expect(outcome).toMatchObject({ status: 'failed', resources: [{ status: 'failed', code: 'CERTIFICATE_REFUSED' }] })
})

test('after all of it the lake equals one that was loaded without faults', { timeout: 240_000 }, async () => {
  await using lake = await createLake()
  for (const file of expected) await lake.load([file])
  for (const view of ['core.interval', 'core.interval_version']) {
    const byDay = `SELECT local_date, load_id, count(*) AS n, sum(hash(t)::HUGEINT) AS rows
      FROM (SELECT * EXCLUDE (known_at) FROM ${view}) t GROUP BY ALL ORDER BY ALL`
    expect({ view, rows: await site.query(byDay) }).toEqual({ view, rows: await lake.query(byDay) })
  }
  expect(await site.query("SELECT count(*) AS n FROM ops.load WHERE status = 'loaded'")).toEqual([{ n: String(expected.length) }])
})
