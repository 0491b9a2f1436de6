/** What views.duckdb holds: each view and macro as one query that names its files and no other view. */
import type { Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { aliasViews } from './alias-views.ts'
import { type CountedSeries, countedSeries } from './counted-series.ts'
import { billViews } from './bill-views.ts'
import { literal } from './columns.ts'
import { completenessViews } from './completeness-views.ts'
import { dimensionVersions, type DimensionTable } from './dimension-content.ts'
import { dimensionViews } from './dimension-views.ts'
import { currentSource, type Locate, tableSource } from './lake-source.ts'
import { loadViews } from './load-views.ts'
import { model } from './model.ts'
import { exactQuantity, restoredValue } from './packed-value.ts'
import type { MacroDefinition, ViewDefinition } from './view-definition.ts'
import { energyNullReason, qualityClassName, qualitySourceName, unitName } from './view-expressions.ts'
import { contentText, versionOrder } from './version-content.ts'
import { versionInForce } from './version-in-force.ts'

/** All views and macros of a manifest. `locate` gives the absolute path of a file of the lake. */
export function viewDefinitions(
  manifest: Manifest,
  locate: Locate,
): { readonly views: readonly ViewDefinition[]; readonly macros: readonly MacroDefinition[] } {
  const grown = (table: keyof Manifest['tables']) => tableSource(manifest.tables[table], table, locate)
  const commits = `SELECT DISTINCT commit_id, known_at FROM ${grown('load')}`
  const series = `SELECT series_key, min(usage_point_id) AS usage_point_id, min(meter_reading_id) AS meter_reading_id
    FROM ${grown('meter_reading')} GROUP BY series_key`
  const counted = countedSeries(manifest, grown('alias'))
  const current = counted.current(manifest.current.files, (files) => currentSource(files, manifest.overlay, locate))
  const sent = tableSource(manifest.history, 'history', locate)
  const history = counted.versions(sent)

  const interval = (from: string, value: string, more = '') =>
    model('view-interval', {
      source: from,
      series,
      commits,
      series_key: counted.isChanged ? 'sent_series_key' : 'series_key',
      value,
      quantity: exactQuantity(value === 'v.value' ? value : `(${value})`, 'v.power_of_ten'),
      unit: unitName('v.uom'),
      quality_source: qualitySourceName('v.quality_source'),
      quality_class: qualityClassName('v.quality'),
      energy_null_reason: energyNullReason('v.energy_rule'),
      more,
    })
  const isKnown = 'k.known_at <= t::TIMESTAMPTZ'
  const requests = `SELECT * FROM ${grown('request')}
    QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY changed_at DESC, commit_id DESC) = 1`
  const versionsWhere = (condition: string) =>
    model('history-at', { history: sent, commits, condition, content: contentText, order: versionOrder() })
  const standing = (condition: string, aliases: CountedSeries) =>
    aliases.standing(`(SELECT * FROM ${versionsWhere(condition)} WHERE NOT superseded)`)
  const inForce = (table: DimensionTable) => versionInForce(dimensionVersions(table, grown(table)), commits)
  // by the commit of each row, so that what came later tells nothing of what was known before
  const known = (rows: string) =>
    `(SELECT n.* FROM ${rows} n JOIN (${commits}) k ON k.commit_id = n.commit_id WHERE ${isKnown})`
  const dimension = dimensionViews(grown, known, commits)
  const countedThen = countedSeries(manifest, `(SELECT * FROM ${grown('alias')} WHERE known_at <= t::TIMESTAMPTZ)`)
  const standingThen = standing(isKnown, countedThen)
  const load = loadViews({
    current,
    history,
    standingThen,
    channel: grown('channel'),
    channelKnown: known(grown('channel')),
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
    ...dimension.views,
    ...aliasViews({ aliases: grown('alias'), pairs: grown('series_pair'), series }),
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
    ...completenessViews(manifest, {
      current,
      history,
      receipts: counted.versions(tableSource(manifest.receipts, 'receipt', locate)),
      channel: counted.versions(grown('channel')),
      meter_readings: inForce('meter_reading'),
      reading_types: inForce('reading_type'),
      agreements: grown('usage_point_agreement'),
      requests: `(${requests})`,
      roster: grown('roster'),
      commits,
    }),
    ...(['load', 'quarantine', 'drift', 'notification'] as const).map((table) => ({
      name: `ops.${table}`,
      query: `SELECT * FROM ${grown(table)}`,
      comment: tables[table].metadata.get('grain') ?? '',
      table: tables[table],
    })),
    {
      name: 'ops.request',
      query: requests,
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
    {
      name: 'core.interval_asof',
      parameter: 't',
      comment: 'core.interval as it was known at t',
      query: interval(standingThen, 'v.value'),
    },
    {
      name: 'core.interval_as_published',
      parameter: 't',
      comment: 'core.interval as the utility had published it at t',
      query: interval(standing('(h.published_at IS NULL OR h.published_at <= t::TIMESTAMPTZ)', counted), 'v.value'),
    },
    ...load.macros,
    ...dimension.macros,
  ]
  return { views, macros }
}
