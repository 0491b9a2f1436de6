/**
 * The custodian's limits as arithmetic: which moment a request may have. Pure; time comes in as numbers, days as their bounds, so
 * that no clock and no zone database is asked in a workflow.
 *
 * A request arrives up to a margin after its moment. Moments therefore keep the limit's distance and the margin; where the custodian's
 * clock may be on the other side of a day's bound, a request counts in both days.
 */
import type {
  AcquireAnswer,
  AcquireInput,
  DayCount,
  DenialReason,
  QuotaDay,
  QuotaLedger,
  QuotaLimits,
  QuotaUsage,
} from '../schemas/quota.ts'

export const emptyLedger: QuotaLedger = { slots: [], penalisedUntilMs: 0, clients: {}, granted: {} }

/** Who would wait for longer than so many moments is sent away, and comes again a third of that ahead of its moment. */
const momentsAhead = 30

/** How far the custodian's clock and ours may be apart. */
export const clockTolerance_ms = 2_000

/** What is past is kept so long beyond its use, against a server's clock that is set back. */
const keepMs = 60_000
const keepGrantedMs = 30_000

/** No wait that a custodian asks for is longer: a clock gone wrong must not park a package beyond its five days. */
const longestPenaltyMs = 3_600_000

/** No day is shorter: the bounds of the day after the next are not known. */
const shortestDayMs = 82_800_000

type ClientLedger = QuotaLedger['clients'][string]
const newClient: ClientLedger = { hour: [], hourMs: 0, days: [] }

/** The answer to one request, and the ledger with it. The earliest moment that breaks no limit, at once or as a denial. */
export function reserve(
  ledger: QuotaLedger,
  ask: AcquireInput,
  nowMs: number,
): { readonly ledger: QuotaLedger; readonly answer: AcquireAnswer } {
  const known = ledger.granted[ask.requestId]
  // A moment inside a penalty that came since is given up.
  if (known !== undefined && !(known > nowMs && known < ledger.penalisedUntilMs)) {
    return { ledger, answer: { nowMs, waitMs: Math.max(0, known - nowMs), sendAtMs: known } }
  }
  const client = ledger.clients[ask.client] ?? newClient
  const space = ask.limits.spacingMs + ask.limits.marginMs
  const { moment, reason } = earliest(ledger, client, ask, nowMs)
  if (moment - nowMs > ask.leadMs + momentsAhead * space) {
    const deniedUntilMs = Math.max(nowMs + space, moment - ask.leadMs - (momentsAhead / 3) * space)
    return { ledger, answer: { nowMs, deniedUntilMs, reason } }
  }
  const answer = { nowMs, waitMs: moment - nowMs, sendAtMs: moment }
  return { ledger: enter(ledger, client, ask, moment, nowMs), answer }
}

/** From now on nobody gets a moment before `untilMs`, an hour ahead at most; the latest such wish counts. */
export function penalise(ledger: QuotaLedger, untilMs: number, nowMs: number): QuotaLedger {
  const bounded = Math.min(untilMs, nowMs + longestPenaltyMs)
  return { ...ledger, penalisedUntilMs: Math.max(ledger.penalisedUntilMs, bounded) }
}

export function usageOf({ slots, penalisedUntilMs, clients }: QuotaLedger, nowMs: number): QuotaUsage {
  return {
    waiting: slots.filter((slot) => slot > nowMs).length,
    penalisedUntilMs,
    clients: Object.fromEntries(
      Object.entries(clients).map(([client, { hour, hourMs, days }]) => [
        client,
        { hour: hour.filter((slot) => slot > nowMs - hourMs && slot <= nowMs).length, days },
      ]),
    ),
  }
}

function earliest(
  ledger: QuotaLedger,
  client: ClientLedger,
  { leadMs, limits, day }: AcquireInput,
  nowMs: number,
): { readonly moment: number; readonly reason: DenialReason } {
  let moment = Math.max(nowMs + leadMs, ledger.penalisedUntilMs)
  let reason: DenialReason = moment > nowMs + leadMs ? 'asked to wait' : 'too many wait'
  for (;;) {
    const spaced = afterSpacing(ledger.slots, moment, limits.spacingMs + limits.marginMs)
    const inHour = afterHour(client.hour, spaced, limits)
    const inDay = afterDay(client.days, inHour, limits.perDay, day)
    if (inDay > inHour) reason = 'day'
    else if (inHour > spaced) reason = 'hour'
    if (inDay === moment) return { moment, reason }
    moment = inDay
  }
}

/** The first moment from `moment` on that is `space` away from each of `slots`. */
function afterSpacing(slots: readonly number[], moment: number, space: number): number {
  let at = moment
  for (const slot of slots) {
    if (slot - at >= space) break
    if (at - slot < space) at = slot + space
  }
  return at
}

/** The first moment from `moment` on with which no window of an hour holds more than allowed, those after it included. */
function afterHour(hour: readonly number[], moment: number, { perHour, hourMs, marginMs }: QuotaLimits): number {
  const windowMs = hourMs + marginMs
  let at = moment
  for (;;) {
    let index = hour.length
    while (index > 0 && (hour[index - 1] ?? 0) > at) index -= 1
    const withIt = (place: number): number =>
      place < index ? (hour[place] ?? 0) : place === index ? at : (hour[place - 1] ?? 0)
    let later = at
    for (let first = Math.max(0, index - perHour); first <= Math.min(index, hour.length - perHour); first += 1) {
      const oldest = withIt(first)
      if (withIt(first + perHour) - oldest >= windowMs) continue
      later = Math.max(later, first === index ? withIt(first + 1) : oldest + windowMs)
    }
    if (later === at) return at
    at = later
  }
}

/** The first moment from `moment` on whose days (one, or two near a bound) are not full. */
function afterDay(days: readonly DayCount[], moment: number, perDay: number, day: QuotaDay): number {
  let at = moment
  for (;;) {
    const full = startsOfDays(at, days, day).find((start) => requestsOf(days, start) >= perDay)
    if (full === undefined) return at
    const end = endOf(full, days, day)
    at = Math.max(at + 1, end + clockTolerance_ms)
  }
}

/** The days that a request of this moment may fall in at the custodian's. */
function startsOfDays(moment: number, days: readonly DayCount[], { startsAtMs, endsAtMs }: QuotaDay): number[] {
  // A day that nobody knows the bounds of yet is far beyond what is given away now.
  if (moment >= endsAtMs + shortestDayMs) return []
  const main = moment < endsAtMs ? startsAtMs : endsAtMs
  const before = main === endsAtMs ? startsAtMs : days.findLast((other) => other.startsAtMs < main)?.startsAtMs
  return [
    ...(before !== undefined && moment < main + clockTolerance_ms ? [before] : []),
    main,
    ...(main === startsAtMs && moment >= endsAtMs - clockTolerance_ms ? [endsAtMs] : []),
  ]
}

const requestsOf = (days: readonly DayCount[], startsAtMs: number): number =>
  days.find((day) => day.startsAtMs === startsAtMs)?.requests ?? 0

function endOf(startsAtMs: number, days: readonly DayCount[], day: QuotaDay): number {
  if (startsAtMs === day.startsAtMs) return day.endsAtMs
  if (startsAtMs < day.startsAtMs) return day.startsAtMs
  const next = days.find((other) => other.startsAtMs > startsAtMs)
  return next?.startsAtMs ?? startsAtMs + shortestDayMs
}

function enter(
  ledger: QuotaLedger,
  client: ClientLedger,
  { client: name, kind, requestId, limits, day }: AcquireInput,
  moment: number,
  nowMs: number,
): QuotaLedger {
  const oldestSlot = nowMs - limits.spacingMs - limits.marginMs - keepMs
  const oldestInHour = nowMs - limits.hourMs - limits.marginMs - keepMs
  const granted = Object.entries(ledger.granted).filter(([, slot]) => slot > nowMs - keepGrantedMs)
  const days = startsOfDays(moment, client.days, day).reduce((all, start) => withRequest(all, start, kind), client.days)
  return {
    slots: withMoment(ledger.slots, moment, oldestSlot),
    penalisedUntilMs: ledger.penalisedUntilMs,
    clients: {
      ...ledger.clients,
      [name]: {
        hour: withMoment(client.hour, moment, oldestInHour),
        hourMs: limits.hourMs,
        days: days.filter(({ startsAtMs }) => startsAtMs > day.startsAtMs - 2 * 86_400_000),
      },
    },
    granted: Object.fromEntries([...granted, [requestId, moment]]),
  }
}

function withMoment(moments: readonly number[], moment: number, oldest: number): number[] {
  const kept = moments.filter((other) => other > oldest)
  const index = kept.findLastIndex((other) => other <= moment)
  kept.splice(index + 1, 0, moment)
  return kept
}

function withRequest(days: readonly DayCount[], startsAtMs: number, kind: string): readonly DayCount[] {
  const day = days.find((other) => other.startsAtMs === startsAtMs) ?? { startsAtMs, requests: 0, byKind: {} }
  const counted = {
    ...day,
    requests: day.requests + 1,
    byKind: { ...day.byKind, [kind]: (day.byKind[kind] ?? 0) + 1 },
  }
  const others = days.filter((other) => other !== day)
  return [...others, counted].toSorted((a, b) => a.startsAtMs - b.startsAtMs)
}
