import { gunzipSync } from 'node:zlib'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { sentinelCorrelationId } from '../../sim/notification-fault.ts'
import { startControl } from '../../sim/control.ts'
import type { FaultEffect } from '../../sim/fault.ts'
import { createFleet } from '../../sim/fleet.ts'
import { answerOf, client, get, received, start, tokenOf, urlsOf } from './custodian-wire.ts'

const prepared = async (effect: FaultEffect) => {
  const custodian = await start({ fleet: createFleet({ meters: 20 }) })
  const token = await tokenOf(custodian)
  const [electric] = (await custodian.prepareDay('2026-11-03')).resources
  const whole = (await get(electric!.url, token)).body
  custodian.faults.add({ path: `/Batch/Bulk/${custodian.bulkId}`, effect })
  return { custodian, url: electric!.url, token, whole }
}

describe('faults', () => {
  test('an answer of any status, once, then all is well again', async () => {
    const { custodian, url, token } = await prepared({ kind: 'answer', status: 503, headers: { 'retry-after': '7' } })
    await using _ = custodian
    const { status, headers } = await get(url, token)
    expect([status, headers['retry-after']]).toEqual([503, '7'])
    expect((await get(url, token)).status).toBe(200)
  })

  test('HTML with 200; ordinals; a pattern; all', async () => {
    await using custodian = await start()
    const token = await tokenOf(custodian)
    const html = {
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html></html>',
    } as const
    custodian.faults.add({ path: /Status$/, on: [2, 3], effect: html })
    const url = `${custodian.resourceUrl}/ReadServiceStatus`
    const types = []
    for (let n = 0; n < 4; n += 1) types.push((await get(url, token)).headers['content-type'])
    expect(types).toEqual(['application/xml', 'text/html', 'text/html', 'application/xml'])
    custodian.faults.clear()
    custodian.faults.add({ on: 'all', effect: { kind: 'answer', status: 404 } })
    expect([(await get(url, token)).status, (await get(url, token)).status]).toEqual([404, 404])
  })

  test('truncated without Content-Length ends properly but short', async () => {
    const { custodian, url, token, whole } = await prepared({ kind: 'truncate', bytes: 5000, contentLength: false })
    await using _ = custodian
    const { headers, body } = await get(url, token)
    expect(headers['content-length']).toBeUndefined()
    expect(body.equals(whole.subarray(0, 5000))).toBe(true)
  })

  test.each([
    { kind: 'truncate', bytes: 5000, contentLength: true },
    { kind: 'reset', bytes: 300_000 },
  ] as const)('$kind after $bytes bytes breaks the body off', async (effect) => {
    const { custodian, url, token } = await prepared(effect)
    await using _ = custodian
    const { body } = await request(url, { headers: { authorization: `Bearer ${token}` }, dispatcher: client })
    let bytes = 0
    await expect(
      (async () => {
        for await (const chunk of body) bytes += (chunk as Buffer).length
      })(),
    ).rejects.toThrow(/terminated|other side closed|ECONNRESET|aborted/)
    expect(bytes).toBeLessThanOrEqual(effect.bytes)
  })

  test('gzip, told and untold; slow', async () => {
    const { custodian, url, token, whole } = await prepared({ kind: 'gzip', header: true })
    await using _ = custodian
    const told = await get(url, token)
    expect(told.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(told.body).equals(whole)).toBe(true)
    custodian.faults.add({ path: '50916', effect: { kind: 'gzip', header: false } })
    const untold = await get(url, token)
    expect([untold.headers['content-encoding'], untold.body.subarray(0, 2)]).toEqual([
      undefined,
      Buffer.from([0x1f, 0x8b]),
    ])
    custodian.faults.add({ path: '50916', effect: { kind: 'slow', bytes: 100_000, delayMs: 1 } })
    expect((await get(url, token)).body.equals(whole)).toBe(true)
  })

  test('silence after 202; a notification before the 202', async () => {
    await using custodian = await start({ now: () => Date.UTC(2026, 10, 10) })
    const token = await tokenOf(custodian)
    const url = `${custodian.resourceUrl}/Batch/BulkRetailCustomerInfo/${custodian.bulkId}`
    custodian.faults.add({ effect: { kind: 'silence' } }, { on: [2], effect: { kind: 'early' } })
    expect((await get(url, token)).status).toBe(202)
    expect((await get(url, token)).status).toBe(202)
    // The second was notified before it was answered; the first never.
    expect(received).toHaveLength(1)
    expect(custodian.preparations).toHaveLength(1)
  })

  test('any notification: duplicated, empty, sentinel, foreign, not XML', async () => {
    await using custodian = await start()
    const sentinel = `${custodian.resourceUrl}/Batch/Bulk/50916?correlationID=${sentinelCorrelationId}`
    await custodian.notify({ urls: [sentinel] })
    await custodian.notify({ urls: [sentinel] })
    await custodian.notify({ urls: [] })
    await custodian.notify({ urls: ['https://evil.example/?a=1&b=2'] })
    await custodian.notify({ body: 'hello' })
    expect(received.map(({ body }) => urlsOf(body).length)).toEqual([1, 1, 0, 1, 0])
    expect(received[3]?.body).toContain('a=1&amp;b=2')
    expect(received[4]?.body).toBe('hello')
  })

  test('the control endpoint prepares days, adds and clears faults, and says what is wrong with what it is given', async () => {
    await using custodian = await start()
    await using control = await startControl(custodian)
    const post = (path: string, body = '') => answerOf(request(`${control.url}${path}`, { method: 'POST', body }))
    const day = JSON.parse((await post('/day?date=2026-11-03')).body.toString()) as { resources: unknown[] }
    expect(day.resources).toHaveLength(2)
    expect(received).toHaveLength(1)
    expect((await post('/day?date=2026-02-30')).status).toBe(400)
    expect((await post('/faults', '[{"effect":{"kind":"explode"}}]')).status).toBe(400)
    const token = await tokenOf(custodian)
    await post('/faults', '[{"path":"/ReadServiceStatus","on":"all","effect":{"kind":"answer","status":418}}]')
    expect((await get(`${custodian.resourceUrl}/ReadServiceStatus`, token)).status).toBe(418)
    await request(`${control.url}/faults`, { method: 'DELETE' })
    expect((await get(`${custodian.resourceUrl}/ReadServiceStatus`, token)).status).toBe(200)
    const { body } = await answerOf(request(`${control.url}/requests`))
    expect((JSON.parse(body.toString()) as unknown[]).length).toBe(3)
    expect(body.toString()).not.toContain(token)
  })
})
