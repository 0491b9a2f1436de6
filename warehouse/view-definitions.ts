/** What views.duckdb holds: each view and macro as one query that names its files and no other view. */
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { billViews } from './bill-views.ts'
import { literal } from './columns.ts'
import { currentSource, source } from './current-source.ts'
import { dimensionVersions, type DimensionTable } from './dimension-content.ts'
import { loadViews } from './load-views.ts'
import { model } from './model.ts'
import { exactQuantity, restoredValue } from './packed-value.ts'
import { usagePointViews } from './usage-point-views.ts'
import type { MacroDefinition, ViewDefinition } from './view-definition.ts'
import { energyNullReason, qualityClassName, qualitySourceName, unitName } from './view-expressions.ts'
import { contentText, versionOrder } from './version-content.ts'
import { versionInForce } from './version-in-force.ts'

/** Amounts of 1e-5 currency as exact decimals in units of the currency. */
const money = (row: string, names: readonly string[]) =>
  names.map((name) => `, ${row}.${name}::DECIMAL(15,0) * 0.00001::DECIMAL(5,5) AS ${name}_in_currency`).join('')

/** All views and macros of a manifest. `locate` gives the absolute path of a file of the lake. */
export function viewDefinitions(
  manifest: Manifest,
  locate: (path: string) => string,
): { readonly views: readonly ViewDefinition[]; readonly macros: readonly MacroDefinition[] } {
  const grown = (table: keyof Manifest['tables']) => source(manifest.tables[table], table, locate)
  const current = currentSource(manifest, locate)
  const history = source(manifest.history, 'history', locate)
  const commits = `SELECT DISTINCT commit_id, known_at FROM ${grown('load')}`
  const series = `SELECT series_key, min(usage_point_id) AS usage_point_id, min(meter_reading_id) AS meter_reading_id
    FROM ${grown('meter_reading')} GROUP BY series_key`

  const interval = (from: string, value: string, more = '') =>
    model('view-interval', {
      source: from,
      series,
      commits,
      value,
      quantity: exactQuantity(value === 'v.value' ? value : `(${value})`, 'v.power_of_ten'),
      unit: unitName('v.uom'),
      quality_source: qualitySourceName('v.quality_source'),
      quality_class: qualityClassName('v.quality'),
      energy_null_reason: energyNullReason('v.energy_rule'),
      more,
    })
  const versionsWhere = (condition: string) =>
    model('history-at', { history, commits, condition, content: contentText, order: versionOrder() })
  const asIt = (condition: string) => `${interval(versionsWhere(condition), 'v.value')} WHERE NOT v.superseded`
  const isKnown = 'k.known_at <= t::TIMESTAMPTZ'
  const inForce = (table: DimensionTable, more = '') =>
    versionInForce(dimensionVersions(table, grown(table)), commits, more)
  const load = loadViews({
    current,
    history,
    known: versionsWhere(isKnown),
    channel: grown('channel'),
    series,
    commits,
    timeZone: manifest.timeZone,
    knownAt: manifest.knownAt,
  })

  const views: ViewDefinition[] = [
    {
      name: 'core.interval',
      query: interval(current, restoredValue('v')),
      comment: 'one row per current interval',
      table: tables.current,
    },
    {
      name: 'core.interval_version',
      query: interval(history, 'v.value', ', v.byte_offset, v.superseded'),
      comment: 'every version of every interval, and the rows that withdraw one',
      table: tables.history,
    },
    ...load.views,
    ...usagePointViews({
      usage_points: grown('usage_point'),
      summaries: grown('usage_summary'),
      agreements: grown('usage_point_agreement'),
      places: grown('usage_point_place'),
      commits,
    }),
    {
      name: 'core.reading_type',
      query: inForce('reading_type'),
      comment: 'ReadingTypes, the version in force',
      table: tables.reading_type,
    },
    {
      name: 'core.tou_code',
      query: inForce('tou_code'),
      comment: 'codes of the feed and their names, the version in force',
      table: tables.tou_code,
    },
    {
      name: 'core.usage_summary',
      query: inForce('usage_summary', money('v', ['bill_last_period', 'bill_to_date', 'cost_additional_last_period'])),
      comment: 'bills, the version in force',
      table: tables.usage_summary,
    },
    {
      name: 'core.usage_summary_line',
      query: model('view-usage-summary-line', {
        summaries: inForce('usage_summary'),
        lines: grown('usage_summary_line'),
        commits,
        more: money('l', ['amount', 'rounding', 'unit_cost']),
      }),
      comment: 'line items of the bills in force',
      table: tables.usage_summary_line,
    },
    {
      name: 'core.authorization',
      query: `SELECT * EXCLUDE (commit_id) FROM ${grown('authorization')}
        QUALIFY row_number() OVER (PARTITION BY authorization_id ORDER BY observed_at DESC, commit_id DESC) = 1`,
      comment: 'Authorizations as the custodian last told them; versions in core.authorization_version',
      table: tables.authorization,
    },
    {
      name: 'core.authorization_version',
      query: `SELECT * FROM ${grown('authorization')}`,
      comment: 'every version of every Authorization',
      table: tables.authorization,
    },
    ...billViews({
      summaries: grown('usage_summary'),
      summaries_in_force: inForce('usage_summary'),
      current,
      history,
      channel: grown('channel'),
      series,
      commits,
      reading_types: inForce('reading_type'),
    }),
    ...(['load', 'quarantine', 'drift', 'notification'] as const).map((table) => ({
      name: `ops.${table}`,
      query: `SELECT * FROM ${grown(table)}`,
      comment: tables[table].metadata.get('grain') ?? '',
      table: tables[table],
    })),
    {
      name: 'ops.request',
      query: `SELECT * FROM ${grown('request')}
        QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY changed_at DESC, commit_id DESC) = 1`,
      comment: tables.request.metadata.get('grain') ?? '',
      table: tables.request,
    },
    {
      name: 'ops.lake',
      query: `SELECT ${manifest.n}::BIGINT AS manifest, TIMESTAMPTZ ${literal(manifest.knownAt)} AS known_at,
        ${literal(manifest.timeZone)} AS time_zone, ${literal(manifest.meterlake)} AS meterlake,
        ${literal(locate(''))} AS root`,
      comment: 'what these views were made from',
    },
  ]
  const macros: MacroDefinition[] = [
    { name: 'core.interval_asof', parameter: 't', query: asIt(isKnown) },
    {
      name: 'core.interval_as_published',
      parameter: 't',
      query: asIt('(h.published_at IS NULL OR h.published_at <= t::TIMESTAMPTZ)'),
    },
    ...load.macros,
  ]
  return { views, macros }
}
