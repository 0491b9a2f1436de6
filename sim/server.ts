/** The simulated Data Custodian: a real HTTPS server in the form of PG&E's Share My Data. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNotifier, type NotificationAnswer, renderBatchList } from './batch-list.ts'
import type { CertificatePaths } from './certificates.ts'
import { createClock } from './clock.ts'
import { basePath, testTokenPath, tokenPath } from './endpoint-paths.ts'
import { type HistoryLimits, usualHistory } from './endpoints.ts'
import type { Fault } from './fault.ts'
import { createFaultPlan, type FaultPlan } from './fault-plan.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { createLimitMeter, type LimitCounts, type SimulatedLimits } from './limit-meter.ts'
import { createOutbox } from './notification-outbox.ts'
import { dailyPackage, type FeedPackage } from './package.ts'
import { createPreparedStore, type FeedKind, fileBody, renderedBody } from './prepared.ts'
import { renderCustomerFeed, renderProgramFeed } from './render-customer.ts'
import { renderFeed } from './render-feed.ts'
import { createRegistry, type Registry } from './registry.ts'
import { createRequestListener, type ServedRequest } from './request-listener.ts'
import { seededUuid } from './seeded.ts'
import { createTokenEndpoint, type SimulatedClient } from './token-endpoint.ts'

export interface SimulatedCustodianOptions {
  readonly certificates: CertificatePaths
  /** Default 0: a free port. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: 20 usage points of seed 1. */
  readonly fleet?: Fleet
  /** Where notifications are POSTed (the webhook). Absent: none are sent. */
  readonly notifyUrl?: string
  /** Text, padded to five characters as on the wire. Default `00123`. */
  readonly clientId?: string
  readonly clientSecret?: string
  /** Further clients of the same vendor, with the same certificate. */
  readonly moreClients?: readonly SimulatedClient[]
  /** Default json. */
  readonly tokenFormat?: 'json' | 'xml'
  /** Life of a token in seconds, default 3600. */
  readonly tokenLife_s?: number
  /** How `expires_in` is written; default number. */
  readonly expiresIn?: 'number' | 'string' | 'absent'
  /** Token answers carry a refresh token, a new one each time; the old one is refused. Default false. */
  readonly refreshTokens?: boolean
  /** Default: the utility's own, counted but not enforced. */
  readonly limits?: SimulatedLimits
  /** From 202 to the notification, default 50 ms. */
  readonly readyAfterMs?: number
  /** True: a certificate of a foreign authority fails the handshake; else (as PG&E's gateway) it gets 400 `Invalid Certificate`. */
  readonly refuseInHandshake?: boolean
  /** What may be asked for at a time, and how far back; default 370 days, three years. */
  readonly history?: Partial<HistoryLimits>
  readonly faults?: readonly Fault[]
  /** True: the client is entitled to demand-response programs (BulkRetailDRPrgInfo); else they are refused with 403. */
  readonly hasPrograms?: boolean
  /** Clock of tokens, packages and ad hoc answers, Unix ms; default Date.now. */
  readonly now?: () => number
  /** True: correlationIDs follow from the fleet's seed and their order, the same in every run; else they are random as the utility's. */
  readonly hasSeededIds?: boolean
}

export interface PreparedResource {
  readonly correlationId: string
  /** What the notification names, and what is to be fetched. */
  readonly url: string
  readonly feed: FeedKind
}

export interface Preparation {
  readonly resources: readonly PreparedResource[]
  /** The generated package, for {@link truthRows}; absent for files and customers. */
  readonly feedPackage: FeedPackage | undefined
  /** The webhook's answer; null where nothing was sent, or not yet. */
  readonly notification: NotificationAnswer | null
}

export interface SimulatedCustodian extends AsyncDisposable {
  /** `https://localhost:PORT`. */
  readonly origin: string
  readonly tokenUrl: string
  readonly testTokenUrl: string
  /** Base of the resources, without trailing slash. */
  readonly resourceUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly bulkId: string
  readonly fleet: Fleet
  readonly faults: FaultPlan
  /** Authorizations and ApplicationInformation, to be changed by tests. */
  readonly registry: Registry
  /** All requests so far, in order of their answers. */
  readonly requests: readonly ServedRequest[]
  /** All that was prepared so far, ad hoc answers included, in order. */
  readonly preparations: readonly Preparation[]
  setNotifyUrl(url: string | undefined): void
  /** Prepares the package of an operating day (`YYYY-MM-DD`; usage: electric and gas; on request customers and programs) and notifies. */
  prepareDay(
    date: string,
    options?: { customers?: boolean; programs?: boolean; notify?: boolean },
  ): Promise<Preparation>
  /** Serves files as they are, each as a prepared package, in one notification. */
  serveFile(paths: string | readonly string[], options?: { feed?: FeedKind; notify?: boolean }): Promise<Preparation>
  /** POSTs a BatchList of these URLs; or any body as it is. */
  notify(
    content: { readonly urls: readonly string[] } | { readonly body: string | Uint8Array },
  ): Promise<NotificationAnswer>
  /** Puts the clock forward: tokens and packages age, late notifications come. */
  advance(ms: number): void
  /** From now on the package is gone: 404. */
  expire(correlationId: string): void
  /** From now on tokens given out so far are answered 403. */
  revokeTokens(): void
  /** From now on refresh tokens given out so far are refused. */
  revokeRefreshTokens(): void
  /** Closes every connection, idle or not. */
  dropConnections(): void
  /** What came so far against the limits. */
  limitCounts(): LimitCounts
  close(): Promise<void>
}

const collections: Readonly<Record<FeedKind, string>> = {
  usage: 'Bulk',
  customer: 'BulkRetailCustomerInfo',
  program: 'BulkRetailDRPrgInfo',
}

/** Starts the server; it listens when the promise resolves. Credentials of the default client: `00123`, `simulated-secret`. */
export async function startSimulatedCustodian(options: SimulatedCustodianOptions): Promise<SimulatedCustodian> {
  const { certificates, port = 0, host = '127.0.0.1', fleet = createFleet({ meters: 20 }) } = options
  const { clientId = '00123', clientSecret = 'simulated-secret', readyAfterMs = 50 } = options
  const {
    tokenFormat = 'json',
    tokenLife_s = 3600,
    expiresIn = 'number',
    refuseInHandshake = false,
    hasPrograms = false,
    moreClients = [],
    refreshTokens = false,
  } = options
  const clock = createClock(options.now)
  const { now } = clock
  let notifyUrl = options.notifyUrl
  let origin = ''
  const faults = createFaultPlan(options.faults)
  let ids = 0
  const seededId = () => seededUuid(fleet.seed, -4, (ids += 1))
  const prepared = createPreparedStore(now, options.hasSeededIds === true ? seededId : undefined)
  const clients = [{ clientId, clientSecret }, ...moreClients]
  const tokens = createTokenEndpoint({ clients, tokenFormat, tokenLife_s, expiresIn, refreshTokens, now })
  const limits = createLimitMeter(options.limits)
  const notifier = createNotifier(certificates)
  const preparations: Preparation[] = []
  const requests: ServedRequest[] = []
  const closing = new AbortController()
  const announce = createOutbox({
    faults,
    clock,
    signal: closing.signal,
    post: async (urls) => notify({ urls }),
  })
  const registry = createRegistry({
    origin: () => origin,
    clientId,
    bulkId: fleet.bulkId,
    notifyUrl: () => notifyUrl,
    now,
  })

  const listener = createRequestListener({
    certificates,
    tokens,
    faults,
    limits,
    requests,
    context: {
      fleet,
      prepared,
      now,
      registry,
      answerLater,
      hasPrograms,
      history: { ...usualHistory, ...options.history },
    },
  })
  const server = createServer(
    {
      cert: readFileSync(certificates.server.cert),
      key: readFileSync(certificates.server.key),
      ca: readFileSync(certificates.ca),
      requestCert: true,
      rejectUnauthorized: refuseInHandshake,
      minVersion: 'TLSv1.2',
    },
    listener,
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const resourceUrl = `${origin}${basePath}`

  function offer(feed: FeedKind, body: Parameters<typeof prepared.add>[1]): PreparedResource {
    const correlationId = prepared.add(feed, body)
    return {
      correlationId,
      feed,
      url: `${resourceUrl}/Batch/${collections[feed]}/${fleet.bulkId}?correlationID=${correlationId}`,
    }
  }

  function offerUsage(feedPackage: FeedPackage): PreparedResource[] {
    return (['electricity', 'gas'] as const).map((service) =>
      offer(
        'usage',
        renderedBody(() => renderFeed(feedPackage, service)),
      ),
    )
  }

  const offerCustomers = (generatedAt_ms: number): PreparedResource =>
    offer(
      'customer',
      renderedBody(() => renderCustomerFeed(fleet, generatedAt_ms)),
    )

  const offerPrograms = (generatedAt_ms: number): PreparedResource =>
    offer(
      'program',
      renderedBody(() => renderProgramFeed(fleet, generatedAt_ms)),
    )

  async function notify(content: Parameters<SimulatedCustodian['notify']>[0]): Promise<NotificationAnswer> {
    if (notifyUrl === undefined) return { status: null, error: 'no notification URL is set' }
    return await notifier.post(notifyUrl, 'body' in content ? content.body : renderBatchList(content.urls))
  }

  async function prepare(
    resources: readonly PreparedResource[],
    feedPackage: FeedPackage | undefined,
    notifies: boolean,
  ): Promise<Preparation> {
    const notification = notifies && notifyUrl !== undefined ? await announce(resources.map(({ url }) => url)) : null
    const preparation = { resources, feedPackage, notification }
    preparations.push(preparation)
    return preparation
  }

  async function answerLater(
    request: { usage: FeedPackage } | { customers: true } | { programs: true },
  ): Promise<void> {
    try {
      await sleep(readyAfterMs, undefined, { signal: closing.signal })
    } catch {
      return
    }
    const usage = 'usage' in request ? request.usage : undefined
    const other = 'programs' in request ? offerPrograms : offerCustomers
    await prepare(usage ? offerUsage(usage) : [other(now())], usage, true)
  }

  async function close(): Promise<void> {
    closing.abort()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
    await notifier[Symbol.asyncDispose]()
  }

  return {
    origin,
    tokenUrl: `${origin}${tokenPath}`,
    testTokenUrl: `${origin}${testTokenPath}`,
    resourceUrl,
    clientId,
    clientSecret,
    bulkId: fleet.bulkId,
    fleet,
    faults,
    registry,
    requests,
    preparations,
    setNotifyUrl: (url) => {
      notifyUrl = url
    },
    prepareDay: async (date, { customers = false, programs = false, notify: notifies = true } = {}) => {
      const feedPackage = dailyPackage(fleet, date)
      const resources = offerUsage(feedPackage)
      if (customers) resources.push(offerCustomers(feedPackage.generatedAt_ms))
      if (programs) resources.push(offerPrograms(feedPackage.generatedAt_ms))
      return await prepare(resources, feedPackage, notifies)
    },
    serveFile: async (paths, { feed = 'usage', notify: notifies = true } = {}) => {
      const resources = (typeof paths === 'string' ? [paths] : paths).map((path) => offer(feed, fileBody(path)))
      return await prepare(resources, undefined, notifies)
    },
    notify,
    advance: (ms) => clock.advance(ms),
    expire: (correlationId) => prepared.expire(correlationId),
    revokeTokens: () => tokens.revokeAll(),
    revokeRefreshTokens: () => tokens.revokeRefreshTokens(),
    dropConnections: () => server.closeAllConnections(),
    limitCounts: () => limits.counts(now()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
