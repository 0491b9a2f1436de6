/** The refresh grant against the simulated custodian: rotating tokens, virtual time, and nothing secret told. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openScene } from './token-scene.ts'
import { errorOf, everythingOf } from './wire.ts'

describe('the refresh token', () => {
  test.each(['query', 'body'] as const)('in the %s: the newest one is used, and kept', async (refreshGrant) => {
    await using scene = await openScene({ overrides: { refreshGrant } })
    const seen = new Set<string>()
    for (let round = 0; round < 4; round += 1) {
      await scene.custodian.refreshToken()
      seen.add((await scene.store.get('cca'))?.refreshToken ?? '')
      expect(await scene.custodian.serviceStatus()).toEqual({ currentStatus: 1 })
    }
    expect(seen.size).toBe(4)
    const refresh = refreshGrant === 'query' ? 'refresh_token' : 'in the body'
    expect(scene.grants()).toEqual(['in the body', refresh, refresh, refresh])
    expect(scene.sim.requests.every(({ status }) => status === 200)).toBe(true)
  })

  test('refused: forgotten, and the next request asks with id and secret', async () => {
    await using scene = await openScene()
    await scene.custodian.refreshToken()
    scene.sim.revokeRefreshTokens()
    const stale = (await scene.store.get('cca'))?.refreshToken ?? ''
    const error = await errorOf(scene.custodian.refreshToken())
    expect(error).toMatchObject({ code: 'REFRESH_REFUSED', retryable: true })
    expect(everythingOf(error)).not.toContain(stale)
    expect(await scene.store.get('cca')).not.toHaveProperty('refreshToken')
    expect(await scene.custodian.currentToken()).toBeDefined()
    await scene.custodian.refreshToken()
    expect(scene.grants()).toEqual(['in the body', 'refresh_token', 'in the body'])
    expect((await scene.store.get('cca'))?.refreshToken).toBeDefined()
  })

  test.each([
    [503, 'CUSTODIAN_UNAVAILABLE'],
    [429, 'RATE_LIMITED'],
  ])('%i is no refusal: it is kept', async (status, code) => {
    await using scene = await openScene()
    await scene.custodian.refreshToken()
    const before = (await scene.store.get('cca'))?.refreshToken
    scene.sim.faults.add({ path: '/token', effect: { kind: 'answer', status } })
    expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code })
    expect((await scene.store.get('cca'))?.refreshToken).toBe(before)
  })

  test('without one in the answer, and where the profile says none: id and secret', async () => {
    await using without = await openScene({ sim: { refreshTokens: false } })
    for (let round = 0; round < 2; round += 1) await without.custodian.refreshToken()
    expect(without.grants()).toEqual(['in the body', 'in the body'])
    await using none = await openScene({ overrides: { refreshGrant: 'none' } })
    for (let round = 0; round < 2; round += 1) await none.custodian.refreshToken()
    expect(none.grants()).toEqual(['in the body', 'in the body'])
  })

  test('in XML too', async () => {
    await using scene = await openScene({ sim: { tokenFormat: 'xml' } })
    for (let round = 0; round < 2; round += 1) await scene.custodian.refreshToken()
    expect(scene.grants()).toEqual(['in the body', 'refresh_token'])
  })
})

test.each([3_600, 300, 5])('a token of %i seconds is used to its end and not beyond', async (tokenLife_s) => {
  await using scene = await openScene({ sim: { tokenLife_s } })
  await scene.custodian.refreshToken()
  const startMs = scene.clock.nowMs
  for (const share of [0, 0.5, 0.85]) {
    scene.clock.nowMs = startMs + share * tokenLife_s * 1_000
    expect(await scene.custodian.serviceStatus()).toEqual({ currentStatus: 1 })
  }
  scene.clock.nowMs += tokenLife_s * 150
  expect(await errorOf(scene.custodian.serviceStatus())).toMatchObject({ code: 'TOKEN_EXPIRED' })
  // Nothing was sent with it.
  expect(scene.sim.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  await scene.custodian.refreshToken()
  expect(await scene.custodian.serviceStatus()).toEqual({ currentStatus: 1 })
})

test('kept before it is used: where it cannot be kept, it is not used', async () => {
  await using scene = await openScene()
  await writeFile(scene.storeDir, 'a file where the folder should be')
  expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code: 'LAKE_NOT_WRITABLE' })
  expect(await errorOf(scene.custodian.serviceStatus())).toMatchObject({ code: 'TOKEN_EXPIRED' })
  expect(scene.sim.requests.map(({ path }) => path.split('/').at(-1))).toEqual(['token'])
})

test('no log tells a token, a refresh token or a query', async () => {
  await using scene = await openScene()
  const secrets = [scene.sim.clientSecret]
  for (let round = 0; round < 3; round += 1) {
    await scene.custodian.refreshToken()
    const stored = await scene.store.get('cca')
    secrets.push(stored?.token ?? '', stored?.refreshToken ?? '')
  }
  expect(new Set(secrets).size).toBe(7)
  expect(scene.logged.length).toBeGreaterThan(2)
  for (const secret of secrets) expect(scene.logged.join('\n')).not.toContain(secret)
  expect(scene.logged.join('\n')).not.toMatch(/refresh_token|grant_type/)
  expect(await readFile(join(scene.storeDir, 'token-cca.json'), 'utf8')).toContain(secrets.at(-1))
})
