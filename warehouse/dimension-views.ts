/** What describes the feed, as views of the versions in force now, and as macros of those that were in force as known at `t`. */
import { tables } from '../schemas/tables.ts'
import { type DimensionTable, dimensionVersions } from './dimension-content.ts'
import { model } from './model.ts'
import { usagePointViews } from './usage-point-views.ts'
import { versionInForce } from './version-in-force.ts'
import type { MacroDefinition, ViewDefinition } from './view-definition.ts'

/** Tables the views are made from. */
export type DescribingTable = DimensionTable | 'usage_summary_line' | 'usage_point_agreement' | 'usage_point_place'

/** Amounts of 1e-5 currency as exact decimals in units of the currency. */
const money = (row: string, names: readonly string[]) =>
  names.map((name) => `, ${row}.${name}::DECIMAL(15,0) * 0.00001::DECIMAL(5,5) AS ${name}_in_currency`).join('')

function viewsOf(rowsOf: (table: DescribingTable) => string, commits: string): readonly ViewDefinition[] {
  const inForce = (table: DimensionTable, more = '') =>
    versionInForce(dimensionVersions(table, rowsOf(table)), commits, more)
  return [
    ...usagePointViews({
      usage_points: rowsOf('usage_point'),
      summaries: rowsOf('usage_summary'),
      agreements: rowsOf('usage_point_agreement'),
      places: rowsOf('usage_point_place'),
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
        lines: rowsOf('usage_summary_line'),
        commits,
        more: money('l', ['amount', 'rounding', 'unit_cost']),
      }),
      comment: 'line items of the bills in force',
      table: tables.usage_summary_line,
    },
  ]
}

/**
 * core.usage_point, core.usage_point_attribute, core.reading_type, core.tou_code, core.usage_summary, core.usage_summary_line, and for
 * each a macro `…_asof(t)` with the same columns. `rowsOf`: the files of a table; `known` narrows a table to what was known at `t`.
 */
export function dimensionViews(
  rowsOf: (table: DescribingTable) => string,
  known: (source: string) => string,
  commits: string,
): { readonly views: readonly ViewDefinition[]; readonly macros: readonly MacroDefinition[] } {
  return {
    views: viewsOf(rowsOf, commits),
    macros: viewsOf((table) => known(rowsOf(table)), commits).map(({ name, query, comment }) => ({
      name: `${name}_asof`,
      parameter: 't',
      query,
      comment: `${comment}, as known at t`,
    })),
  }
}
