/** What the simulated custodian has registered: ApplicationInformation and Authorizations, with dummy secrets in PG&E's form. */
import { type Answer, textAnswer } from './answer.ts'
import { basePath, tokenPath } from './endpoint-paths.ts'
import { escapeXml } from './render-entry.ts'

export const registrationAccessToken = 'simulated-registration-token'
/** Stand in the answers and must be found nowhere else. */
export const registrySecrets = [
  registrationAccessToken,
  'simulated-registered-secret',
  'simulated-refresh-token',
] as const

const applicationId = '00000000-2222-4444-6666-8888aaaacccc'
const day_ms = 86_400_000

export interface SimulatedAuthorization {
  readonly id: string
  /** 0 revoked, 1 active, 2 denied. */
  readonly status: number
  readonly start_ms: number
  readonly duration_ms: number
  /** Path under the resource base. */
  readonly resource: string
}

export interface Registry {
  readonly authorizations: readonly SimulatedAuthorization[]
  /** Adds one, or replaces the one of its id. */
  put(authorization: SimulatedAuthorization): void
  /** From now on 404. */
  remove(id: string): void
  /** False: all of Authorization and ApplicationInformation is answered 403, as to a client without these rights. */
  entitled: boolean
  /** What is registered of the client. */
  readonly application: (path: string, authorization: string) => Answer
  readonly authorization: (method: string, path: string) => Answer
  /** Overrides of ApplicationInformation, by element. */
  readonly registered: Record<string, string>
}

export const isAuthorizationPath = (path: string): boolean =>
  path === `${basePath}/Authorization` || path.startsWith(`${basePath}/Authorization/`)

interface RegistryOptions {
  readonly origin: () => string
  readonly clientId: string
  readonly bulkId: string
  readonly notifyUrl: () => string | undefined
  readonly now: () => number
}

/** A registry with the client's own Authorization (its bulk URI, its ApplicationInformation) and one customer's. */
export function createRegistry({ origin, clientId, bulkId, notifyUrl, now }: RegistryOptions): Registry {
  const start_ms = now() - 400 * day_ms
  const own = (id: string, resource: string): SimulatedAuthorization => ({
    id,
    status: 1,
    start_ms,
    duration_ms: 3_650 * day_ms,
    resource,
  })
  const list = new Map(
    [
      own('1', `Batch/Bulk/${bulkId}`),
      own('2', `ApplicationInformation/${applicationId}`),
      own('1000417', 'Subscription/1000417'),
    ].map((authorization) => [authorization.id, authorization]),
  )
  const registered: Record<string, string> = {}
  const render = (one: SimulatedAuthorization): string =>
    entry(`${base()}/Authorization`, one.id, renderAuthorization(one, base(), now()), now())
  const base = (): string => `${origin()}${basePath}`

  const registry: Registry = {
    get authorizations() {
      return [...list.values()]
    },
    put: (authorization) => void list.set(authorization.id, authorization),
    remove: (id) => void list.delete(id),
    entitled: true,
    registered,
    application: (path, authorization) => {
      if (!registry.entitled || authorization !== `Bearer ${registrationAccessToken}`) return refused
      if (path !== `${basePath}/ApplicationInformation/${applicationId}`) return textAnswer(404, 'Not Found')
      const fields = {
        dataCustodianId: 'PGE',
        dataCustodianApplicationStatus: '2',
        authorizationServerUri: origin(),
        thirdPartyNotifyUri: notifyUrl() ?? '',
        authorizationServerTokenEndpoint: `${origin()}${tokenPath}`,
        dataCustodianBulkRequestURI: `${base()}/Batch/Bulk/${bulkId}`,
        dataCustodianResourceEndpoint: base(),
        client_secret: 'simulated-registered-secret',
        client_name: 'meterlake, simulated',
        client_id: clientId,
        client_id_issued_at: String(start_ms),
        client_secret_expires_at: '0',
        registration_client_uri: `${base()}/ApplicationInformation/${applicationId}`,
        registration_access_token: registrationAccessToken,
        ...registered,
      }
      const leaves = Object.entries(fields).map(([name, value]) => `<ns0:${name}>${escapeXml(value)}</ns0:${name}>`)
      const content = `<ns0:ApplicationInformation xmlns:ns0="http://naesb.org/espi">${leaves.join('')}</ns0:ApplicationInformation>`
      return feedAnswer(entry(`${base()}/ApplicationInformation`, applicationId, content, now()))
    },
    authorization: (method, path) => {
      if (!registry.entitled) return refused
      const id = path.slice(`${basePath}/Authorization/`.length)
      if (id === '') {
        if (method !== 'GET') return textAnswer(405, `${method} not permitted`)
        const entries = [...list.values()].map(render).join('')
        return feedAnswer(`<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom">${entries}</ns1:feed>`)
      }
      const found = list.get(id)
      if (found === undefined) return textAnswer(404, 'Not Found')
      if (method === 'DELETE') {
        list.set(id, { ...found, status: 0 })
        return { status: 200 }
      }
      return method === 'GET' ? feedAnswer(render(found)) : textAnswer(405, `${method} not permitted`)
    },
  }
  return registry
}

const refused: Answer = textAnswer(403, 'Access denied')
const feedAnswer = (body: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/atom+xml' },
  body,
})

function entry(collection: string, id: string, content: string, now_ms: number): string {
  const at = new Date(now_ms).toISOString()
  return (
    `<ns1:entry xmlns:ns1="http://www.w3.org/2005/Atom"><ns1:id>${crypto.randomUUID()}</ns1:id>` +
    `<ns1:link href="${escapeXml(collection)}" rel="up"/><ns1:link href="${escapeXml(`${collection}/${id}`)}" rel="self"/>` +
    `<ns1:published>${at}</ns1:published><ns1:updated>${at}</ns1:updated><ns1:content>${content}</ns1:content></ns1:entry>`
  )
}

/** Periods in ms, `expires_at` in s, as on the wire. */
function renderAuthorization(one: SimulatedAuthorization, base: string, now_ms: number): string {
  const period = `<ns0:duration>${one.duration_ms}</ns0:duration><ns0:start>${one.start_ms}</ns0:start>`
  return (
    `<ns0:Authorization xmlns:ns0="http://naesb.org/espi"><ns0:authorizedPeriod>${period}</ns0:authorizedPeriod>` +
    `<ns0:publishedPeriod>${period}</ns0:publishedPeriod><ns0:status>${one.status}</ns0:status>` +
    `<ns0:expires_at>${Math.floor(now_ms / 1000 / 3600) * 3600 + 3600}</ns0:expires_at><ns0:scope>FB=1_3_4_5;BR=50916</ns0:scope>` +
    `<ns0:refresh_token>simulated-refresh-token</ns0:refresh_token><ns0:token_type>Bearer</ns0:token_type>` +
    `<ns0:resourceURI>${escapeXml(`${base}/${one.resource}`)}</ns0:resourceURI>` +
    `<ns0:authorizationURI>${escapeXml(`${base}/Authorization/${one.id}`)}</ns0:authorizationURI></ns0:Authorization>`
  )
}
