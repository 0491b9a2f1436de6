/** The client access token of one client: taken from the store, valid or not; renewed by one request, kept before it is used. */
import { randomUUID } from 'node:crypto'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { TokenHandle } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'
import { renewAt } from '../schemas/token-life.ts'
import type { HttpClient } from './http.ts'
import type { Log } from './log.ts'
import { requestToken } from './token.ts'
import { type StoredToken, type TokenStore, tokenFingerprint } from './token-store.ts'
import type { Outgoing } from './turn.ts'

/** A token that lives shorter than this, or than a tenth of its life, is not used any more. */
const tokenMarginMs = 5000

export interface ClientTokenOptions {
  readonly profile: Pick<Profile, 'tokenGrant' | 'refreshGrant' | 'endpoints'>
  readonly credentials: {
    readonly alias: string
    readonly clientId: string
    readonly clientSecret: () => string | Promise<string>
  }
  readonly tokenStore: TokenStore
  /** Sends one request. */
  readonly send: <T>(outgoing: Outgoing, use: (http: HttpClient) => Promise<T>) => Promise<T>
  readonly log: Log
  readonly now: () => Date
}

export interface ClientToken {
  /** For `what`. Throws TOKEN_EXPIRED where there is none that is valid; `details.fingerprint` names the one there is. */
  valid(what: string): Promise<StoredToken>
  /** Handle of the stored token while it is valid. No request. */
  current(): Promise<TokenHandle | undefined>
  /** One request, as `Custodian.refreshToken` says. */
  refresh(signal?: AbortSignal): Promise<TokenHandle>
}

export function clientToken({ profile, credentials, tokenStore, send, log, now }: ClientTokenOptions): ClientToken {
  const { alias } = credentials

  const isValid = ({ issuedAt, expiresAt }: StoredToken): boolean => {
    const expiresAtMs = Date.parse(expiresAt)
    const marginMs = Math.min(tokenMarginMs, (expiresAtMs - Date.parse(issuedAt)) / 10)
    return expiresAtMs - marginMs > now().getTime()
  }

  /** What the store holds decides the grant when the turn has come: another process may have been first. */
  const request = async (http: HttpClient, signal: AbortSignal | undefined): Promise<StoredToken> => {
    const before = await tokenStore.get(alias)
    const refreshToken = profile.refreshGrant === 'none' ? undefined : before?.refreshToken
    const refreshIn = profile.refreshGrant === 'query' ? 'query' : 'body'
    try {
      return await requestToken(http, {
        endpoint: profile.endpoints.token,
        grant: refreshToken === undefined ? profile.tokenGrant : refreshIn,
        refreshToken,
        clientId: credentials.clientId,
        clientSecret: await credentials.clientSecret(),
        alias,
        transaction: randomUUID(),
        now,
        signal,
      })
    } catch (error) {
      const isSpent = isMeterlakeError(error) && ['REFRESH_REFUSED', 'TOKEN_MALFORMED'].includes(error.code)
      if (before?.refreshToken !== undefined && isSpent) await tokenStore.put(alias, withoutRefresh(before))
      throw error
    }
  }

  return {
    async valid(what) {
      const stored = await tokenStore.get(alias)
      if (stored !== undefined && isValid(stored)) return stored
      const fingerprint = stored === undefined ? null : tokenFingerprint(stored.token)
      throw new MeterlakeError('TOKEN_EXPIRED', `${what}: client ${alias} has no valid token`, { alias, fingerprint })
    },
    async current() {
      const stored = await tokenStore.get(alias)
      return stored === undefined || !isValid(stored) ? undefined : handleOf(stored)
    },
    async refresh(signal) {
      const outgoing = { kind: 'token', url: profile.endpoints.token, what: `token of client ${alias}`, signal }
      const stored = await send(outgoing, async (http) => request(http, signal))
      await tokenStore.put(alias, stored)
      const handle = handleOf(stored)
      log.info({ alias, ...handle }, 'custodian: new client token')
      return handle
    },
  }
}

const handleOf = ({ token, issuedAt, expiresAt }: StoredToken): TokenHandle => ({
  fingerprint: tokenFingerprint(token),
  expiresAt,
  renewAt: new Date(renewAt(Date.parse(expiresAt), Date.parse(issuedAt))).toISOString(),
})

const withoutRefresh = ({ token, issuedAt, expiresAt }: StoredToken): StoredToken => ({ token, issuedAt, expiresAt })
