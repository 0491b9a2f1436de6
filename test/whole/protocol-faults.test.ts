/**
 * A custodian that misbehaves, over the whole path: transient faults leave the lake as if nothing had been, final ones are named in
 * ops.notification, and the worker goes on. What each answer means is proved in test/custodian, retries in test/workflows.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault, FaultEffect } from '../../sim/fault.ts'
import { type DailySite, openDailySite } from '../support/daily-site.ts'
import { openSite, outcomeOfUrls } from '../support/site.ts'

let daily: DailySite
beforeAll(async () => {
  daily = await openDailySite()
})
afterEach(() => {
  daily.site.custodian.faults.clear()
})
afterAll(async () => {
  await daily[Symbol.asyncDispose]()
})

async function ingestNext(fault: Fault) {
  const { site, meterlake } = daily
  site.custodian.faults.add(fault)
  const from = site.custodian.requests.length
  const { path, url, answered } = await daily.offerNext()
  const outcome = await outcomeOfUrls(meterlake.client, [{ url }])
  const asked = site.custodian.requests.slice(from).map(({ method, status }) => `${method} ${status}`)
  return { path, url, answered, outcome, asked, isOver: daily.isOver() }
}

const answer = (status: number, body = '', headers: Readonly<Record<string, string>> = {}): FaultEffect => ({
  kind: 'answer',
  status,
  body,
  headers: { ...headers },
})
const path = /Batch\/Bulk/
const loadCount = async () => Number((await daily.site.query('SELECT count(*) AS n FROM ops.load'))[0]?.['n'])

describe('faults that pass: loaded, and the lake is as it would have been', () => {
  test.each<readonly [string, FaultEffect, readonly string[]]>([
    ['slow', { kind: 'slow', bytes: 100_000, delayMs: 1 }, ['GET 200']],
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
    [
      'a body that ends early, with nothing that says so',
      { kind: 'truncate', bytes: 5_000, contentLength: false },
      ['GET 200', 'GET 200'],
    ],
    ['a connection reset', { kind: 'reset', bytes: 5_000 }, ['GET 200', 'GET 200']],
    ['a connection reset before the first byte', { kind: 'reset', bytes: 0 }, ['GET 200', 'GET 200']],
  ])('%s', async (_what, effect, requests) => {
    const ingested = await ingestNext({ path, effect })
    daily.taken.push(ingested.path)
    expect(ingested).toMatchObject({
      answered: 200,
      outcome: { status: 'ingested', resources: [{ status: 'loaded' }] },
      isOver: false,
    })
    // The first of all asks for the token.
    expect(ingested.asked.filter((request, at) => at > 0 || request !== 'POST 200')).toEqual(requests)
    const row = { status: 'ingested', n_resources: '1', n_refused: '0', n_loaded: '1', message: null }
    expect(await daily.notificationRow([ingested.url])).toEqual(row)
  })

  test('the token endpoint is unavailable, then answers', async () => {
    daily.site.custodian.revokeTokens()
    const ingested = await ingestNext({ path: '/token', effect: answer(503) })
    daily.taken.push(ingested.path)
    expect(ingested.asked).toEqual(['GET 403', 'POST 503', 'POST 200', 'GET 200'])
    expect(ingested.outcome).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }] })
  })
})

test('202 for a package that was notified: asked for again until it is there; the same list sent again joins in', async () => {
  const { custodian } = daily.site
  const before = await loadCount()
  const ingested = await ingestNext({ path, on: [1, 2, 3], effect: answer(202, '', { 'retry-after': '2' }) })
  daily.taken.push(ingested.path)
  expect(ingested.outcome).toEqual({ status: 'partial', resources: [{ status: 'not_ready', waits: true }] })
  const row = { status: 'partial', n_resources: '1', n_refused: '0', n_loaded: '0', message: '1 still being prepared' }
  expect(await daily.notificationRow([ingested.url])).toEqual(row)
  expect((await custodian.notify({ urls: [ingested.url] })).status).toBe(200)
  await expect.poll(loadCount, { timeout: 120_000, interval: 500 }).toBe(before + 1)
  const asked = custodian.requests.filter(({ query }) => query === new URL(ingested.url).search)
  expect(asked.map(({ status }) => status)).toEqual([202, 202, 202, 200])
})

describe('faults that stay: named, and nothing of them in the lake', () => {
  test.each<readonly [string, FaultEffect, string]>([
    ['400 Invalid Certificate', answer(400, 'Invalid Certificate'), 'CERTIFICATE_REFUSED'],
    ['404', answer(404, 'Not Found'), 'RESOURCE_GONE'],
    ['400', answer(400, 'Bad Request'), 'REQUEST_REFUSED'],
    [
      'HTML with 200',
      answer(200, '<!DOCTYPE html><html><body>Sign in</body></html>', { 'content-type': 'text/html' }),
      'FEED_NOT_XML',
    ],
    ['nothing with 200', answer(200), 'FEED_EMPTY'],
    [
      'a body that ends early, with nothing that says so, each time',
      { kind: 'truncate', bytes: 5_000, contentLength: false },
      'FEED_TRUNCATED',
    ],
  ])('%s', async (_what, effect, code) => {
    const { outcome, url, isOver } = await ingestNext({ path, on: 'all', effect })
    expect(outcome).toMatchObject({ status: 'failed', resources: [{ status: 'failed', code }] })
    expect(isOver).toBe(false)
    const row = { status: 'failed', n_resources: '1', n_refused: '0', n_loaded: '0', message: `1 failed: ${code}` }
    expect(await daily.notificationRow([url])).toEqual(row)
    const loads = await daily.site.query(`SELECT status, n_readings FROM ops.load WHERE error_code = '${code}'`)
    // Only what came as a feed has bytes, and so a row in the ledger: this one, and the one that came whole when it was fetched anew.
    const failed = { status: 'failed', n_readings: '0' }
    expect(loads).toEqual(code === 'FEED_TRUNCATED' ? [failed, failed] : [])
  })

  test('204 is no data, no failure', async () => {
    const { outcome, url } = await ingestNext({ path, effect: answer(204) })
    expect(outcome).toEqual({ status: 'ingested', resources: [{ status: 'no_data' }] })
    expect(await daily.notificationRow([url])).toMatchObject({ status: 'ingested', n_resources: '1', n_loaded: '0' })
  })

  test('another certificate than the registered one', async () => {
    const { url } = await daily.offerNext({ notify: false })
    const { config, certificates } = daily.site
    if (config.custodian === undefined) throw new Error('no custodian is configured')
    await using other = await openSite()
    const custodian = { ...config.custodian, certificate: certificates.otherClient }
    await using stranger = await other.start(undefined, { ...other.config, custodian })
    expect(await other.custodian.notify({ urls: [url] })).toEqual({ status: 200, error: null })
    const outcome = await outcomeOfUrls(stranger.client, [{ url }])
    expect(outcome).toMatchObject({ status: 'failed', resources: [{ status: 'failed', code: 'CERTIFICATE_REFUSED' }] })
  })
})

test('after all of it the lake equals one that was loaded without faults', { timeout: 240_000 }, async () => {
  const { found, expected } = await daily.figures()
  expect(expected['loads']).toHaveLength(13)
  expect(found).toEqual(expected)
})
