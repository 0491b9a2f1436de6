/**
 * Series that are one under several ids: the utility re-encodes MeterReading ids (June 2024), or an agreement changes. Judged when a
 * commit brings a new series beside one that means the same, and again where both of a known pair may have readings of one start.
 */
import { demandKinds, registerAccumulations } from '../schemas/espi-codes.ts'
import type { Manifest } from '../schemas/manifest.ts'
import type { StagedAlias } from '../schemas/stage.ts'
import { literal } from './columns.ts'
import { type CommitSession, readTable } from './commit-session.ts'
import { appendTable } from './growing-table.ts'
import { insertRows } from './insert-rows.ts'
import { currentSource } from './lake-source.ts'
import { model } from './model.ts'
import { integerOf, textOf } from './row-values.ts'

/** Readings that were published within this time of each other were published together, whatever files they came in. */
const togetherS = 12 * 3600

/** Order of versions, the newest first. */
const newest = 'published_at DESC NULLS LAST, commit_id DESC, load_id DESC, byte_offset DESC'

export interface SettledAliases {
  readonly tables: Pick<Manifest['tables'], 'alias' | 'series_pair'>
  readonly sharedDays: readonly string[]
}

/**
 * Judges what is to be judged and appends what changed; rows for an operator go to `attention`. Reads `series_first`, `new_channel`,
 * `all_*`. `after`: what is current after this commit; `touched`: local days it brought readings of.
 */
export async function settleAliases(
  session: CommitSession,
  decisions: readonly StagedAlias[],
  after: Pick<Manifest, 'current' | 'overlay'>,
  touched: ReadonlySet<string>,
  knownAt: string,
): Promise<SettledAliases> {
  const { db, parent, lake, n } = session
  const { alias, series_pair } = parent.tables
  const unchanged = { tables: { alias, series_pair }, sharedDays: parent.sharedDays }
  const [fresh] = await db.rows('SELECT count(*)::INTEGER AS n FROM new_channel WHERE is_new')
  if (integerOf(fresh, 'n') === 0 && series_pair.length === 0 && decisions.length === 0) return unchanged
  await registerDecisions(session, decisions)
  const rowsOf = (table: 'alias' | 'series_pair' | 'channel') => readTable(lake, parent, table)
  await db.run(
    model('pair-look', {
      pairs: rowsOf('series_pair'),
      channel: rowsOf('channel'),
      newest,
      demand_kinds: demandKinds.join(', '),
      registers: registerAccumulations.join(', '),
    }),
  )
  const [looked] = await db.rows('SELECT count(*)::INTEGER AS n FROM looked_pair')
  if (integerOf(looked, 'n') === 0) return unchanged
  const from = await firstDay(session)
  const days = after.current.files.filter(({ dt }) => dt >= from || touched.has(dt))
  const intervals = `FROM ${currentSource(days, after.overlay, (path) => lake.locate(path))}`
  await db.run(model('pair-evidence', { intervals, together_s: togetherS }))
  await db.run(model('alias-change', { alias: rowsOf('alias'), newest, commit: n }))
  const known = `${n}::BIGINT AS commit_id, ${literal(knownAt)}::TIMESTAMPTZ AS known_at`
  const sharedDays = await db.rows(
    `SELECT DISTINCT local_date::VARCHAR AS dt FROM shared_day
     SEMI JOIN (SELECT * FROM judged_pair WHERE verdict = 'one') USING (series_key, other_series_key)`,
  )
  return {
    tables: {
      alias: await appendTable(
        session,
        'alias',
        `SELECT *, ${known} FROM settled_alias WHERE canonical_series_key <> canonical_before ORDER BY series_key`,
      ),
      series_pair: await appendTable(
        session,
        'series_pair',
        `SELECT *, ${known} FROM judged_pair ORDER BY series_key, other_series_key`,
        'QUALIFY row_number() OVER (PARTITION BY series_key, other_series_key ORDER BY commit_id DESC) = 1',
      ),
    },
    sharedDays: [...new Set([...parent.sharedDays, ...sharedDays.map((row) => textOf(row, 'dt'))])].sort(),
  }
}

/** The table `decision`: of each pair the last. */
async function registerDecisions({ db }: CommitSession, decisions: readonly StagedAlias[]): Promise<void> {
  await db.run(`CREATE OR REPLACE TEMP TABLE decision (
    series_key BIGINT, other_series_key BIGINT, usage_point_id VARCHAR, decided VARCHAR, decided_at TIMESTAMPTZ)`)
  const last = new Map(decisions.map((one) => [`${one.seriesKey} ${one.otherSeriesKey}`, one]))
  const rows = [...last.values()].map(({ seriesKey, otherSeriesKey, usagePointId, decided, decidedAt }) => {
    const verdict = decided === null ? 'NULL' : literal(decided)
    return `(${seriesKey}, ${otherSeriesKey}, ${literal(usagePointId)}, ${verdict}, ${literal(decidedAt)}::TIMESTAMPTZ)`
  })
  await insertRows(db, 'decision', rows)
}

/** The local day from which on readings of the pairs looked at as a whole may stand beside each other; far away where there are none. */
async function firstDay({ db, timeZone }: CommitSession): Promise<string> {
  const [row] = await db.rows(
    `SELECT coalesce(min(timezone(${literal(timeZone)}, begins_at)::DATE)::VARCHAR, '9999-12-31') AS dt FROM looked_pair WHERE is_whole`,
  )
  return textOf(row, 'dt')
}
