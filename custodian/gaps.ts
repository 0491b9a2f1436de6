/**
 * What should have come by now and has not, judged from the ledger alone, and what to ask for: pure. Two feeds come every day, in
 * whatever grouping their notifications bring them: usage (with bills) and customer information (utility.md, Daily subscription).
 */
import { addDays, dayCount, daysOf, type DayWindow } from '../schemas/calendar-day.ts'
import type {
  DailyFeed,
  DayStatus,
  GapFacts,
  GapReport,
  LoadFact,
  PackageSeverity,
  RequestFact,
  WaitingPackage,
} from '../schemas/gaps.ts'
import type { Profile } from '../schemas/profile.ts'
import type { PullTarget } from '../schemas/pull.ts'
import { localDayOf, localInstant, startOfDay } from './zone-days.ts'

const dayMs = 86_400_000

/** A day's package is there by the afternoon of the day after; the reconcile looks at this time. */
export const dueAtLocal = '18:00'
/** Operating days that are looked at. */
export const lookbackDays = 45
/** A missing day is asked for once a reconcile, so often at most. */
export const asksPerGap = 5
/** While its answer may still come, a request is not repeated. */
const patienceMs = 20 * 3_600_000

export interface GapContext extends Pick<Profile, 'timeZone'> {
  readonly dailyFeeds: readonly DailyFeed[]
  readonly now: Date
  /** Days after which the custodian has a package no longer. */
  readonly fetchWithinDays: number
  /** Absent: the last `lookbackDays`. Either way nothing before the first package that ever came. */
  readonly window?: DayWindow | undefined
}

/** From when on facts are needed to judge the window of `context`: its packages may have come early. */
export function factsSince({ timeZone, now, window }: Pick<GapContext, 'timeZone' | 'now' | 'window'>): string {
  const first = window?.from ?? addDays(localDayOf(now.getTime(), timeZone), -lookbackDays)
  return new Date(startOfDay(addDays(first, -1), timeZone)).toISOString()
}

/** Each daily feed and operating day, the packages that wait, and what a reconcile would ask for. */
export function judgeGaps(facts: GapFacts, context: GapContext): GapReport {
  const days = expectedDays(facts, context).flatMap((day) =>
    context.dailyFeeds.map((feed) => judgeDay(facts, context, feed, day)),
  )
  return { days, packages: waitingPackages(facts, context, days), asks: planAsks(days, context) }
}

function expectedDays({ firstReceivedAt }: GapFacts, { timeZone, now, window }: GapContext): readonly string[] {
  if (firstReceivedAt === null) return []
  const yesterday = addDays(localDayOf(now.getTime(), timeZone), -1)
  const first = addDays(localDayOf(Date.parse(firstReceivedAt), timeZone), -1)
  const from = window?.from ?? addDays(yesterday, 1 - lookbackDays)
  const to = window !== undefined && window.to < yesterday ? window.to : yesterday
  return daysOf({ from: from > first ? from : first, to })
}

function judgeDay(facts: GapFacts, context: GapContext, feed: DailyFeed, day: string): DayStatus {
  const { timeZone, now } = context
  const dueMs = localInstant(addDays(day, 1), dueAtLocal, timeZone)
  const dueAt = new Date(dueMs).toISOString()
  const receivedAt = earliest([
    ...facts.loads
      .filter((load) => load.feed === feed && settles(load, facts, day, timeZone))
      .map((load) => load.receivedAt),
    ...answersFor(facts, feed, day, dueMs, 'answered').map(({ askedAt }) => askedAt),
  ])
  const asks = facts.requests.filter((request) => request.reason === 'reconcile' && asksFor(request, feed, day, dueMs))
  const judged = { feed, day, dueAt, receivedAt, asked: asks.length, next: null }
  if (receivedAt !== null) return { ...judged, status: Date.parse(receivedAt) <= dueMs ? 'received' : 'late' }
  if (answersFor(facts, feed, day, dueMs, 'no_data').length > 0) return { ...judged, status: 'empty' }
  if (now.getTime() < dueMs) return { ...judged, status: 'expected' }
  const waits = facts.requests.some(
    (request) =>
      request.status === 'accepted' &&
      asksFor(request, feed, day, dueMs) &&
      now.getTime() - Date.parse(request.askedAt) < patienceMs,
  )
  return { ...judged, status: 'missing', next: waits ? 'wait' : asks.length >= asksPerGap ? 'give_up' : 'ask' }
}

/**
 * Whether a load brought the day. A package of usage is known by its latest day (corrections reach back for years, so its earliest
 * says nothing); one without readings by the day before it came. A customer feed is a snapshot: a later one holds what an earlier one held.
 */
function settles(load: LoadFact, facts: GapFacts, day: string, timeZone: string): boolean {
  if (load.feed === 'customer') return Date.parse(load.receivedAt) >= startOfDay(addDays(day, 1), timeZone)
  if (isLacking(facts, load.notificationId) || isAdHoc(facts, load.notificationId)) return false
  if (load.lastDate !== null) return load.lastDate === day
  const hasReadings = facts.loads.some(
    (other) => other.feed === 'usage' && other.notificationId === load.notificationId && other.lastDate !== null,
  )
  return !hasReadings && addDays(localDayOf(Date.parse(load.receivedAt), timeZone), -1) === day
}

/** What answered a request speaks for the days that were asked for, no others. */
const isAdHoc = (facts: GapFacts, notificationId: string | null): boolean =>
  notificationId !== null && facts.requests.some((request) => request.notificationId === notificationId)

/** One file of a notification is there, another is not: what the day lacks is not known. */
const isLacking = (facts: GapFacts, notificationId: string | null): boolean =>
  notificationId !== null &&
  facts.notifications.some((its) => its.notificationId === notificationId && its.isFailed && its.lacking > 0)

/** Requests that cover the day and were made when it could be complete. */
const asksFor = (request: RequestFact, feed: DailyFeed, day: string, dueMs: number): boolean =>
  request.feed === feed &&
  Date.parse(request.askedAt) >= dueMs &&
  (request.window === null || (request.window.from <= day && day <= request.window.to))

/** A snapshot answers for itself by its load. */
const answersFor = (facts: GapFacts, feed: DailyFeed, day: string, dueMs: number, status: RequestFact['status']) =>
  facts.requests.filter(
    (request) =>
      request.status === status &&
      asksFor(request, feed, day, dueMs) &&
      (status === 'no_data' || (request.window !== null && !isLacking(facts, request.notificationId))),
  )

const earliest = (instants: readonly string[]): string | null =>
  instants.reduce<string | null>(
    (first, at) => (first === null || Date.parse(at) < Date.parse(first) ? at : first),
    null,
  )

/** Runs of missing days become one request each: by change, since that alone brings corrections and bills too. */
function planAsks(days: readonly DayStatus[], { timeZone, now }: GapContext): readonly PullTarget[] {
  const missing = days.filter(({ next }) => next === 'ask')
  const runs: DayWindow[] = []
  for (const { day } of missing.filter(({ feed }) => feed === 'usage')) {
    const last = runs.at(-1)
    if (last !== undefined && dayCount({ from: last.to, to: day }) === 2) runs[runs.length - 1] = { ...last, to: day }
    else runs.push({ from: day, to: day })
  }
  const today = localDayOf(now.getTime(), timeZone)
  // What a day's package says was written the day after.
  const usage = runs.map(({ from, to }): PullTarget => {
    const after = addDays(to, 1)
    return { feed: 'usage', by: 'updated', window: { from, to: after < today ? after : today } }
  })
  const isCustomerMissing = missing.some(({ feed }) => feed === 'customer')
  return [...usage, ...(isCustomerMissing ? [{ feed: 'customer', by: null, window: null } as const] : [])]
}

function waitingPackages(facts: GapFacts, context: GapContext, days: readonly DayStatus[]): readonly WaitingPackage[] {
  const { timeZone, now, fetchWithinDays } = context
  return facts.notifications.flatMap(({ notificationId, receivedAt, isFailed, lacking }) => {
    if (!isFailed || lacking <= 0) return []
    const day = addDays(localDayOf(Date.parse(receivedAt), timeZone), -1)
    const its = days.filter((status) => status.day === day)
    const isMadeUp = its.length > 0 && its.every(({ status }) => status !== 'missing' && status !== 'expected')
    if (isMadeUp) return []
    const severity = severityOf(now.getTime() - Date.parse(receivedAt), fetchWithinDays)
    return [{ notificationId, receivedAt, lacking, severity }]
  })
}

/** A package that waits: warn from one day on, page from three, lost when the custodian drops it. */
export function severityOf(ageMs: number, fetchWithinDays: number): PackageSeverity {
  const days = ageMs / dayMs
  if (days >= fetchWithinDays) return 'lost'
  return days >= 3 ? 'page' : days >= 1 ? 'warn' : 'ok'
}
