/** What the custodian has registered of us and of those who authorized us: small documents, one request each. */
import { randomUUID } from 'node:crypto'
import type { ApplicationFacts } from '../schemas/application.ts'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { Profile } from '../schemas/profile.ts'
import { applicationIdOf, bulkIdOf, readApplicationInformation } from './application-information.ts'
import { type Authorization, readAuthorizations } from './authorization.ts'
import type { HttpClient } from './http.ts'
import { applicationUrl, authorizationUrl } from './resource-endpoints.ts'
import { requestSmall } from './small-request.ts'
import type { Outgoing } from './turn.ts'

export interface RegistrationOptions {
  readonly profile: Profile
  readonly credentials: {
    readonly bulkId?: string | undefined
    readonly registration?: { readonly id?: string | undefined; readonly token: () => string } | undefined
  }
  /** Sends one request. */
  readonly send: <T>(outgoing: Outgoing, use: (http: HttpClient) => Promise<T>) => Promise<T>
  /** The same with a valid client token. */
  readonly withToken: <T>(outgoing: Outgoing, use: (token: string, http: HttpClient) => Promise<T>) => Promise<T>
  readonly now: () => Date
}

/** The part of `Custodian` that is about registrations; see there. */
export interface Registration {
  authorizations(id: string | undefined, signal?: AbortSignal): Promise<readonly Authorization[]>
  revokeAuthorization(id: string, signal?: AbortSignal): Promise<void>
  applicationInformation(signal?: AbortSignal): Promise<ApplicationFacts>
  /** Of the configuration, else as registered (asked once). Throws CONFIG_INVALID where neither names it. */
  bulkId(signal?: AbortSignal): Promise<string>
}

export function registrationOf({ profile, credentials, send, withToken, now }: RegistrationOptions): Registration {
  const { tokenExpiredStatuses } = profile
  let discoveredBulkId: string | undefined

  const ask = async (
    http: HttpClient,
    token: string,
    { method = 'GET', url, what, signal }: Outgoing & { readonly method?: 'GET' | 'DELETE' },
  ) => requestSmall(http, { method, url, what, token, tokenExpiredStatuses, transaction: randomUUID(), now, signal })

  const authorization = (id: string | undefined, signal: AbortSignal | undefined): Outgoing => ({
    kind: 'authorization',
    url: authorizationUrl(profile, id),
    what: id === undefined ? 'Authorization' : `Authorization ${id}`,
    signal,
  })

  const registration: Registration = {
    async authorizations(id, signal) {
      const outgoing = authorization(id, signal)
      return readAuthorizations(await withToken(outgoing, async (token, http) => ask(http, token, outgoing)))
    },

    async revokeAuthorization(id, signal) {
      const outgoing = authorization(id, signal)
      await withToken(outgoing, async (token, http) => ask(http, token, { ...outgoing, method: 'DELETE' }))
    },

    async applicationInformation(signal) {
      const registered = credentials.registration
      if (registered === undefined) {
        const setting = 'custodian.application'
        throw new MeterlakeError('CONFIG_INVALID', `ApplicationInformation needs ${setting} in the configuration`, {
          setting,
        })
      }
      const what = 'ApplicationInformation'
      const id =
        registered.id ??
        (await registration.authorizations(undefined, signal))
          .map(({ resourceUri }) => applicationIdOf(resourceUri ?? ''))
          .find((found) => found !== undefined)
      if (id === undefined) throw new MeterlakeError('NOT_ENTITLED', `${what}: no Authorization names its id`)
      const outgoing = { kind: 'application', url: applicationUrl(profile, id), what, signal }
      const token = registered.token()
      try {
        return readApplicationInformation(await send(outgoing, async (http) => ask(http, token, outgoing)))
      } catch (error) {
        // A registration token is not renewed by us: its refusal is an answer.
        if (!isMeterlakeError(error) || !['TOKEN_EXPIRED', 'RESOURCE_GONE', 'REQUEST_REFUSED'].includes(error.code))
          throw error
        throw new MeterlakeError('NOT_ENTITLED', error.message, error.details)
      }
    },

    async bulkId(signal) {
      const known = credentials.bulkId ?? discoveredBulkId
      if (known !== undefined) return known
      discoveredBulkId = bulkIdOf((await registration.applicationInformation(signal)).bulkRequestUri ?? '')
      if (discoveredBulkId !== undefined) return discoveredBulkId
      const setting = 'custodian.bulk_id'
      throw new MeterlakeError(
        'CONFIG_INVALID',
        `${setting} is not set, and ApplicationInformation names no bulk URI`,
        { setting },
      )
    },
  }
  return registration
}
