/** When so many requests can be through, by the limits of the profile: arithmetic, no clock. */
import type { Profile } from '../schemas/profile.ts'
import { nextLocal } from './zone-days.ts'

export interface Forecast {
  readonly requests: number
  /** When the last one may be sent. */
  readonly finishAt: string
  /** When each limit makes a request wait first; null: it never does. */
  readonly binds: {
    readonly perSecond: string | null
    readonly perHour: string | null
    readonly perDay: string | null
  }
}

const hourMs = 3_600_000

/**
 * Requests sent as soon as they may be from `now` on, with no other traffic of the client: at most `perSecond`, `perHourPerClient` in any hour,
 * `perDayPerClient` in a day that starts at `dayStartsAtLocal`.
 */
export function forecastRequests(
  requests: number,
  { limits, timeZone }: Pick<Profile, 'limits' | 'timeZone'>,
  now: Date,
): Forecast {
  const binds: { perSecond: string | null; perHour: string | null; perDay: string | null } = {
    perSecond: null,
    perHour: null,
    perDay: null,
  }
  const spacingMs = 1000 / limits.perSecond
  const sent: number[] = []
  let dayEndsMs = nextLocal(limits.dayStartsAtLocal, now.getTime(), timeZone)
  let ofDay = 0
  let atMs = now.getTime()
  for (let n = 0; n < requests; n += 1) {
    const spacedMs = n === 0 ? atMs : (sent.at(-1) ?? atMs) + spacingMs
    if (n > 0) binds.perSecond ??= iso(spacedMs)
    atMs = spacedMs
    const hourAgo = sent[n - limits.perHourPerClient]
    if (hourAgo !== undefined && hourAgo + hourMs > atMs) {
      atMs = hourAgo + hourMs
      binds.perHour ??= iso(spacedMs)
    }
    if (atMs < dayEndsMs && ofDay >= limits.perDayPerClient) {
      binds.perDay ??= iso(atMs)
      atMs = dayEndsMs
    }
    while (atMs >= dayEndsMs) {
      dayEndsMs = nextLocal(limits.dayStartsAtLocal, dayEndsMs, timeZone)
      ofDay = 0
    }
    ofDay += 1
    sent.push(atMs)
  }
  return { requests, finishAt: iso(sent.at(-1) ?? now.getTime()), binds }
}

const iso = (atMs: number): string => new Date(atMs).toISOString()
