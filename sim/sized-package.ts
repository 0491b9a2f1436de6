/** Packages of about so many bytes, for benches: the daily form (many meters, one day) and the backfill form (long history). */
import { createFleet } from './fleet.ts'
import { dailyPackage, type FeedPackage, historyPackage } from './package.ts'
import { dayOfIso, isoOfDay } from './pacific-day.ts'
import { renderFeed } from './render-feed.ts'

export type FeedForm = 'daily' | 'backfill'

interface SizedFeed {
  readonly form: FeedForm
  /** Wished size of the electric feed in bytes. */
  readonly bytes: number
  readonly seed?: number
  /** Operating day, or last day of the history; default 2025-11-03, the day after the clock was put back. */
  readonly day?: string
}

/** Usage points until the kinds of the fleet repeat. */
const cycle = 20
/** A backfill reaches so far back before it takes more meters. */
const longest_days = 730

/** The package whose electric feed comes within a few percent of `bytes`. */
export function sizedPackage({ form, bytes, seed = 1, day = '2025-11-03' }: SizedFeed): FeedPackage {
  const sample = createFleet({ seed, meters: cycle })
  if (form === 'daily') {
    const perCycle = electricLength(dailyPackage(sample, day, { onlyDay: true }))
    const meters = Math.max(1, Math.round((bytes / perCycle) * cycle))
    return dailyPackage(createFleet({ seed, meters }), day, { onlyDay: true })
  }
  const last = dayOfIso(day)
  const perCycleDay = electricLength(historyPackage(sample, isoOfDay(last - 29), day)) / 30
  const cycles = Math.max(1, Math.ceil(bytes / perCycleDay / longest_days))
  const days = Math.max(1, Math.round(bytes / perCycleDay / cycles))
  return historyPackage(createFleet({ seed, meters: cycles * cycle }), isoOfDay(last - days + 1), day)
}

function electricLength(feedPackage: FeedPackage): number {
  let length = 0
  for (const chunk of renderFeed(feedPackage, 'electricity')) length += chunk.length
  return length
}
