/** The Data Custodian as meterlake talks to it: token, status, bulk requests, downloads. Each call is one HTTP request. */
import { createHash, randomUUID } from 'node:crypto'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { ApplicationFacts } from '../schemas/application.ts'
import type { NotifiedResource, TokenHandle } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'
import type { CertificateFiles } from './certificate.ts'
import { clientToken } from './client-token.ts'
import { downloadFeed } from './download.ts'
import type { DownloadedFeed, DownloadProgress } from './download.ts'
import type { Authorization } from './authorization.ts'
import { defaultTimeouts } from './http.ts'
import type { HttpClient, HttpTimeouts } from './http.ts'
import type { Log } from './log.ts'
import { judgeUrl } from './notification.ts'
import { openRenewableHttp } from './renewable-http.ts'
import { registrationOf } from './registration.ts'
import { zulu } from './request-window.ts'
import { allowedUrls, bulkUrl, serviceStatusUrl } from './resource-endpoints.ts'
import { readServiceStatus } from './service-status.ts'
import { tokenFingerprint } from './token-store.ts'
import type { TokenStore } from './token-store.ts'
import { inTurn } from './turn.ts'
import type { Outgoing, Turns } from './turn.ts'

export interface CustodianCredentials {
  /** Names this client in stores, workflow ids and logs. */
  readonly alias: string
  readonly clientId: string
  /** Asked each time, so that a replaced secret counts without a restart. */
  readonly clientSecret: () => string | Promise<string>
  /** Never derived from the client id. Absent: read from what the custodian has registered of us. */
  readonly bulkId?: string | undefined
  /** For ApplicationInformation; absent: it is not asked for. `id` absent: found through the Authorizations. */
  readonly registration?: { readonly id?: string | undefined; readonly token: () => string } | undefined
}

export interface CustodianOptions {
  readonly profile: Profile
  readonly credentials: CustodianCredentials
  readonly certificate: CertificateFiles
  /** The certificate that stands ready for when the first is refused or has expired. */
  readonly nextCertificate?: CertificateFiles | undefined
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
  /** The same by change time. */
  readonly updatedMin?: string | undefined
  readonly updatedMax?: string | undefined
  readonly transaction: string
  /** Where the feed goes if the custodian answers at once. */
  readonly directory: string
}

export type BulkAnswer =
  | { readonly status: 'accepted' | 'no_data' | 'too_large'; readonly transaction: string | null }
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
  /** Asks for a bulk package: 202 accepted (a notification follows), 204 no data, 200 the feed itself, or the range is too large. */
  requestBulk(request: BulkRequest): Promise<BulkAnswer>
  /** All Authorizations, or one by its id (404: RESOURCE_GONE). A refusal is TOKEN_EXPIRED or REQUEST_REFUSED, as for any resource. */
  authorizations(options?: Cancellable & { readonly id?: string }): Promise<readonly Authorization[]>
  /** Revokes one. It cannot be undone, and the customer is told. */
  revokeAuthorization(id: string, options?: Cancellable): Promise<void>
  /** What the custodian has registered of us. Throws CONFIG_INVALID without a registration, NOT_ENTITLED where it will not tell. */
  applicationInformation(options?: Cancellable): Promise<ApplicationFacts>
  /** Reads the certificate files again. Throws CONFIG_INVALID, CERTIFICATE_REFUSED; then the old ones stay. */
  reload(): Promise<void>
}

/** Opens the connection pool. Throws CONFIG_INVALID, CERTIFICATE_REFUSED. */
export async function openCustodian(options: CustodianOptions): Promise<Custodian> {
  const { profile, credentials, tokenStore, turns, log, now = () => new Date() } = options
  const { alias } = credentials
  const pool = await openRenewableHttp({
    certificates: [options.certificate, ...(options.nextCertificate ? [options.nextCertificate] : [])],
    timeouts: options.timeouts ?? defaultTimeouts,
    log,
    now,
  })
  const allowed = allowedUrls(profile)
  const { tokenExpiredStatuses } = profile

  /** One request, in its turn. A refused certificate is replaced by the one that stands ready, and the request left to the next attempt. */
  const send = async <T>(outgoing: Outgoing, use: (http: HttpClient) => Promise<T>): Promise<T> => {
    try {
      return await inTurn(pool, turns, outgoing, use)
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'CERTIFICATE_REFUSED' || !pool.switchCertificate()) throw error
      throw new MeterlakeError('CERTIFICATE_SWITCHED', error.message, { ...error.details, alias })
    }
  }
  const tokens = clientToken({ profile, credentials, tokenStore, send, log, now })

  /** One request with a token that is valid when its turn has come; no turn is taken where there is none. */
  const withToken = async <T>(outgoing: Outgoing, use: (token: string, http: HttpClient) => Promise<T>): Promise<T> => {
    await tokens.valid(outgoing.what)
    return send(outgoing, async (http) => {
      const { token } = await tokens.valid(outgoing.what)
      try {
        return await use(token, http)
      } catch (error) {
        if (!isMeterlakeError(error) || error.code !== 'TOKEN_EXPIRED') throw error
        const fingerprint = tokenFingerprint(token)
        throw new MeterlakeError('TOKEN_EXPIRED', error.message, { ...error.details, alias, fingerprint })
      }
    })
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

  const registration = registrationOf({ profile, credentials, send, withToken, now })

  return {
    authorizations: async ({ id, signal } = {}) => registration.authorizations(id, signal),
    revokeAuthorization: async (id, { signal } = {}) => {
      await registration.revokeAuthorization(id, signal)
      log.info({ authorization: shortHash(id) }, 'custodian: authorization revoked')
    },
    applicationInformation: async ({ signal } = {}) => registration.applicationInformation(signal),
    reload: async () => pool.reload(),
    refreshToken: async ({ signal } = {}) => tokens.refresh(signal),
    currentToken: async () => tokens.current(),

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

    async requestBulk({ feed, publishedMin, publishedMax, updatedMin, updatedMax, ...rest }) {
      const bounds = {
        'published-min': publishedMin,
        'published-max': publishedMax,
        'updated-min': updatedMin,
        'updated-max': updatedMax,
      }
      const query = Object.entries(bounds).flatMap(([name, at]) => (at === undefined ? [] : [`${name}=${zuluOf(at)}`]))
      const url = bulkUrl(profile, feed, await registration.bulkId(rest.signal))
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

function bulkStatusOf(error: unknown): 'accepted' | 'no_data' | 'too_large' | undefined {
  if (!isMeterlakeError(error)) return undefined
  if (error.code === 'NOT_READY') return 'accepted'
  // Some answer 200 and say so in words, or with nothing at all.
  if (error.code === 'NO_DATA' || error.code === 'FEED_EMPTY') return 'no_data'
  // Said with 400 and whatever else a refusal may be, or with 200.
  const said = String(error.details['excerpt'] ?? '')
  if (/date range (is )?too large/i.test(said)) return 'too_large'
  // Green Button Alliance servers say so with 400 when the same request is still being prepared.
  const pending = /unprocessed batch request/i.test(said)
  return error.code === 'REQUEST_REFUSED' && pending ? 'accepted' : undefined
}

const shortHash = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 12)

function zuluOf(instant: string): string {
  const at = new Date(instant)
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/i.test(instant)) {
    throw new MeterlakeError(
      'USAGE',
      `${JSON.stringify(instant)} is not an instant with a zone, e.g. 2026-11-01T08:00:00Z`,
    )
  }
  return zulu(at.getTime())
}
