/** What the resource endpoints answer: paths and refusals of PG&E's Share My Data (utility.md; domain.md 1). */
import { type Answer, jsonAnswer, textAnswer } from './answer.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { changesPackage, dailyPackage, type FeedPackage, historyPackage } from './package.ts'
import { isoOfDay, localDayOf } from './pacific-day.ts'
import { basePath } from './endpoint-paths.ts'
import { type FeedKind, type PreparedStore, renderedBody } from './prepared.ts'
import type { Registry } from './registry.ts'
import { renderFeed } from './render-feed.ts'

/** What the custodian has and lets others ask for. */
export interface HistoryLimits {
  /** Longest window of one request, days; longer ones are refused as `Date Range Too Large`. */
  readonly longestWindow_days: number
  /** How far its history reaches back (24, 36 or 48 months, utility.md). */
  readonly history_days: number
  /** Its history holds readings of every n-th day only, and no bills: for fleets too wide to be sent whole. Default 1: all. */
  readonly everyNthDay?: number
}

export const usualHistory: HistoryLimits = { longestWindow_days: 370, history_days: 3 * 365 }

export interface EndpointContext {
  readonly fleet: Fleet
  readonly prepared: PreparedStore
  readonly now: () => number
  readonly registry: Registry
  readonly history: HistoryLimits
  /** Prepares packages and notifies after a while. */
  readonly answerLater: (request: { usage: FeedPackage } | { customers: true } | { programs: true }) => Promise<void>
  /** False: demand-response programs are refused, as by default. */
  readonly hasPrograms: boolean
}

const feeds: Readonly<Record<string, FeedKind>> = {
  Bulk: 'usage',
  BulkRetailCustomerInfo: 'customer',
  BulkRetailDRPrgInfo: 'program',
}
const feedHeaders = { 'content-type': 'application/atom+xml' }

/** Answers an authenticated GET of a path under {@link basePath}. */
export async function answerResource(context: EndpointContext, path: string, query: URLSearchParams): Promise<Answer> {
  if (path === `${basePath}/ReadServiceStatus`) return serviceStatus
  if (path === `${basePath}/DownloadSampleData`) return await sampleData()
  const [, name, id, rest] = /^\/Batch\/(\w+)\/([^/]+)(\/.*)?$/.exec(path.slice(basePath.length)) ?? []
  if (name === undefined || rest !== undefined) return noListener(path)
  if (id !== context.fleet.bulkId) return textAnswer(400, "client credentials doesn't match")
  if (name === 'BulkRetailDRPrgInfo' && !context.hasPrograms) return jsonAnswer(403, { error: 'access_denied' })
  const feed = feeds[name]
  if (feed === undefined) return noListener(path)
  const correlationId = query.get('correlationID')
  if (correlationId === null) return requestBulk(context, feed, query)
  const body = context.prepared.find(correlationId, feed)
  if (!body) return textAnswer(404, 'No such package, or it has expired')
  return { status: 200, headers: feedHeaders, body: await body() }
}

const noListener = (path: string): Answer => textAnswer(404, `No listener for endpoint: ${path}`)

const serviceStatus: Answer = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body:
    '<ServiceStatus xsi:schemaLocation="http://naesb.org/espi espiDerived.xsd" xmlns="http://naesb.org/espi" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n  <currentStatus>1</currentStatus>\n</ServiceStatus>\n',
}

async function sampleData(): Promise<Answer> {
  const sample = dailyPackage(createFleet({ meters: 20 }), '2026-01-15', { onlyDay: true })
  return { status: 200, headers: feedHeaders, body: await renderedBody(() => renderFeed(sample, 'electricity'))() }
}

function requestBulk(context: EndpointContext, feed: FeedKind, query: URLSearchParams): Answer {
  const accepted = (request: Parameters<EndpointContext['answerLater']>[0]): Answer => ({
    status: 202,
    notifies: () => context.answerLater(request),
  })
  if (feed === 'customer') return accepted({ customers: true })
  if (feed === 'program') return accepted({ programs: true })
  const byChange = query.has('updated-min')
  const kind = byChange ? 'updated' : 'published'
  const from = query.get(`${kind}-min`)
  const to = query.get(`${kind}-max`)
  if (from === null || to === null) return badRequest(`Missing ${kind}-min or ${kind}-max`)
  const from_s = zuluSeconds(from)
  const to_s = zuluSeconds(to)
  if (from_s === undefined || to_s === undefined || to_s < from_s) return badRequest('Invalid date')
  const { longestWindow_days, history_days, everyNthDay = 1 } = context.history
  if (to_s - from_s > longestWindow_days * 86_400) return textAnswer(400, 'Date Range Too Large')
  const today = localDayOf(context.now() / 1000)
  const first = Math.max(localDayOf(from_s), today - history_days)
  // The maximum is inclusive: midnight at the end of a day brings the next day too.
  const last = Math.min(localDayOf(to_s), today - 1)
  if (last < first) return { status: 204 }
  const days = [isoOfDay(first), isoOfDay(last)] as const
  return accepted({
    usage: byChange
      ? changesPackage(context.fleet, ...days, context.now())
      : historyPackage(context.fleet, ...days, {
          generatedAt_ms: context.now(),
          withBills: everyNthDay === 1,
          everyNthDay,
        }),
  })
}

const badRequest = (description: string): Answer =>
  jsonAnswer(400, { error: 'invalid_request', error_description: description })

/** `yyyy-MM-ddTHH:mm:ssZ` and no other form; PG&E's own sample clients also send Unix seconds, which work. */
function zuluSeconds(text: string): number | undefined {
  if (/^\d{9,10}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms / 1000
}
