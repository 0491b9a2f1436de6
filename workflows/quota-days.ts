/** Requests by the custodian's days. Where its clock may be on the other side of a day's bound, a request counts in both. */
import type { DayCount, QuotaDay } from '../schemas/quota.ts'

/** How far the custodian's clock and ours may be apart. */
export const clockTolerance_ms = 2_000

/** No day is shorter: the bounds of the day after the next are not known. */
const shortestDayMs = 82_800_000

/** The first moment from `moment` on whose days (one, or two near a bound) are not full. */
export function afterDay(days: readonly DayCount[], moment: number, perDay: number, day: QuotaDay): number {
  let at = moment
  for (;;) {
    const full = startsOfDays(at, at, days, day).find((start) => requestsOf(days, start) >= perDay)
    if (full === undefined) return at
    at = Math.max(at + 1, endOf(full, days, day) + clockTolerance_ms)
  }
}

/** The days that a request which is sent in this span may fall in at the custodian's. */
export function startsOfDays(fromMs: number, untilMs: number, days: readonly DayCount[], day: QuotaDay): number[] {
  const { startsAtMs, endsAtMs } = day
  // A day that nobody knows the bounds of yet is far beyond what is given away now.
  if (fromMs >= endsAtMs + shortestDayMs) return []
  const main = fromMs < endsAtMs ? startsAtMs : endsAtMs
  const before = main === endsAtMs ? startsAtMs : days.findLast((other) => other.startsAtMs < main)?.startsAtMs
  return [
    ...(before !== undefined && fromMs < main + clockTolerance_ms ? [before] : []),
    main,
    ...(main === startsAtMs && untilMs >= endsAtMs - clockTolerance_ms ? [endsAtMs] : []),
  ]
}

export function withRequest(days: readonly DayCount[], startsAtMs: number, kind: string): readonly DayCount[] {
  return changed(days, startsAtMs, kind, 1)
}

export function withoutRequest(days: readonly DayCount[], startsAtMs: number, kind: string): readonly DayCount[] {
  return changed(days, startsAtMs, kind, -1)
}

function changed(days: readonly DayCount[], startsAtMs: number, kind: string, by: number): readonly DayCount[] {
  const day = days.find((other) => other.startsAtMs === startsAtMs) ?? { startsAtMs, requests: 0, byKind: {} }
  const counted = {
    ...day,
    requests: day.requests + by,
    byKind: { ...day.byKind, [kind]: (day.byKind[kind] ?? 0) + by },
  }
  const others = days.filter((other) => other !== day)
  return [...others, counted].toSorted((a, b) => a.startsAtMs - b.startsAtMs)
}

const requestsOf = (days: readonly DayCount[], startsAtMs: number): number =>
  days.find((day) => day.startsAtMs === startsAtMs)?.requests ?? 0

function endOf(startsAtMs: number, days: readonly DayCount[], day: QuotaDay): number {
  if (startsAtMs === day.startsAtMs) return day.endsAtMs
  if (startsAtMs < day.startsAtMs) return day.startsAtMs
  const next = days.find((other) => other.startsAtMs > startsAtMs)
  return next?.startsAtMs ?? startsAtMs + shortestDayMs
}
