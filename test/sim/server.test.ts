import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { renderBatchList } from '../../sim/batch-list.ts'
import { ensureCertificates } from '../../sim/certificates.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import type { SimulatedCustodian } from '../../sim/server.ts'
import {
  agentOf,
  answerOf,
  basic,
  certificates,
  client,
  directory,
  get,
  postToken,
  received,
  start,
  tokenOf,
  untilReceived,
  urlsOf,
} from './custodian-wire.ts'

describe('certificates', () => {
  test('keys are readable by their owner alone, and kept as long as they are valid', async () => {
    for (const path of [certificates.client.key, certificates.server.key, certificates.ca]) {
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
    const before = readFileSync(certificates.client.cert, 'utf8')
    expect((await ensureCertificates(certificates.directory)).client).toEqual(certificates.client)
    expect(readFileSync(certificates.client.cert, 'utf8')).toBe(before)
  })

  test('another client of the authority, a foreign one and none at all get 400 Invalid Certificate, each time', async () => {
    await using custodian = await start()
    for (const agent of [agentOf(certificates.otherClient), agentOf(certificates.foreign.client), agentOf()]) {
      for (let again = 0; again < 2; again += 1) {
        const { status, body } = await postToken(custodian, agent)
        expect([status, body.toString()]).toEqual([400, 'Invalid Certificate'])
      }
    }
    expect((await postToken(custodian)).status).toBe(200)
  })

  test('with refuseInHandshake a foreign certificate does not get as far as an answer', async () => {
    await using custodian = await start({ refuseInHandshake: true })
    await expect(postToken(custodian, agentOf(certificates.foreign.client))).rejects.toThrow(
      /socket|ECONNRESET|certificate|closed/,
    )
    expect(custodian.requests).toEqual([])
  })

  test('its server is refused by who does not know its authority', async () => {
    await using custodian = await start()
    await expect(postToken(custodian, agentOf(certificates.client, certificates.foreign.ca))).rejects.toThrow(
      /certificate/,
    )
  })
})

describe('token', () => {
  test('JSON on both endpoints, grant in body or query; refusals as documented', async () => {
    await using custodian = await start({ clientId: '00042' })
    for (const url of [custodian.tokenUrl, custodian.testTokenUrl]) {
      const { status, body } = await postToken(custodian, client, url)
      expect(status).toBe(200)
      expect(JSON.parse(body.toString())).toMatchObject({ expires_in: 3600, token_type: 'Bearer' })
    }
    const post = (query: string, authorization: string) =>
      answerOf(
        request(`${custodian.tokenUrl}${query}`, { method: 'POST', headers: { authorization }, dispatcher: client }),
      )
    expect((await post('?grant_type=client_credentials', basic(custodian))).status).toBe(200)
    expect((await post('', basic(custodian))).body.toString()).toContain('Missing grant_type')
    expect((await post('?grant_type=client_credentials', 'Basic AAAA')).status).toBe(403)
    const got = await answerOf(request(custodian.tokenUrl, { dispatcher: client }))
    expect([got.status, got.body.toString().includes('GET not permitted')]).toEqual([405, true])
  })

  test('XML, life as text, no life', async () => {
    await using xml = await start({ tokenFormat: 'xml', tokenLife_s: 300 })
    expect((await postToken(xml)).body.toString()).toMatch(
      /^<Response><client_access_token>[^<]+<\/client_access_token><expires_in>300<\/expires_in>/,
    )
    await using text = await start({ expiresIn: 'string' })
    expect(JSON.parse((await postToken(text)).body.toString())).toMatchObject({ expires_in: '3600' })
    await using none = await start({ expiresIn: 'absent' })
    expect(JSON.parse((await postToken(none)).body.toString())).not.toHaveProperty('expires_in')
  })

  test('an expired, revoked or invented token is answered 403', async () => {
    let clock_ms = Date.UTC(2026, 10, 4)
    await using custodian = await start({ now: () => clock_ms })
    const token = await tokenOf(custodian)
    const status = `${custodian.resourceUrl}/ReadServiceStatus`
    expect((await get(status, token)).body.toString()).toContain('<currentStatus>1</currentStatus>')
    clock_ms += 3_599_999
    expect((await get(status, token)).status).toBe(200)
    clock_ms += 1
    expect((await get(status, token)).status).toBe(403)
    const fresh = await tokenOf(custodian)
    custodian.revokeTokens()
    expect((await get(status, fresh)).status).toBe(403)
    expect((await get(status, 'invented')).body.toString()).toBe('Invalid access token')
  })
})

describe('a day', () => {
  test('is prepared as an electric, a gas and a customer file, notified over mutual TLS, and fetched byte for byte', async () => {
    await using custodian = await start()
    const { resources, feedPackage, notification } = await custodian.prepareDay('2026-11-01', { customers: true })
    expect(notification).toEqual({ status: 200, error: null })
    expect(received).toEqual([
      {
        body: renderBatchList(resources.map(({ url }) => url)),
        sender: 'simulated data custodian notifications',
        type: 'application/xml',
      },
    ])
    const token = await tokenOf(custodian)
    const [electric, gas, customers] = await Promise.all(urlsOf(received[0]?.body ?? '').map((url) => get(url, token)))
    const rendered = (service: 'electricity' | 'gas') => Buffer.concat([...renderFeed(feedPackage!, service)])
    expect(electric?.body.equals(rendered('electricity'))).toBe(true)
    expect(electric?.headers['content-length']).toBe(String(electric?.body.length))
    expect(gas?.body.equals(rendered('gas'))).toBe(true)
    expect(customers?.body.toString()).toContain('<CustomerAgreement>')
    expect(custodian.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })

  test('a package is gone when expired, after five days, and under the other feed’s path', async () => {
    let clock_ms = Date.UTC(2026, 10, 4)
    await using custodian = await start({ now: () => clock_ms, tokenLife_s: 1e7 })
    const token = await tokenOf(custodian)
    const [electric, gas] = (await custodian.prepareDay('2026-11-03')).resources
    expect((await get(electric!.url.replace('/Bulk/', '/BulkRetailCustomerInfo/'), token)).status).toBe(404)
    custodian.expire(electric!.correlationId)
    expect((await get(electric!.url, token)).status).toBe(404)
    clock_ms += 5 * 86_400_000 - 1
    expect((await get(gas!.url, token)).status).toBe(200)
    clock_ms += 1
    expect((await get(gas!.url, token)).status).toBe(404)
    expect((await get(gas!.url.replace('50916', '50917'), token)).body.toString()).toBe(
      "client credentials doesn't match",
    )
  })

  test('a file is served as it is; a webhook that is not there is no failure of the custodian', async () => {
    const file = join(directory, 'sample.xml')
    writeFileSync(file, '<feed>ä</feed>')
    await using custodian = await start({ notifyUrl: 'https://localhost:1/notify' })
    const { resources, notification } = await custodian.serveFile([file, file])
    expect(notification?.status).toBeNull()
    expect(resources).toHaveLength(2)
    expect((await get(resources[1]!.url, await tokenOf(custodian))).body.toString()).toBe('<feed>ä</feed>')
  })
})

const now = () => Date.UTC(2026, 10, 10, 20)
const bulk = (custodian: SimulatedCustodian, from: string, to: string, kind = 'published'): string =>
  `${custodian.resourceUrl}/Batch/Bulk/${custodian.bulkId}?${kind}-min=${from}&${kind}-max=${to}`

describe('ad hoc', () => {
  test.each(['published', 'updated'])('%s window: 202, then one notification with two files', async (kind) => {
    await using custodian = await start({ now })
    const token = await tokenOf(custodian)
    const url = bulk(custodian, '2026-11-03T08:00:00Z', '2026-11-04T08:00:00Z', kind)
    const accepted = await get(url, token, { 'x-transaction': 'abc' })
    expect([accepted.status, accepted.body.length, accepted.headers['x-transaction']]).toEqual([202, 0, 'abc'])
    await untilReceived(1)
    const [electric, gas] = urlsOf(received[0]?.body ?? '')
    const feed = (await get(electric!, token)).body.toString()
    // Both days: the maximum is inclusive.
    expect(feed).toContain(`IntervalBlock_${Date.UTC(2026, 10, 3, 8) / 1000}<`)
    expect(feed).toContain(`IntervalBlock_${Date.UTC(2026, 10, 4, 8) / 1000}<`)
    expect((await get(gas!, token)).status).toBe(200)
    expect(custodian.requests[1]).toMatchObject({ transaction: 'abc', status: 202 })
    expect(custodian.preparations[0]?.feedPackage?.fleet).toBe(custodian.fleet)
  })

  test('customers: 202, then the customer file', async () => {
    await using custodian = await start({ now })
    const token = await tokenOf(custodian)
    expect((await get(`${custodian.resourceUrl}/Batch/BulkRetailCustomerInfo/${custodian.bulkId}`, token)).status).toBe(
      202,
    )
    await untilReceived(1)
    const [url] = urlsOf(received[0]?.body ?? '')
    expect((await get(url!, token)).body.toString()).toMatch(/^<ns1:feed .*<Customer><name>/s)
  })

  test('204 where there is nothing yet; windows that are too long or malformed are refused', async () => {
    await using custodian = await start({ now })
    const token = await tokenOf(custodian)
    const status = async (from: string, to: string) => {
      const { status, body } = await get(bulk(custodian, from, to), token)
      return [status, body.toString()]
    }
    expect(await status('2026-11-20T08:00:00Z', '2026-11-21T08:00:00Z')).toEqual([204, ''])
    expect(await status('2019-01-01T08:00:00Z', '2019-01-02T08:00:00Z')).toEqual([204, ''])
    expect(await status('2024-01-01T08:00:00Z', '2026-01-01T08:00:00Z')).toEqual([400, 'Date Range Too Large'])
    expect((await status('2026-11-03T08:00:00+00:00', '2026-11-04T08:00:00Z'))[0]).toBe(400)
    expect((await get(`${custodian.resourceUrl}/Batch/Bulk/50916`, token)).status).toBe(400)
    expect((await get(`${custodian.resourceUrl}/Nowhere`, token)).body.toString()).toMatch(
      /^No listener for endpoint: /,
    )
    expect((await get(`${custodian.resourceUrl}/DownloadSampleData`, token)).body.toString()).toContain(
      '<ns0:MeterReading',
    )
    expect(received).toEqual([])
  })
})
