/** core.alias and ops.series_pair: which series are counted as which, and the pairs this was judged of. */
import { tables } from '../schemas/tables.ts'
import { aliasesInForce } from './counted-series.ts'
import type { ViewDefinition } from './view-definition.ts'

/** Table expressions: the files of both tables; series with their usage point and MeterReading id. */
export interface AliasSources {
  readonly aliases: string
  readonly pairs: string
  readonly series: string
}

export const aliasViews = ({ aliases, pairs, series }: AliasSources): readonly ViewDefinition[] => [
  {
    name: 'core.alias',
    query: `SELECT a.series_key, s.meter_reading_id, a.canonical_series_key, c.meter_reading_id AS canonical_meter_reading_id,
        a.usage_point_id, a.decided_by, a.known_at
      FROM (${aliasesInForce(aliases)}) a
      LEFT JOIN (${series}) s ON s.series_key = a.series_key LEFT JOIN (${series}) c ON c.series_key = a.canonical_series_key`,
    comment: 'series that are counted as another one: several ids of one channel',
    table: tables.alias,
  },
  {
    name: 'ops.series_pair',
    query: `SELECT p.* EXCLUDE (commit_id), s.meter_reading_id, o.meter_reading_id AS other_meter_reading_id,
        coalesce(a.canonical_series_key, p.series_key) = coalesce(b.canonical_series_key, p.other_series_key) AS is_joined,
        p.decided IS NULL AND (p.verdict = 'ambiguous' OR p.verdict = 'one'
          AND coalesce(a.canonical_series_key, p.series_key) <> coalesce(b.canonical_series_key, p.other_series_key)) AS is_open
      FROM (
        SELECT * FROM ${pairs} QUALIFY row_number() OVER (PARTITION BY series_key, other_series_key ORDER BY commit_id DESC) = 1
      ) p
      LEFT JOIN (${series}) s ON s.series_key = p.series_key LEFT JOIN (${series}) o ON o.series_key = p.other_series_key
      LEFT JOIN (${aliasesInForce(aliases)}) a ON a.series_key = p.series_key
      LEFT JOIN (${aliasesInForce(aliases)}) b ON b.series_key = p.other_series_key`,
    comment: 'every two series of a usage point that mean the same, and whether they are one',
    table: tables.series_pair,
  },
]
