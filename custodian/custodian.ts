/** The Data Custodian as meterlake talks to it: token, status, bulk requests, downloads. Each call is one HTTP request. */
import { createHash, randomUUID } from 'node:crypto'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { NotifiedResource, TokenHandle } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'
import { renewAt } from '../schemas/token-life.ts'
import { loadCertificate } from './certificate.ts'
import type { CertificateFiles } from './certificate.ts'
import { downloadFeed } from './download.ts'
import type { DownloadedFeed, DownloadProgress } from './download.ts'
import { defaultTimeouts, openHttp } from './http.ts'
import type { HttpClient, HttpTimeouts } from './http.ts'
import type { Log } from './log.ts'
import { judgeUrl } from './notification.ts'
import { allowedUrls, bulkUrl, serviceStatusUrl } from './resource-endpoints.ts'
import { readServiceStatus } from './service-status.ts'
import { requestToken } from './token.ts'
import { tokenFingerprint } from './token-store.ts'
import type { StoredToken, TokenStore } from './token-store.ts'
import { inTurn } from './turn.ts'
import type { Turns } from './turn.ts'

export interface CustodianCredentials {
  /** Names this client in stores, workflow ids and logs. */
  readonly alias: string
  readonly clientId: string
  /** Asked each time, so that a replaced secret counts without a restart. */
  readonly clientSecret: () => string | Promise<string>
  /** Never derived from the client id. */
  readonly bulkId: string
}

export interface CustodianOptions {
  readonly profile: Profile
  readonly credentials: CustodianCredentials
  readonly certificate: CertificateFiles
  readonly tokenStore: TokenStore
  readonly log: Log
  readonly timeouts?: HttpTimeouts | undefined
  readonly now?: (() => Date) | undefined
  /** Every request waits for its turn here; absent: none waits (a person's own call). */
  readonly turns?: Turns | undefined
}

interface Cancellable {
  readonly signal?: AbortSignal | undefined
}

export interface DownloadOptions extends Cancellable {
  readonly resource: NotifiedResource
  readonly directory: string
  /** Sent as x-transaction; absent: a new UUID. */
  readonly transaction?: string | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

export interface BulkRequest extends Cancellable {
  readonly feed: 'usage' | 'customer' | 'program'
  /** Instants, any ISO 8601 form with zone; sent as `yyyy-MM-ddTHH:mm:ssZ`. */
  readonly publishedMin?: string | undefined
  readonly publishedMax?: string | undefined
  readonly transaction: string
  /** Where the feed goes if the custodian answers at once. */
  readonly directory: string
}

export type BulkAnswer =
  | { readonly status: 'accepted' | 'no_data'; readonly transaction: string | null }
  | { readonly status: 'ready'; readonly transaction: string | null; readonly feed: DownloadedFeed }

export interface Custodian extends AsyncDisposable {
  /**
   * A new token, kept in the store before it is used: one request, with the refresh token where there is one. That refused
   * (REFRESH_REFUSED) it is forgotten, and the next call asks with id and secret. Throws TOKEN_REFUSED, TOKEN_MALFORMED, CERTIFICATE_REFUSED, …
   */
  refreshToken(options?: Cancellable): Promise<TokenHandle>
  /** Handle of the stored token while it is valid. No request. */
  currentToken(): Promise<TokenHandle | undefined>
  /**
   * Throws URL_REFUSED (outside the allow-list), TOKEN_EXPIRED (none stored, expired, or not accepted; `details.fingerprint`
   * names the one used) and what `downloadFeed` throws.
   */
  download(options: DownloadOptions): Promise<DownloadedFeed>
  /** ReadServiceStatus: 1 normal, 0 unavailable. */
  serviceStatus(options?: Cancellable): Promise<{ readonly currentStatus: number }>
  /** Asks for a bulk package: 202 accepted (a notification follows), 204 no data, 200 the feed itself. */
  requestBulk(request: BulkRequest): Promise<BulkAnswer>
}

/** A token that lives shorter than this, or than a tenth of its life, is not used any more. */
const tokenMarginMs = 5000

/** Opens the connection pool. Throws CONFIG_INVALID, CERTIFICATE_REFUSED. */
export async function openCustodian(options: CustodianOptions): Promise<Custodian> {
  const { profile, credentials, tokenStore, turns, log, now = () => new Date() } = options
  const { alias } = credentials
  const pool = openHttp(await loadCertificate(options.certificate, now()), options.timeouts ?? defaultTimeouts)
  const allowed = allowedUrls(profile)
  const { tokenExpiredStatuses } = profile

  const isValid = ({ issuedAt, expiresAt }: StoredToken): boolean => {
    const expiresAtMs = Date.parse(expiresAt)
    const marginMs = Math.min(tokenMarginMs, (expiresAtMs - Date.parse(issuedAt)) / 10)
    return expiresAtMs - marginMs > now().getTime()
  }

  const validToken = async (what: string): Promise<StoredToken> => {
    const stored = await tokenStore.get(alias)
    if (stored !== undefined && isValid(stored)) return stored
    const fingerprint = stored === undefined ? null : tokenFingerprint(stored.token)
    throw new MeterlakeError('TOKEN_EXPIRED', `${what}: client ${alias} has no valid token`, { alias, fingerprint })
  }

  /** One request with a token that is valid when its turn has come. */
  const withToken = async <T>(
    { kind, url, what, signal }: { kind: string; url: string; what: string; signal?: AbortSignal | undefined },
    use: (token: string, http: HttpClient) => Promise<T>,
  ): Promise<T> => {
    await validToken(what)
    const http = await inTurn(pool, turns, { kind, url, what, signal })
    const stored = await validToken(what)
    try {
      return await use(stored.token, http)
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'TOKEN_EXPIRED') throw error
      const fingerprint = tokenFingerprint(stored.token)
      throw new MeterlakeError('TOKEN_EXPIRED', error.message, { ...error.details, alias, fingerprint })
    }
  }

  const fetchFeed = (
    kind: 'package' | 'bulk',
    url: string,
    feed: NotifiedResource['feed'],
    { directory, transaction = randomUUID(), signal, onProgress }: Omit<DownloadOptions, 'resource'>,
  ): Promise<DownloadedFeed> => {
    const what = `${feed} feed ${shortHash(url)}`
    return withToken({ kind, url, what, signal }, async (token, http) => {
      const started = performance.now()
      // Enrolments and authorizations are about persons too.
      const expectedKind: DownloadedFeed['kind'] = feed === 'usage' ? 'usage' : 'customer'
      const request = {
        url,
        what,
        expectedKind,
        token,
        tokenExpiredStatuses,
        transaction,
        directory,
        now,
        signal,
        onProgress,
      }
      const downloaded = await downloadFeed(http, request)
      const { sha256, bytes } = downloaded
      log.info(
        { url: shortHash(url), sha256, bytes, ms: Math.round(performance.now() - started) },
        'custodian: downloaded',
      )
      return downloaded
    })
  }

  return {
    async refreshToken({ signal } = {}) {
      const { tokenGrant, refreshGrant, endpoints } = profile
      const url = endpoints.token
      const http = await inTurn(pool, turns, { kind: 'token', url, what: `token request of client ${alias}`, signal })
      const before = await tokenStore.get(alias)
      const refreshToken = refreshGrant === 'none' ? undefined : before?.refreshToken
      const request = {
        endpoint: url,
        grant:
          refreshToken !== undefined && refreshGrant === 'query'
            ? 'query'
            : refreshToken === undefined
              ? tokenGrant
              : 'body',
        refreshToken,
        clientId: credentials.clientId,
        clientSecret: await credentials.clientSecret(),
        alias,
        transaction: randomUUID(),
        now,
        signal,
      } as const
      let stored: StoredToken
      try {
        stored = await requestToken(http, request)
      } catch (error) {
        const isSpent = isMeterlakeError(error) && ['REFRESH_REFUSED', 'TOKEN_MALFORMED'].includes(error.code)
        if (before?.refreshToken !== undefined && isSpent) await tokenStore.put(alias, withoutRefresh(before))
        throw error
      }
      await tokenStore.put(alias, stored)
      const handle = handleOf(stored)
      log.info({ alias, ...handle }, 'custodian: new client token')
      return handle
    },

    async currentToken() {
      const stored = await tokenStore.get(alias)
      return stored === undefined || !isValid(stored) ? undefined : handleOf(stored)
    },

    async download({ resource, ...rest }) {
      const verdict = judgeUrl(resource.url, allowed)
      if (typeof verdict === 'string') {
        throw new MeterlakeError('URL_REFUSED', `${resource.feed} resource ${shortHash(resource.url)}: ${verdict}`)
      }
      return fetchFeed('package', resource.url, resource.feed, rest)
    },

    async serviceStatus({ signal } = {}) {
      const url = serviceStatusUrl(profile)
      return withToken({ kind: 'status', url, what: 'ReadServiceStatus', signal }, (token, http) =>
        readServiceStatus(http, { url, token, tokenExpiredStatuses, transaction: randomUUID(), now, signal }),
      )
    },

    async requestBulk({ feed, publishedMin, publishedMax, ...rest }) {
      const query = [
        ...(publishedMin === undefined ? [] : [`published-min=${zulu(publishedMin)}`]),
        ...(publishedMax === undefined ? [] : [`published-max=${zulu(publishedMax)}`]),
      ]
      const url = bulkUrl(profile, feed, credentials.bulkId)
      try {
        const ready = await fetchFeed('bulk', query.length === 0 ? url : `${url}?${query.join('&')}`, feed, rest)
        return { status: 'ready', transaction: ready.transaction, feed: ready }
      } catch (error) {
        const status = bulkStatusOf(error)
        if (status === undefined || !isMeterlakeError(error)) throw error
        const { transaction } = error.details
        return { status, transaction: typeof transaction === 'string' ? transaction : null }
      }
    },

    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

function bulkStatusOf(error: unknown): 'accepted' | 'no_data' | undefined {
  if (!isMeterlakeError(error)) return undefined
  if (error.code === 'NOT_READY') return 'accepted'
  if (error.code === 'NO_DATA') return 'no_data'
  // Green Button Alliance servers say so with 400 when the same request is still being prepared.
  const pending = /unprocessed batch request/i.test(String(error.details['excerpt'] ?? ''))
  return error.code === 'REQUEST_REFUSED' && pending ? 'accepted' : undefined
}

const handleOf = ({ token, issuedAt, expiresAt }: StoredToken): TokenHandle => ({
  fingerprint: tokenFingerprint(token),
  expiresAt,
  renewAt: new Date(renewAt(Date.parse(expiresAt), Date.parse(issuedAt))).toISOString(),
})

const withoutRefresh = ({ token, issuedAt, expiresAt }: StoredToken): StoredToken => ({ token, issuedAt, expiresAt })

const shortHash = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 12)

function zulu(instant: string): string {
  const at = new Date(instant)
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/i.test(instant)) {
    throw new MeterlakeError(
      'USAGE',
      `${JSON.stringify(instant)} is not an instant with a zone, e.g. 2026-11-01T08:00:00Z`,
    )
  }
  return at.toISOString().replace(/\.\d+Z$/, 'Z')
}
