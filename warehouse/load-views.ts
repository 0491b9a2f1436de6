/** What forecasters read: load by the hour, now and as it was known; how readings changed, and how late they came. */
import { literal } from './columns.ts'
import { model } from './model.ts'
import { contentText, versionOrder } from './version-content.ts'
import type { MacroDefinition, ViewDefinition } from './view-definition.ts'
import { netBasis, netKwh, qualityGrade, qualityRank, rankClass, revenueCodes } from './view-expressions.ts'

/** Table expressions and facts of the manifest the views are made from. */
export interface LoadSources {
  readonly current: string
  readonly history: string
  /** Intervals in force at the moment `t`, as known then. */
  readonly standingThen: string
  readonly channel: string
  /** Channels known at `t`: from the commit on that brought their first interval; before, their absence was not missed. */
  readonly channelKnown: string
  readonly series: string
  readonly commits: string
  readonly timeZone: string
  /** When the newest commit became known, ISO. */
  readonly knownAt: string
}

/** Seconds after a full hour of UTC at which local hours begin: 0 but for zones like India's. */
function hourShiftS(timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(new Date(0))
  const [, minutes] = /:(\d\d)/.exec(parts.find((part) => part.type === 'timeZoneName')?.value ?? '') ?? []
  return ((60 - Number(minutes ?? 0)) % 60) * 60
}

const isIncomplete = 'n_intervals < expect_delivered + expect_received + expect_net'

const loadHourly = (hour: string): string =>
  model('view-load-hourly', {
    hour,
    net_kwh: netKwh,
    net_basis: netBasis,
    quality_class: rankClass('quality_rank'),
    quality_grade: qualityGrade(isIncomplete, 'quality_rank'),
  })

const loadSystemHourly = (hour: string): string =>
  model('view-load-system-hourly', {
    hour,
    net_kwh: netKwh,
    // a usage point that lacks a whole hour has no row of it: other hours of the day have more
    quality_grade: qualityGrade(
      `bool_or(${isIncomplete}) OR count(*) < max(count(*)) OVER (PARTITION BY local_date)`,
      'max(quality_rank)',
    ),
  })

/** mart.load_hourly, mart.load_system_hourly and their macros as of `t`, mart.revision_delta, mart.finality_daily, mart.latency_curve. */
export function loadViews(sources: LoadSources): {
  readonly views: readonly ViewDefinition[]
  readonly macros: readonly MacroDefinition[]
} {
  const { current, history, channel, series, commits } = sources
  const hourOf = (intervals: string, channels: string) =>
    model('view-hour', {
      current: intervals,
      series,
      channel: channels,
      quality_rank: qualityRank('v.quality'),
      hour_shift_s: hourShiftS(sources.timeZone),
    })
  const hour = hourOf(current, channel)
  const hourThen = hourOf(sources.standingThen, sources.channelKnown)
  const time_zone = literal(sources.timeZone)
  return {
    views: [
      {
        name: 'mart.load_hourly',
        query: loadHourly(hour),
        comment: 'one row per usage point and hour of electric energy; intervals longer than an hour are left out',
      },
      {
        name: 'mart.load_system_hourly',
        query: loadSystemHourly(hour),
        comment: 'one row per hour over all usage points',
      },
      {
        name: 'mart.revision_delta',
        query: model('view-revision-delta', {
          history,
          series,
          commits,
          time_zone,
          content: contentText,
          order: versionOrder(),
        }),
        comment: 'one row per interval: what it was when it first became known, what it is now, how often and how late',
      },
      {
        name: 'mart.finality_daily',
        query: model('view-finality-daily', {
          history,
          series,
          commits,
          time_zone,
          revenue_codes: revenueCodes,
          order_h: versionOrder('h.'),
        }),
        comment: 'one row per series and local day: since when its intervals have been of revenue quality',
      },
      {
        name: 'mart.latency_curve',
        query: model('view-latency-curve', {
          history,
          series,
          commits,
          time_zone,
          newest: literal(sources.knownAt),
          order: versionOrder(),
        }),
        comment: 'one row per local day and age D+1 … D+60 it has reached: how much of the day was known by then',
      },
    ],
    macros: [
      {
        name: 'mart.load_hourly_asof',
        parameter: 't',
        comment: 'mart.load_hourly as it was known at t',
        query: loadHourly(hourThen),
      },
      {
        name: 'mart.load_system_hourly_asof',
        parameter: 't',
        comment: 'mart.load_system_hourly as it was known at t',
        query: loadSystemHourly(hourThen),
      },
    ],
  }
}
