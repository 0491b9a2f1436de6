/** What a vendor may send, as the custodian itself counts it where requests arrive; what was too much is counted, and refused if wished. */
import { dayOfIso, isoOfDay, localDayOf, startOfDay_s } from './pacific-day.ts'

export interface SimulatedLimits {
  /** Least distance of two requests of the vendor, over all clients. Default 1000. */
  readonly spacingMs?: number
  /** Requests of a client in any window of `hourMs`. Default 2000. */
  readonly perHour?: number
  /** Default 3,600,000. */
  readonly hourMs?: number
  /** Requests of a client in a day. Default 20,000. */
  readonly perDay?: number
  /** Hour (Pacific) at which a day starts. Default 17. */
  readonly dayStartsAtHour?: number
  /** Answer what is too much with 429 and Retry-After; else it is only counted. Default false. */
  readonly enforce?: boolean
}

export interface LimitCounts {
  readonly requests: number
  /** Requests that came too soon after another, over an hour's and over a day's number. */
  readonly violations: { readonly spacing: number; readonly hour: number; readonly day: number }
  /** Shortest distance of two requests so far. */
  readonly shortestGapMs: number | null
  readonly firstAt_ms: number | null
  readonly lastAt_ms: number | null
  readonly clients: Readonly<Record<string, { readonly requests: number; readonly hour: number; readonly day: number }>>
}

export interface LimitMeter {
  /** Counts an arrival; the seconds to wait where it is refused. */
  arrive(client: string, at_ms: number): number | undefined
  counts(now_ms: number): LimitCounts
}

interface ClientMeter {
  requests: number
  /** Arrivals of the last hour, ascending. */
  readonly hour: number[]
  readonly days: Map<string, number>
}

export function createLimitMeter(limits: SimulatedLimits = {}): LimitMeter {
  const { spacingMs = 1_000, perHour = 2_000, hourMs = 3_600_000, perDay = 20_000 } = limits
  const { dayStartsAtHour = 17, enforce = false } = limits
  const clients = new Map<string, ClientMeter>()
  const violations = { spacing: 0, hour: 0, day: 0 }
  let requests = 0
  let first: number | null = null
  let last: number | null = null
  let shortest: number | null = null

  /** The day is named by the date it starts on. */
  const dayAt = (at_ms: number): string => {
    const today = isoOfDay(localDayOf(at_ms / 1000))
    return at_ms >= startAt_ms(today) ? today : isoOfDay(dayOfIso(today) - 1)
  }
  // The clock is never changed between noon and midnight: counted back from the next midnight.
  const startAt_ms = (date: string): number => (startOfDay_s(dayOfIso(date) + 1) - (24 - dayStartsAtHour) * 3600) * 1000

  return {
    arrive(client, at_ms) {
      const meter = clients.get(client) ?? { requests: 0, hour: [], days: new Map<string, number>() }
      clients.set(client, meter)
      const gap = last === null ? null : at_ms - last
      while ((meter.hour[0] ?? at_ms) <= at_ms - hourMs) meter.hour.shift()
      meter.hour.push(at_ms)
      const day = dayAt(at_ms)
      const inDay = (meter.days.get(day) ?? 0) + 1
      meter.days.set(day, inDay)
      meter.requests += 1
      requests += 1
      first ??= at_ms
      last = at_ms
      if (gap !== null) shortest = Math.min(shortest ?? gap, gap)
      const broken = {
        spacing: gap !== null && gap < spacingMs,
        hour: meter.hour.length > perHour,
        day: inDay > perDay,
      }
      for (const limit of ['spacing', 'hour', 'day'] as const) if (broken[limit]) violations[limit] += 1
      if (!enforce || !Object.values(broken).includes(true)) return undefined
      if (broken.day) return Math.ceil((startAt_ms(isoOfDay(dayOfIso(day) + 1)) - at_ms) / 1000)
      if (broken.hour) return Math.ceil(((meter.hour.at(-perHour) ?? at_ms) + hourMs - at_ms) / 1000)
      return Math.ceil(spacingMs / 1000)
    },
    counts: (now_ms) => ({
      requests,
      violations: { ...violations },
      shortestGapMs: shortest,
      firstAt_ms: first,
      lastAt_ms: last,
      clients: Object.fromEntries(
        [...clients].map(([client, { requests: all, hour, days }]) => [
          client,
          {
            requests: all,
            hour: hour.filter((at) => at > now_ms - hourMs).length,
            day: days.get(dayAt(now_ms)) ?? 0,
          },
        ]),
      ),
    }),
  }
}
