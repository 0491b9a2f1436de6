/** What a backfill will ask for, when each limit binds, when it can be through: pure. */
import { forecastRequests, type Forecast } from '../custodian/limit-forecast.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { Profile } from '../schemas/profile.ts'
import { monthWindows, unsettled, widened } from '../workflows/request-windows.ts'

/** A range is answered with two files, electric and gas (domain.md 3). */
const filesPerRequest = 2

/** Until a package is ready: minutes for one home, not known for a CCA; the plan says what it assumes. */
const readyAfterMs = 600_000

export interface BackfillPlan {
  /** As they will be asked for, in order; those that earlier runs have settled are left out. */
  readonly windows: readonly DayWindow[]
  readonly settled: number
  /** Requests for packages and the downloads of their files. */
  readonly forecast: Forecast
  /** By the limits, or by the waiting for packages, whichever is later. */
  readonly finishAt: string
  readonly assumes: { readonly filesPerRequest: number; readonly readyAfterMinutes: number }
}

export interface BackfillPlanInput {
  readonly range: DayWindow
  readonly monthsPerRequest: number
  readonly inFlight: number
  readonly settled: readonly DayWindow[]
  readonly profile: Pick<Profile, 'limits' | 'timeZone'>
  readonly now: Date
}

export function planBackfill({
  range,
  monthsPerRequest,
  inFlight,
  settled,
  profile,
  now,
}: BackfillPlanInput): BackfillPlan {
  const all = monthWindows(range, monthsPerRequest)
  const open = unsettled(all, settled)
  const forecast = forecastRequests(open.length * (1 + filesPerRequest), profile, now)
  const waitedMs = now.getTime() + Math.ceil(open.length / inFlight) * readyAfterMs
  return {
    windows: open.map((window) => widened(window, 'published')),
    settled: all.filter((window) => !open.some(({ from, to }) => window.from <= from && to <= window.to)).length,
    forecast,
    finishAt: new Date(Math.max(waitedMs, Date.parse(forecast.finishAt))).toISOString(),
    assumes: { filesPerRequest, readyAfterMinutes: readyAfterMs / 60_000 },
  }
}
