/** Every fault of the simulator by name: over the control endpoint, what a client or a webhook sees of it. */
import { request } from 'undici'
import { expect, test } from 'vitest'
import { startControl } from '../../sim/control.ts'
import { faultLines, faultNames, namedFault, parseFaults } from '../../sim/fault-catalogue.ts'
import type { SimulatedCustodian } from '../../sim/server.ts'
import { answerOf, get, postToken, received, start, tokenOf, untilReceived, urlsOf } from './custodian-wire.ts'

/** The first URL of each list that came. */
const firsts = () => received.map(({ body }) => urlsOf(body)[0])
const listsReceived = () => received.map(({ body }) => urlsOf(body).length)

const idsOf = (xml: string) => [...xml.matchAll(/MeterReading\/([^/"]+)/g)].map(([, id]) => id ?? '')

/** Of a day's package, from a custodian that has just started. */
async function correlationIds(hasSeededIds: boolean) {
  await using custodian = await start({ hasSeededIds })
  const { resources } = await custodian.prepareDay('2026-11-03')
  return resources.map(({ correlationId }) => correlationId)
}

async function prepared(custodian: SimulatedCustodian) {
  const [electric] = (await custodian.prepareDay('2026-11-03')).resources
  return { url: electric?.url ?? '', token: await tokenOf(custodian) }
}

test('each has a line, and is named by it alone or with a number and ordinals', () => {
  expect(faultLines()).toHaveLength(faultNames.length)
  expect(new Set(faultNames).size).toBe(faultNames.length)
  for (const name of faultNames) expect(namedFault(`${name}@2,3`)).toMatchObject({ on: [2, 3] })
  expect(namedFault('reset=300@all')).toMatchObject({ on: 'all', effect: { kind: 'reset', bytes: 300 } })
  expect(namedFault('late=3')).toEqual({ effect: { kind: 'late', delay_s: 259_200 } })
  for (const wrong of ['nothing', 'html=3', 'reset=', 'reset=3@', 'reset@0x1', '']) {
    expect(() => namedFault(wrong)).toThrow(RangeError)
  }
})

test('a script holds names and faults; what is none is refused', () => {
  const notification = { effect: { kind: 'late', delay_s: 5 }, on: [2] }
  expect(parseFaults(['busy', notification])).toEqual([namedFault('busy'), notification])
  expect(() => parseFaults([{ ...notification, path: '/token' }])).toThrow(/path/)
  expect(() => parseFaults(['explode'])).toThrow(RangeError)
})

test.each([
  ['invalid-certificate', 400, 'Invalid Certificate'],
  ['forbidden', 403, 'Invalid access token'],
  ['gone', 404, 'Not Found'],
  ['expired', 404, 'No such package, or it has expired'],
  ['busy-untold', 429, 'slow down'],
  ['unavailable-untold', 503, 'maintenance'],
  ['html', 200, '<!DOCTYPE html><html><body>Sign in</body></html>'],
])('%s: a package, not the request for one', async (name, status, body) => {
  await using custodian = await start()
  await using control = await startControl(custodian)
  const { url, token } = await prepared(custodian)
  await request(`${control.url}/faults`, { method: 'POST', body: JSON.stringify([name]) })
  const [bare = ''] = url.split('?')
  expect((await get(`${bare}?published-min=100000000&published-max=100000001`, token)).status).toBe(204)
  const answer = await get(url, token)
  expect([answer.status, answer.body.toString(), answer.headers['retry-after']]).toEqual([status, body, undefined])
  expect((await get(url, token)).status).toBe(200)
})

test('busy and unavailable say for how long; wrong-type is the feed all the same', async () => {
  await using custodian = await start()
  const { url, token } = await prepared(custodian)
  const whole = (await get(url, token)).body
  custodian.faults.add(...['busy=7', 'unavailable=9@2', 'wrong-type@3'].map(namedFault))
  const answers = [await get(url, token), await get(url, token), await get(url, token)]
  expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
    [429, '7'],
    [503, '9'],
    [200, undefined],
  ])
  expect(answers[2]?.headers['content-type']).toBe('text/html')
  expect(answers[2]?.body.equals(whole)).toBe(true)
})

test('prefixes and meter-ids say the same in other words', async () => {
  await using custodian = await start()
  const { url, token } = await prepared(custodian)
  const whole = (await get(url, token)).body.toString()
  custodian.faults.add(...['prefixes', 'meter-ids@2'].map(namedFault))
  const prefixes = (await get(url, token)).body.toString()
  const ids = (await get(url, token)).body.toString()
  expect(prefixes).not.toMatch(/\bns\d:/)
  expect(prefixes.replaceAll('gbc_', 'ns')).toBe(whole)
  expect(idsOf(ids)).toHaveLength(idsOf(whole).length)
  expect(new Set(idsOf(ids)).size).toBe(new Set(idsOf(whole)).size)
  expect(idsOf(ids).filter((id) => idsOf(whole).includes(id))).toEqual([])
})

test('tokens: as XML, without expiry, for five seconds; service-down', async () => {
  await using custodian = await start()
  custodian.faults.add(...['token-xml', 'token-without-expiry@2', 'token-short@3', 'service-down'].map(namedFault))
  const bodies = []
  for (let n = 0; n < 4; n += 1) bodies.push((await postToken(custodian)).body.toString())
  expect(bodies[0]).toMatch(/^<Response><client_access_token>.*<expires_in>3600</)
  expect(JSON.parse(bodies[1] ?? '')).not.toHaveProperty('expires_in')
  expect(JSON.parse(bodies[2] ?? '')).toMatchObject({ expires_in: 5 })
  expect(JSON.parse(bodies[3] ?? '')).toMatchObject({ expires_in: 3600 })
  const short = (JSON.parse(bodies[2] ?? '') as { client_access_token: string }).client_access_token
  const url = `${custodian.resourceUrl}/ReadServiceStatus`
  expect((await get(url, short)).body.toString()).toContain('<currentStatus>0</currentStatus>')
  custodian.advance(6_000)
  expect((await get(url, short)).status).toBe(403)
})

test('notifications: lost, twice, in parts, with sentinel, empty and foreign lists', async () => {
  await using custodian = await start()
  const names = ['lost', 'duplicated', 'split', 'sentinel', 'empty', 'foreign']
  custodian.faults.add(...names.map((name, at) => namedFault(`${name}@${at + 1}`)))
  const answers = []
  for (const _ of names) answers.push((await custodian.prepareDay('2026-11-03')).notification?.status ?? null)
  expect(answers).toEqual([null, 200, 200, 200, 200, 200])
  expect(listsReceived()).toEqual([2, 2, 1, 1, 3, 0, 2, 12])
  const [last, first] = received.slice(2, 4).map(({ body }) => urlsOf(body)[0])
  expect([first, last]).toEqual(custodian.preparations[2]?.resources.map(({ url }) => url))
  expect(received[4]?.body).toContain('correlationID=000000000<')
})

test('one after the next, and days late by a clock that is put forward; a package is kept for five days', async () => {
  await using custodian = await start()
  await using control = await startControl(custodian)
  custodian.faults.add(namedFault('reordered'), namedFault('late=3@3'))
  const [a, b, c] = [
    await custodian.prepareDay('2026-11-03'),
    await custodian.prepareDay('2026-11-04'),
    await custodian.prepareDay('2026-11-05'),
  ].map(({ resources }) => resources[0]?.url)
  expect(firsts()).toEqual([b, a])
  const advance = async (days: number) =>
    answerOf(request(`${control.url}/clock?advance_s=${days * 86_400}`, { method: 'POST' }))
  expect((await advance(3)).status).toBe(200)
  await untilReceived(3)
  expect(firsts()).toEqual([b, a, c])
  expect((await get(c ?? '', await tokenOf(custodian))).status).toBe(200)
  await advance(2)
  expect((await get(c ?? '', await tokenOf(custodian))).status).toBe(404)
  expect((await answerOf(request(`${control.url}/clock?advance_s=-5`, { method: 'POST' }))).status).toBe(400)
})

test('correlationIDs are random, or follow from the seed', async () => {
  const seeded = await correlationIds(true)
  expect(new Set(seeded).size).toBe(2)
  expect(await correlationIds(true)).toEqual(seeded)
  expect(await correlationIds(false)).not.toEqual(await correlationIds(false))
})
