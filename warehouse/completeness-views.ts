/** Who should have data and what is missing: mart.completeness_daily, mart.gap, ref.roster. */
import { dayCount } from '../schemas/calendar-day.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { literal } from './columns.ts'
import { model } from './model.ts'
import { versionColumns } from './versioned-table.ts'
import { versionInForce } from './version-in-force.ts'
import type { ViewDefinition } from './view-definition.ts'
import { classColumns, classCounts, qualityGrade, qualityRank } from './view-expressions.ts'

/** Table expressions: the files of each table; commits with their known_at. */
export interface CompletenessSources {
  readonly current: string
  readonly history: string
  readonly receipts: string
  readonly channel: string
  /** MeterReadings and ReadingTypes, the version in force. */
  readonly meter_readings: string
  readonly reading_types: string
  readonly agreements: string
  readonly requests: string
  readonly roster: string
  readonly commits: string
}

/** Days of silence that history expects nothing in: more than a billing period, by whose end gaps are repaired. */
const silentDays = 35
/** Readings of before are mistakes. */
const earliestDay = '2000-01-01'
/** A day of the lake holds at least this share of the rows of its fullest day; days of before hold corrections. */
const fullShare = 0.1
const noDay = '1970-01-01'

/** Local days the lake has readings of, those of the future aside: the earliest, the first that is no mere correction, the newest. */
function operatingDays({ current, knownAt, timeZone }: Manifest) {
  const today = new Intl.DateTimeFormat('en-CA', { timeZone }).format(new Date(knownAt))
  const rows = new Map<string, number>()
  for (const file of current.files)
    if (file.rows > 0 && file.dt >= earliestDay && file.dt <= today)
      rows.set(file.dt, (rows.get(file.dt) ?? 0) + file.rows)
  const days = [...rows.keys()].sort()
  const fullest = [...rows.values()].reduce((most, n) => Math.max(most, n), 0)
  const [earliest = noDay] = days
  const first = days.find((dt) => (rows.get(dt) ?? 0) >= fullest * fullShare) ?? noDay
  const newest = days.at(-1) ?? noDay
  return { earliest, first, newest, count: days.length === 0 ? 0 : dayCount({ from: earliest, to: newest }) }
}

/** The views. `manifest` says which days there are, and whether there is a roster. */
export function completenessViews(manifest: Manifest, sources: CompletenessSources): readonly ViewDefinition[] {
  const { current, roster, receipts, channel, agreements, commits } = sources
  const { earliest, first, newest, count } = operatingDays(manifest)
  const time_zone = literal(manifest.timeZone)
  const secondOf = (day: string) => `(epoch_us(timezone(${time_zone}, ${day}::TIMESTAMP)) // 1000000)`
  const facts = {
    time_zone,
    earliest_day: literal(earliest),
    first_day: literal(first),
    newest_day: literal(newest),
    n_days: count,
    begin_s: secondOf(`DATE ${literal(first)}`),
    end_s: secondOf(`(DATE ${literal(newest)} + 1)`),
    silent_days: silentDays,
  }
  const series = model('completeness-series', { ...sources })
  const calendar = model('completeness-calendar', facts)
  const roster_in_force = model('roster-in-force', { roster })
  const spells = model('roster-spells', { time_zone, roster_in_force })
  const hasRoster = manifest.tables.roster.length > 0
  const planned = hasRoster ? model('completeness-planned', { ...facts, spells }) : 'FROM by_history'
  const agreement_end = model('agreement-end', {
    agreements,
    agreement: versionInForce({ source: agreements, ...versionColumns('usage_point_agreement') }, commits),
  })
  const window = model('completeness-window', { ...facts, receipts, series, planned, agreement_end })
  const dayOf = (windows: string, seriesOf: string, counted: string) =>
    model('completeness-day', {
      current,
      calendar,
      window: windows,
      series: seriesOf,
      counted,
      class_sums: classSums,
      class_zeros: classColumns.map((name) => `0 AS ${name}`).join(', '),
      class_names: classColumns.map((name) => `v.${name}`).join(', '),
      class_counts: classCounts('quality'),
      quality_rank: qualityRank('quality'),
    })
  const late = model('gap-late', {
    ...facts,
    receipts,
    channel,
    commits,
    series: 'FROM series',
    roster_known: hasRoster ? model('gap-roster-known', { roster }) : '',
  })
  return [
    {
      name: 'mart.completeness_daily',
      query: model('view-completeness-daily', {
        day: dayOf(window, series, 'w.reason IS NULL'),
        class_sums: classSums,
        quality_grade: qualityGrade('sum(n_missing) > 0', 'max(quality_rank)'),
      }),
      comment:
        'one row per usage point, flow direction, unit and local day: intervals expected, there and missing; expected_by says who expects them',
    },
    {
      name: 'mart.gap',
      query: model('view-gap', {
        ...sources,
        time_zone,
        calendar,
        window,
        series,
        day: dayOf('FROM piece', 'FROM series', 'true'),
        filled: model('gap-filled', { ...sources, late }),
      }),
      comment:
        'one row per run of intervals that are missing (open, explained), or were when the day after had ended (filled)',
    },
    {
      name: 'ref.roster',
      query: model('view-roster', { ...facts, receipts, series, roster_in_force, agreement_end }),
      comment: 'who should have data, and when: the roster in force; mart.completeness_daily compares',
      table: tables.roster,
    },
    {
      name: 'ref.roster_version',
      query: `SELECT * FROM ${roster}`,
      comment: 'every row of every roster that was imported',
      table: tables.roster,
    },
  ]
}

const classSums = classColumns.map((name) => `sum(${name})::BIGINT AS ${name}`).join(', ')
