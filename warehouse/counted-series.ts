/**
 * Several ids of one series, counted once. Sources of readings for the views: `series_key` becomes the key of the series they are
 * counted as, `sent_series_key` is their own; of readings of one start the newest publication counts. Where the lake has no alias,
 * sources stay as they are.
 */
import type { CurrentFile, Manifest } from '../schemas/manifest.ts'

export interface CountedSeries {
  /** True: sources are changed, and have `sent_series_key`. */
  readonly isChanged: boolean
  /** Every version of every id, under the series it is counted as. */
  readonly versions: (history: string) => string
  /** Readings in force as the files of days hold them. `of`: the expression over files. */
  readonly current: (files: readonly CurrentFile[], of: (files: readonly CurrentFile[]) => string) => string
  /** Readings in force of each id at a moment, reduced to those that count. */
  readonly standing: (intervals: string) => string
}

/** Which of several readings of one start counts, the first. The same for files of days and for versions. */
const newestFirst = (row: string, key = 'series_key'): string =>
  `${row}.published_at DESC NULLS LAST, ${row}.commit_id DESC, ${row}.load_id DESC, ${row}.${key} DESC`

/** `aliases`: rows of the table `alias`, as a table expression. */
export function countedSeries(
  { tables, sharedDays }: Pick<Manifest, 'tables' | 'sharedDays'>,
  aliases: string,
): CountedSeries {
  if (tables.alias.length === 0)
    return {
      isChanged: false,
      versions: (history) => history,
      current: (files, of) => of(files),
      standing: (intervals) => intervals,
    }
  const alias = aliasesInForce(aliases)
  const named = (
    source: string,
  ) => `SELECT s.* EXCLUDE (series_key), coalesce(x.canonical_series_key, s.series_key) AS series_key,
    s.series_key AS sent_series_key FROM ${source} s LEFT JOIN (${alias}) x ON x.series_key = s.series_key`
  const shared = new Set(sharedDays)
  return {
    isChanged: true,
    versions: (history) => `(${named(history)})`,
    standing: (intervals) => `(SELECT * FROM (${named(intervals)}) s
      QUALIFY row_number() OVER (PARTITION BY s.local_date, s.series_key, s.start_at ORDER BY ${newestFirst('s', 'sent_series_key')}) = 1)`,
    current: (files, of) => {
      const days = files.filter(({ dt }) => shared.has(dt))
      if (shared.size === 0) return `(${named(of(files))})`
      // only those days are looked at twice, and of them only the series that have several ids
      return `(SELECT s.* FROM (${named(of(files))}) s ANTI JOIN (
        SELECT local_date, series_key, start_at FROM (
          SELECT d.local_date, d.series_key, d.start_at,
            row_number() OVER (PARTITION BY d.local_date, i.canonical_series_key, d.start_at ORDER BY ${newestFirst('d')}) AS place
          FROM ${of(days)} d JOIN (
            SELECT series_key, canonical_series_key FROM (${alias}) a
            UNION SELECT canonical_series_key, canonical_series_key FROM (${alias}) b
          ) i ON i.series_key = d.series_key
        ) e WHERE place > 1
      ) l ON l.local_date = s.local_date AND l.series_key = s.sent_series_key AND l.start_at = s.start_at)`
    },
  }
}

/** Query of the series that are counted as others: series_key, canonical_series_key and what the table says of each. */
export const aliasesInForce = (aliases: string): string =>
  `SELECT * FROM (
    SELECT * FROM ${aliases} QUALIFY row_number() OVER (PARTITION BY series_key ORDER BY commit_id DESC) = 1
  ) WHERE canonical_series_key <> series_key`
