/** The Data Custodian as meterlake talks to it: token, status, bulk requests, downloads. Each call is one HTTP request. */
import { createHash, randomUUID } from 'node:crypto'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { ApplicationFacts } from '../schemas/application.ts'
import type { NotifiedResource, TokenHandle } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'
import type { CertificateFiles } from './certificate.ts'
import { downloadFeed } from './download.ts'
import type { DownloadedFeed, DownloadProgress } from './download.ts'
import { applicationIdOf, bulkIdOf, readApplicationInformation } from './application-information.ts'
import { type Authorization, readAuthorizations } from './authorization.ts'
import { defaultTimeouts } from './http.ts'
import type { HttpTimeouts } from './http.ts'
import type { Log } from './log.ts'
import { judgeUrl } from './notification.ts'
import { openRenewableHttp } from './renewable-http.ts'
import { allowedUrls, applicationUrl, authorizationUrl, bulkUrl, serviceStatusUrl } from './resource-endpoints.ts'
import { readServiceStatus } from './service-status.ts'
import { requestSmall } from './small-request.ts'
import { requestToken } from './token.ts'
import { tokenFingerprint } from './token-store.ts'
import type { StoredToken, TokenStore } from './token-store.ts'

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
  /** A new token, kept in the store: one request. Throws TOKEN_REFUSED, TOKEN_MALFORMED, CERTIFICATE_REFUSED, … */
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

/** A token is not used in its last 5 s; one that lives for a few seconds only, not in the second half of its life. */
const tokenMarginMs = ({ issuedAt, expiresAt }: StoredToken): number =>
  Math.min(5000, (Date.parse(expiresAt) - Date.parse(issuedAt)) / 2)

/** Opens the connection pool. Throws CONFIG_INVALID, CERTIFICATE_REFUSED. */
export async function openCustodian(options: CustodianOptions): Promise<Custodian> {
  const { profile, credentials, tokenStore, log, now = () => new Date() } = options
  const { alias } = credentials
  const http = await openRenewableHttp({
    certificates: [options.certificate, ...(options.nextCertificate ? [options.nextCertificate] : [])],
    timeouts: options.timeouts ?? defaultTimeouts,
    log,
    now,
  })
  const allowed = allowedUrls(profile)
  const { tokenExpiredStatuses } = profile

  const isValid = (token: StoredToken): boolean => Date.parse(token.expiresAt) - tokenMarginMs(token) > now().getTime()

  /** A refused certificate is replaced by the one that stands ready, and the request left to the next attempt. */
  const certified = async <T>(request: () => Promise<T>): Promise<T> => {
    try {
      return await request()
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'CERTIFICATE_REFUSED' || !http.switchCertificate()) throw error
      throw new MeterlakeError('CERTIFICATE_SWITCHED', error.message, { ...error.details, alias })
    }
  }

  const withToken = async <T>(what: string, use: (token: string) => Promise<T>): Promise<T> => {
    const stored = await tokenStore.get(alias)
    if (stored === undefined || !isValid(stored)) {
      const fingerprint = stored === undefined ? null : tokenFingerprint(stored.token)
      throw new MeterlakeError('TOKEN_EXPIRED', `${what}: client ${alias} has no valid token`, { alias, fingerprint })
    }
    try {
      return await certified(async () => use(stored.token))
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'TOKEN_EXPIRED') throw error
      const fingerprint = tokenFingerprint(stored.token)
      throw new MeterlakeError('TOKEN_EXPIRED', error.message, { ...error.details, alias, fingerprint })
    }
  }

  const fetchFeed = (
    url: string,
    feed: NotifiedResource['feed'],
    { directory, transaction = randomUUID(), signal, onProgress }: Omit<DownloadOptions, 'resource'>,
  ): Promise<DownloadedFeed> => {
    const what = `${feed} feed ${shortHash(url)}`
    return withToken(what, async (token) => {
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

  const askWithToken = async (method: 'GET' | 'DELETE', url: string, what: string, signal?: AbortSignal) =>
    withToken(what, (token) =>
      requestSmall(http, {
        method,
        url,
        what,
        token,
        tokenExpiredStatuses,
        transaction: randomUUID(),
        now,
        signal,
      }),
    )

  const listAuthorizations = async (id: string | undefined, signal?: AbortSignal) =>
    readAuthorizations(
      await askWithToken(
        'GET',
        authorizationUrl(profile, id),
        id === undefined ? 'Authorization' : `Authorization ${id}`,
        signal,
      ),
    )

  const applicationInformation = async ({ signal }: Cancellable = {}): Promise<ApplicationFacts> => {
    const { registration } = credentials
    if (registration === undefined) {
      const setting = 'custodian.application'
      throw new MeterlakeError('CONFIG_INVALID', `ApplicationInformation needs ${setting} in the configuration`, {
        setting,
      })
    }
    const what = 'ApplicationInformation'
    const id =
      registration.id ??
      (await listAuthorizations(undefined, signal))
        .map(({ resourceUri }) => applicationIdOf(resourceUri ?? ''))
        .find((found) => found !== undefined)
    if (id === undefined) throw new MeterlakeError('NOT_ENTITLED', `${what}: no Authorization names its id`)
    const url = applicationUrl(profile, id)
    const token = registration.token()
    try {
      const bytes = await certified(async () =>
        requestSmall(http, {
          method: 'GET',
          url,
          what,
          token,
          tokenExpiredStatuses,
          transaction: randomUUID(),
          now,
          signal,
        }),
      )
      return readApplicationInformation(bytes)
    } catch (error) {
      // A registration token is not renewed by us: its refusal is an answer.
      if (!isMeterlakeError(error) || !['TOKEN_EXPIRED', 'RESOURCE_GONE', 'REQUEST_REFUSED'].includes(error.code))
        throw error
      throw new MeterlakeError('NOT_ENTITLED', error.message, error.details)
    }
  }

  let discoveredBulkId: string | undefined
  const bulkId = async ({ signal }: Cancellable): Promise<string> => {
    const known = credentials.bulkId ?? discoveredBulkId
    if (known !== undefined) return known
    discoveredBulkId = bulkIdOf((await applicationInformation({ signal })).bulkRequestUri ?? '')
    if (discoveredBulkId !== undefined) return discoveredBulkId
    const setting = 'custodian.bulk_id'
    throw new MeterlakeError('CONFIG_INVALID', `${setting} is not set, and ApplicationInformation names no bulk URI`, {
      setting,
    })
  }

  return {
    authorizations: async ({ id, signal } = {}) => listAuthorizations(id, signal),
    revokeAuthorization: async (id, { signal } = {}) => {
      await askWithToken('DELETE', authorizationUrl(profile, id), `Authorization ${id}`, signal)
      log.info({ authorization: shortHash(id) }, 'custodian: authorization revoked')
    },
    applicationInformation,
    reload: async () => http.reload(),
    async refreshToken({ signal } = {}) {
      const clientSecret = await credentials.clientSecret()
      const stored = await certified(async () =>
        requestToken(http, {
          endpoint: profile.endpoints.token,
          grant: profile.tokenGrant,
          clientId: credentials.clientId,
          clientSecret,
          alias,
          transaction: randomUUID(),
          now,
          signal,
        }),
      )
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
      return fetchFeed(resource.url, resource.feed, rest)
    },

    async serviceStatus({ signal } = {}) {
      const url = serviceStatusUrl(profile)
      return withToken('ReadServiceStatus', (token) =>
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
      const query = Object.entries(bounds).flatMap(([name, at]) => (at === undefined ? [] : [`${name}=${zulu(at)}`]))
      const url = bulkUrl(profile, feed, await bulkId(rest))
      try {
        const ready = await fetchFeed(query.length === 0 ? url : `${url}?${query.join('&')}`, feed, rest)
        return { status: 'ready', transaction: ready.transaction, feed: ready }
      } catch (error) {
        const status = bulkStatusOf(error)
        if (status === undefined || !isMeterlakeError(error)) throw error
        const { transaction } = error.details
        return { status, transaction: typeof transaction === 'string' ? transaction : null }
      }
    },

    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
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

const handleOf = ({ token, expiresAt }: StoredToken): TokenHandle => ({
  fingerprint: tokenFingerprint(token),
  expiresAt,
})

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
