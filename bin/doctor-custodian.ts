/** The part of doctor that asks the utility, in the order of its own connectivity test. */
import { randomUUID } from 'node:crypto'
import { openFeedReader } from '../espi/feed-reader.ts'
import { bulkIdOf } from '../custodian/application-information.ts'
import { openCustodian } from '../custodian/custodian.ts'
import { defaultTimeouts, type HttpAnswer, type HttpClient } from '../custodian/http.ts'
import { silentLog } from '../custodian/log.ts'
import { resolveProfile } from '../custodian/profile.ts'
import { openRenewableHttp, type RenewableHttp } from '../custodian/renewable-http.ts'
import { sampleDataUrl, serviceStatusUrl } from '../custodian/resource-endpoints.ts'
import { readServiceStatus } from '../custodian/service-status.ts'
import { requestSmall } from '../custodian/small-request.ts'
import { requestToken } from '../custodian/token.ts'
import { memoryTokenStore } from '../custodian/token-store.ts'
import { inTurn, type Turns } from '../custodian/turn.ts'
import type { ApplicationFacts } from '../schemas/application.ts'
import type { Config, CustodianConfig } from '../schemas/config.ts'
import { errorCodes, isMeterlakeError } from '../schemas/errors.ts'
import type { Profile } from '../schemas/profile.ts'
import { readSecret } from '../temporal.config.ts'
import { clientCertificates } from './certificate-files.ts'
import { openCommandTurns } from './command-turns.ts'
import { countingSink } from './counting-sink.ts'
import { custodianCredentials } from './custodian-credentials.ts'
import { attempt, type Check, fail, failureOf, ok, warn } from './doctor-check.ts'
import { checkTls } from './doctor-tls.ts'

const warnSkewMs = 30_000
const failSkewMs = 300_000

/** Test token, status, sample data; then what production needs, each request in its turn. Nothing is stored. */
export async function checkCustodian(config: Config, settings: CustodianConfig, now: () => Date): Promise<Check[]> {
  await using turns = await openCommandTurns(config)
  const profile = resolveProfile(settings.profile, settings.overrides)
  const { certificate, nextCertificate } = clientCertificates(settings)
  let http: RenewableHttp
  try {
    const certificates = [certificate, ...(nextCertificate ? [nextCertificate] : [])]
    http = await openRenewableHttp({ certificates, timeouts: defaultTimeouts, log: silentLog, now })
  } catch (error) {
    return [failureOf('connection', error)]
  }
  await using pool = http
  const inTurns: HttpClient = {
    send: async (request) => inTurn(pool, turns, { kind: 'doctor', ...request }, async (one) => one.send(request)),
  }
  const clock = new ServerClock(inTurns, now)
  return [
    await checkTls('TLS to the custodian', profile.endpoints.token, certificate),
    ...(await connectivityTest(profile, settings, http, clock, now)),
    ...(await checkProduction(config, settings, profile, turns, now)),
    clock.check(),
  ]
}

/** Remembers how far the custodian's clock is from ours: its Date header has whole seconds. */
class ServerClock implements Pick<HttpClient, 'send'> {
  readonly #http: HttpClient
  readonly #now: () => Date
  #skewMs: number | undefined

  constructor(http: HttpClient, now: () => Date) {
    this.#http = http
    this.#now = now
  }

  async send(request: Parameters<HttpClient['send']>[0]): Promise<HttpAnswer> {
    const answer = await this.#http.send(request)
    const at = Date.parse(answer.headers['date'] ?? '')
    if (!Number.isNaN(at)) this.#skewMs = this.#now().getTime() - at
    return answer
  }

  check(): Check {
    const next = 'Set this machine by NTP.'
    if (this.#skewMs === undefined) return warn('clock', 'no answer said what time it is', next)
    const detail = `${(this.#skewMs / 1000).toFixed(0)} s from the custodian's`
    const apartMs = Math.abs(this.#skewMs)
    return apartMs > failSkewMs
      ? fail('clock', detail, next)
      : apartMs > warnSkewMs
        ? warn('clock', detail, next)
        : ok('clock', detail)
  }
}

async function connectivityTest(
  profile: Profile,
  settings: CustodianConfig,
  http: RenewableHttp,
  clock: ServerClock,
  now: () => Date,
): Promise<Check[]> {
  const client: HttpClient = { send: async (request) => clock.send(request) }
  const askToken = async (endpoint: string) =>
    requestToken(client, {
      endpoint,
      grant: profile.tokenGrant,
      clientId: settings.client_id,
      clientSecret: readSecret(settings.client_secret, 'custodian.client_secret'),
      alias: settings.profile,
      transaction: randomUUID(),
      now,
    })
  const checks: Check[] = []
  let token = ''
  const endpoint = profile.endpoints.testToken ?? profile.endpoints.token
  checks.push(
    await attempt('test token', async () => {
      let switched = false
      const granted = await askToken(endpoint).catch(async (error: unknown) => {
        if (!isMeterlakeError(error) || error.code !== 'CERTIFICATE_REFUSED' || !http.switchCertificate()) throw error
        switched = true
        return askToken(endpoint)
      })
      token = granted.token
      const life_s = Math.round((Date.parse(granted.expiresAt) - Date.parse(granted.issuedAt)) / 1000)
      const detail = `granted for ${life_s} s`
      if (!switched) return ok('test token', detail)
      return warn(
        'test token',
        `${detail}, with the next certificate: the first was refused`,
        'Make custodian.certificate.next the first.',
      )
    }),
  )
  const ask = { token: '', tokenExpiredStatuses: profile.tokenExpiredStatuses, transaction: '', now }
  /** Where resources do not take the test token, they are asked with a production token. */
  const withToken = async <T>(request: (facts: typeof ask) => Promise<T>): Promise<T> => {
    const facts = () => ({ ...ask, token, transaction: randomUUID() })
    if (token === '') throw new NotAsked()
    try {
      return await request(facts())
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'TOKEN_EXPIRED') throw error
      token = (await askToken(profile.endpoints.token)).token
      return await request(facts())
    }
  }
  checks.push(
    await asked('service status', async () => {
      const { currentStatus } = await withToken(async (facts) =>
        readServiceStatus(client, { ...facts, url: serviceStatusUrl(profile) }),
      )
      if (currentStatus === 1) return ok('service status', '1, normal')
      return fail('service status', `${currentStatus}, unavailable`, 'The utility is in maintenance. Try again later.')
    }),
    await asked('sample data', async () => {
      const url = sampleDataUrl(profile)
      const bytes = await withToken(async (facts) =>
        requestSmall(client, { ...facts, method: 'GET', url, what: 'DownloadSampleData' }),
      )
      return parseSample(bytes, profile)
    }),
  )
  return checks
}

class NotAsked extends Error {}

const asked = async (check: string, work: () => Promise<Check>): Promise<Check> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof NotAsked)) return failureOf(check, error)
    return fail(check, 'not asked: there is no token', 'Mend the test token first.')
  }
}

/** Read by the reader that reads the feeds; its rows go nowhere. */
function parseSample(bytes: Uint8Array, { timeZone, usagePointIdentity }: Profile): Check {
  const sink = countingSink()
  const reader = openFeedReader(sink, { timeZone, usagePointIdentity })
  reader.write(bytes)
  const { entries, readings, quarantined } = reader.end()
  const detail = `${bytes.length} bytes, ${entries} entries, ${readings} readings`
  if (quarantined === 0) return ok('sample data', detail)
  return warn(
    'sample data',
    `${detail}, ${quarantined} left out`,
    'Report it: the reader does not know all of this form.',
  )
}

/** A refused certificate has been switched by the error: the request is made once more. */
const again = async <T>(request: () => Promise<T>): Promise<T> =>
  request().catch(async (error: unknown) => {
    if (isMeterlakeError(error) && error.code === 'CERTIFICATE_SWITCHED') return request()
    throw error
  })

async function checkProduction(
  config: Config,
  settings: CustodianConfig,
  profile: Profile,
  turns: Turns,
  now: () => Date,
): Promise<Check[]> {
  await using custodian = await openCustodian({
    profile,
    credentials: custodianCredentials(settings),
    ...clientCertificates(settings),
    tokenStore: memoryTokenStore(),
    turns,
    log: silentLog,
    now,
  })
  const token = await attempt('production token', async () => {
    const { expiresAt } = await again(async () => custodian.refreshToken())
    return ok('production token', `granted until ${expiresAt}`)
  })
  if (token.result === 'fail') return [token]
  return [
    token,
    await attempt('authorizations', async () => {
      try {
        return ok('authorizations', `${(await custodian.authorizations()).length} told`)
      } catch (error) {
        if (!isMeterlakeError(error) || !['TOKEN_EXPIRED', 'REQUEST_REFUSED', 'RESOURCE_GONE'].includes(error.code))
          throw error
        return ok('authorizations', 'not offered to this client; nothing depends on it')
      }
    }),
    await attempt('application information', async () => {
      if (settings.application === undefined) {
        const next = 'Optional for a CCA. With the registration access token, set [custodian.application].'
        return warn('application information', 'not configured', next)
      }
      try {
        return judgeApplication(await custodian.applicationInformation(), config, settings, profile, now())
      } catch (error) {
        if (!isMeterlakeError(error) || !['NOT_ENTITLED', 'TOKEN_EXPIRED', 'REQUEST_REFUSED'].includes(error.code))
          throw error
        return warn('application information', error.message, errorCodes.NOT_ENTITLED.next)
      }
    }),
  ]
}

function judgeApplication(
  facts: ApplicationFacts,
  { webhook }: Config,
  settings: CustodianConfig,
  profile: Profile,
  now: Date,
): Check {
  const name = 'application information'
  const wrong: string[] = []
  const odd: string[] = []
  const statuses: Record<number, string> = { 1: 'under review', 2: 'production', 3: 'on hold', 4: 'revoked' }
  if (facts.status !== null && facts.status !== 2) wrong.push(`status is ${statuses[facts.status] ?? facts.status}`)
  const expires = facts.clientSecretExpiresAt
  if (expires !== null && Date.parse(expires) <= now.getTime()) wrong.push(`the client secret expired ${expires}`)
  if (facts.clientId !== null && facts.clientId !== settings.client_id) wrong.push('another client id is registered')
  const bulkId = bulkIdOf(facts.bulkRequestUri ?? '')
  if (settings.bulk_id !== undefined && bulkId !== undefined && bulkId !== settings.bulk_id) {
    wrong.push(`the registered bulk id is ${bulkId}, not ${settings.bulk_id}`)
  }
  if (facts.notifyUri === null) odd.push('no notification URI is registered')
  else if (webhook?.url !== undefined && facts.notifyUri !== webhook.url) {
    wrong.push(`notifications go to ${withoutQuery(facts.notifyUri)}, not to ${withoutQuery(webhook.url)}`)
  } else if (webhook?.url === undefined)
    odd.push('webhook.url is not set, so that the notification URI cannot be compared')
  for (const [what, told, ours] of [
    ['resource', facts.resourceEndpoint, profile.endpoints.resource],
    ['token', facts.tokenEndpoint, profile.endpoints.token],
  ] as const) {
    if (told !== null && told.replace(/\/+$/, '') !== ours)
      odd.push(`the registered ${what} endpoint is ${withoutQuery(told)}`)
  }
  const found = [...wrong, ...odd].join('; ')
  const next = 'Correct the registration in the portal, or the configuration.'
  if (wrong.length > 0) return fail(name, found, next)
  return odd.length > 0 ? warn(name, found, next) : ok(name, `production, bulk id ${bulkId ?? 'not told'}`)
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '')
