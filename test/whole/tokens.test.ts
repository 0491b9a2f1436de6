/** Tokens over the whole path: one request however many ask, the refresh token, and what becomes of it when it is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Meterlake } from '../../bin/up.ts'
import { createFleet } from '../../sim/fleet.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'

let site: Site
let meterlake: Meterlake
beforeAll(async () => {
  site = await openSite({
    custodian: { refreshTokens: true, fleet: createFleet({ meters: 4, firstPackage: '2025-11-01' }) },
  })
  const { custodian } = site.config
  const overrides = { ...custodian?.overrides, refreshGrant: 'query' as const }
  meterlake = await site.start(undefined, custodian && { ...site.config, custodian: { ...custodian, overrides } })
}, 120_000)
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** Ingests a day of both feeds; statuses of the token requests, by grant, and of the packages' requests. */
async function ingest(day: string) {
  const from = site.custodian.requests.length
  const { resources } = await site.custodian.prepareDay(day, { customers: true })
  const outcome = await outcomeOfUrls(meterlake.client, resources)
  expect(outcome.status).toBe('ingested')
  expect(outcome.resources.length).toBeGreaterThan(1)
  const requests = site.custodian.requests.slice(from)
  const token = requests.filter(({ path }) => path.endsWith('/token'))
  return {
    tokens: token.map(
      ({ query, status }) => `${new URLSearchParams(query).get('grant_type') ?? 'id and secret'} ${status}`,
    ),
    refused: requests.filter(({ status }) => status === 403).length,
    packages: resources.length,
  }
}

test('all packages of a day ask for a token at once: one request', async () => {
  expect((await ingest('2025-11-01')).tokens).toEqual(['id and secret 200'])
}, 120_000)

test('a valid one is used on', async () => {
  expect((await ingest('2025-11-02')).tokens).toEqual([])
}, 120_000)

test('403 for every package: refreshed once, with the refresh token, and each is asked for anew', async () => {
  site.custodian.revokeTokens()
  const { tokens, refused, packages } = await ingest('2025-11-03')
  expect(tokens).toEqual(['refresh_token 200'])
  expect(refused).toBeGreaterThan(0)
  expect(refused).toBeLessThanOrEqual(packages)
}, 120_000)

test('the refresh token is refused: forgotten, then id and secret; and the new one is the next', async () => {
  site.custodian.revokeTokens()
  site.custodian.revokeRefreshTokens()
  const { tokens } = await ingest('2025-11-04')
  expect(tokens).toEqual([expect.stringMatching(/^refresh_token 40\d$/) as string, 'id and secret 200'])
  site.custodian.revokeTokens()
  expect((await ingest('2025-11-05')).tokens).toEqual(['refresh_token 200'])
}, 120_000)
