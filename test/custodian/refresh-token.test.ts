/** The refresh grant against the simulated custodian: rotating tokens, virtual time, and nothing secret told. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Custodian, openCustodian } from '../../custodian/custodian.ts'
import type { Log } from '../../custodian/log.ts'
import { type ProfileOverrides, resolveProfile } from '../../custodian/profile.ts'
import { fileTokenStore, type TokenStore } from '../../custodian/token-store.ts'
import type { Turns } from '../../custodian/turn.ts'
import { type CertificatePaths, ensureCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodian, type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'
import { errorOf, everythingOf } from './wire.ts'

let folder: string
let certificates: CertificatePaths
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-refresh-'))
  certificates = await ensureCertificates(join(folder, 'certificates'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

interface Scene extends AsyncDisposable {
  readonly sim: SimulatedCustodian
  readonly custodian: Custodian
  readonly store: TokenStore
  readonly logged: string[]
  readonly clock: { nowMs: number }
  /** `grant_type` of the token requests so far. */
  grants(): string[]
}

let scenes = 0
async function openScene(
  options: { sim?: Partial<SimulatedCustodianOptions>; overrides?: ProfileOverrides; turns?: Turns } = {},
): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const clock = { nowMs: Date.now() }
  const now = () => clock.nowMs
  const sim = stack.use(await startSimulatedCustodian({ certificates, refreshTokens: true, now, ...options.sim }))
  const logged: string[] = []
  const write = (fields: object, message: string) => void logged.push(`${JSON.stringify(fields)} ${message}`)
  const log: Log = { debug: write, info: write, warn: write, error: write }
  scenes += 1
  const store = fileTokenStore(join(folder, `store-${scenes}`))
  const { cert, key } = certificates.client
  const custodian = stack.use(
    await openCustodian({
      profile: resolveProfile('pge', {
        ...options.overrides,
        endpoints: { token: sim.tokenUrl, resource: sim.resourceUrl },
      }),
      credentials: { alias: 'cca', clientId: sim.clientId, clientSecret: () => sim.clientSecret, bulkId: sim.bulkId },
      certificate: { cert, key, ca: certificates.ca },
      tokenStore: store,
      log,
      now: () => new Date(clock.nowMs),
      ...(options.turns && { turns: options.turns }),
    }),
  )
  const owned = stack.move()
  return {
    sim,
    custodian,
    store,
    logged,
    clock,
    grants: () =>
      sim.requests
        .filter(({ path }) => path.endsWith('/token'))
        .map(({ query }) => new URLSearchParams(query).get('grant_type') ?? 'in the body'),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

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

/** Turns as a script: each says whether the moment is kept. */
function scriptTurns(kept: readonly boolean[]) {
  const said: string[] = []
  let turn = 0
  const turns: Turns = {
    take: async (kind) => {
      said.push(kind)
      const isKept = kept[turn++] ?? true
      return {
        arrive: () => Promise.resolve(isKept),
        sent: () => void said.push('sent'),
        ended: (waitMs) => {
          said.push(waitMs === undefined ? 'ended' : `ended, wait ${waitMs}`)
          return Promise.resolve()
        },
        release: () => void said.push('released'),
      }
    },
  }
  return { turns, said }
}
const used = ['sent', 'ended']

describe('turns', () => {
  test('each request takes one; a missed one sends nothing and takes the next', async () => {
    const { turns, said } = scriptTurns([true, false, false, true])
    await using scene = await openScene({ turns })
    await scene.custodian.refreshToken()
    await scene.custodian.serviceStatus()
    expect(said).toEqual(['token', ...used, 'status', 'released', 'status', 'released', 'status', ...used])
    expect(scene.sim.requests).toHaveLength(2)
  })

  test('always missed: told, to be tried later, and nothing sent', async () => {
    const { turns, said } = scriptTurns(Array.from({ length: 9 }, () => false))
    await using scene = await openScene({ turns })
    const error = await errorOf(scene.custodian.refreshToken())
    expect(error).toMatchObject({ code: 'QUOTA_EXHAUSTED', details: { retryAfterMs: 10_000 } })
    expect(scene.sim.requests).toHaveLength(0)
    expect(said).toEqual(Array.from({ length: 5 }, () => ['token', 'released']).flat())
  })

  test('given back where nothing can be sent in it', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    await scene.sim[Symbol.asyncDispose]()
    expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(said).toEqual(['token', 'released'])
  })

  test('a request without an answer has ended too', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    scene.sim.faults.add({ path: '/token', effect: { kind: 'reset', bytes: 0 } })
    expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(said).toEqual(['token', ...used])
  })

  test.each([429, 503])('%i with Retry-After makes everyone wait, without it nobody', async (status) => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    const body = 'slow down'
    scene.sim.faults.add({ effect: { kind: 'answer', status, headers: { 'retry-after': '30' }, body } })
    await errorOf(scene.custodian.refreshToken())
    scene.sim.faults.add({ effect: { kind: 'answer', status, body } })
    await errorOf(scene.custodian.refreshToken())
    expect(said).toEqual(['token', 'sent', 'ended, wait 30000', 'token', ...used])
  })

  test('no turn is taken for a token that is not there', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    expect(await errorOf(scene.custodian.serviceStatus())).toMatchObject({ code: 'TOKEN_EXPIRED' })
    expect(said).toEqual([])
  })

  test('a prepared connection that the custodian has closed is opened again', async () => {
    const { turns } = scriptTurns([])
    await using scene = await openScene({
      turns: {
        ...turns,
        take: async (kind) => ({
          ...(await turns.take(kind)),
          arrive: async () => {
            scene.sim.dropConnections()
            await new Promise((resolve) => setTimeout(resolve, 50))
            return true
          },
        }),
      },
    })
    await scene.custodian.refreshToken()
    expect(scene.sim.requests).toHaveLength(1)
  })
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
  expect(await readFile(join(folder, `store-${scenes}`, 'token-cca.json'), 'utf8')).toContain(secrets.at(-1))
})
