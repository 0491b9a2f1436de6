/** A custodian that grants refresh tokens, in virtual time, and a client of it with a token store on disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Custodian, openCustodian } from '../../custodian/custodian.ts'
import type { Log } from '../../custodian/log.ts'
import { type ProfileOverrides, resolveProfile } from '../../custodian/profile.ts'
import { fileTokenStore, type TokenStore } from '../../custodian/token-store.ts'
import type { Turns } from '../../custodian/turn.ts'
import { ensureCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodian, type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'

export interface Scene extends AsyncDisposable {
  readonly sim: SimulatedCustodian
  readonly custodian: Custodian
  readonly store: TokenStore
  /** Folder of the store. */
  readonly storeDir: string
  readonly logged: string[]
  readonly clock: { nowMs: number }
  /** `grant_type` of the token requests so far. */
  grants(): string[]
}

export async function openScene(
  options: { sim?: Partial<SimulatedCustodianOptions>; overrides?: ProfileOverrides; turns?: Turns } = {},
): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'meterlake-tokens-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const certificates = await ensureCertificates(join(folder, 'certificates'))
  const clock = { nowMs: Date.now() }
  const now = () => clock.nowMs
  const sim = stack.use(await startSimulatedCustodian({ certificates, refreshTokens: true, now, ...options.sim }))
  const logged: string[] = []
  const write = (fields: object, message: string) => void logged.push(`${JSON.stringify(fields)} ${message}`)
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const storeDir = join(folder, 'store')
  const store = fileTokenStore(storeDir)
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
    storeDir,
    logged,
    clock,
    grants: () =>
      sim.requests
        .filter(({ path }) => path.endsWith('/token'))
        .map(({ query }) => new URLSearchParams(query).get('grant_type') ?? 'in the body'),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}
