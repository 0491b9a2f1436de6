/** A real HTTPS server that demands a client certificate, and a custodian that talks to it. */
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CertificateFiles } from '../../custodian/certificate.ts'
import { openCustodian } from '../../custodian/custodian.ts'
import type { Custodian } from '../../custodian/custodian.ts'
import type { Log } from '../../custodian/log.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import type { ProfileOverrides } from '../../custodian/profile.ts'
import { memoryTokenStore } from '../../custodian/token-store.ts'
import type { TokenStore } from '../../custodian/token-store.ts'
import type { Profile } from '../../schemas/profile.ts'
import type { NotifiedResource } from '../../schemas/ingest.ts'
import { makeAuthority } from '../support/certificates.ts'
import type { TestAuthority } from '../support/certificates.ts'

export const secret = 's3cret-Of-The-Client'
export const accessToken = 'tok-5f0c2a77-1d1e-4a51-9b90-aaaaaaaaaaaa'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Wire extends AsyncDisposable {
  readonly origin: string
  readonly folder: string
  readonly authority: TestAuthority
  readonly client: CertificateFiles
  readonly profile: Profile
  readonly seen: Seen[]
  readonly logged: string[]
  readonly tokenStore: TokenStore
  handler: (request: Seen, response: ServerResponse) => void
  resource(path: string): NotifiedResource
  custodian(options?: {
    certificate?: CertificateFiles
    overrides?: ProfileOverrides
    timeouts?: { connectMs: number; headersMs: number; bodyMs: number }
  }): Promise<Custodian>
  /** A token in the store, valid for an hour (or `lifeMs`), granted `ageMs` ago. */
  giveToken(lifeMs?: number, ageMs?: number): Promise<void>
}

export async function openWire(): Promise<Wire> {
  const folder = await mkdtemp(join(tmpdir(), 'meterlake-custodian-'))
  const authority = await makeAuthority(join(folder, 'pki'), 'authority')
  const server = await authority.issue('server')
  const client = { ...(await authority.issue('client')), ca: authority.ca }
  const seen: Seen[] = []
  const logged: string[] = []
  const log: Log = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [
      level,
      (fields: object, message: string) => void logged.push(JSON.stringify({ level, ...fields, message })),
    ]),
  ) as unknown as Log
  const https = createServer(
    {
      cert: readFileSync(server.cert),
      key: readFileSync(server.key),
      ca: readFileSync(authority.ca),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const one = { method, url, headers, body: Buffer.concat(chunks).toString() }
        seen.push(one)
        wire.handler(one, response)
      })
    },
  )
  await new Promise<void>((resolve) => void https.listen(0, '127.0.0.1', resolve))
  const origin = `https://127.0.0.1:${(https.address() as AddressInfo).port}`
  const endpoints = { token: `${origin}/oauth/v2/token`, resource: `${origin}/espi/1_1/resource` }
  const tokenStore = memoryTokenStore()
  const wire: Wire = {
    origin,
    folder,
    authority,
    client,
    profile: resolveProfile('pge', { endpoints }),
    seen,
    logged,
    tokenStore,
    handler: (_, response) => void response.writeHead(500).end(),
    resource: (path) => ({ url: `${endpoints.resource}/${path}`, correlationId: null, feed: 'usage' }),
    custodian: ({ certificate = client, overrides = {}, timeouts } = {}) =>
      openCustodian({
        profile: resolveProfile('pge', { ...overrides, endpoints }),
        credentials: { alias: 'cca', clientId: '00123', clientSecret: () => secret, bulkId: '50916' },
        certificate,
        tokenStore,
        log,
        timeouts,
      }),
    giveToken: (lifeMs = 3_600_000, ageMs = 0) =>
      tokenStore.put('cca', {
        token: accessToken,
        issuedAt: new Date(Date.now() - ageMs).toISOString(),
        expiresAt: new Date(Date.now() + lifeMs).toISOString(),
      }),
    async [Symbol.asyncDispose]() {
      https.closeAllConnections()
      await new Promise((resolve) => void https.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
  return wire
}

/** All that a thrown error would show anywhere: message, details, stack, own properties, the chain of causes. */
export function everythingOf(error: unknown): string {
  const parts: string[] = []
  for (let at = error, depth = 0; at !== undefined && depth < 6; depth += 1) {
    if (!(at instanceof Error)) return [...parts, JSON.stringify(at)].join('\n')
    parts.push(at.stack ?? '', JSON.stringify(at), JSON.stringify(at, Object.getOwnPropertyNames(at)))
    at = at.cause
  }
  return parts.join('\n')
}

/** The error a promise rejects with; fails if it does not. */
export async function errorOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; details?: Record<string, unknown> }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not throw')
}
