/** One batch of units merged: arrivals against what is known, new rows of history, changed rows of current. */
import { addDays } from '../schemas/calendar-day.ts'
import type { CurrentFile } from '../schemas/manifest.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { tables } from '../schemas/tables.ts'
import { columnList, emptySelect, literal } from './columns.ts'
import { type CommitSession, readFiles } from './commit-session.ts'
import { insertRows } from './insert-rows.ts'
import { model } from './model.ts'
import { standingRows } from './overlay.ts'
import { packedValue } from './packed-value.ts'
import type { Unit } from './plan-units.ts'
import { integerOf, textOf } from './row-values.ts'
import { contentColumns, contentText, versionOrder } from './version-content.ts'

/** Readings of a load by what became of them. */
export interface LoadCounts {
  fresh: number
  revised: number
  unchanged: number
  late: number
  superseded: number
}

export type CountsByLoad = Map<string, LoadCounts>

const storedColumns = ['local_date', 'he_seq', 'he_clock', 'energy_kwh', ...contentColumns] as const
/** Registers the plan as table `unit`. */
export async function registerUnits(session: CommitSession, units: readonly Unit[]): Promise<void> {
  await session.db.run(
    `CREATE OR REPLACE TABLE unit (unit INTEGER, batch INTEGER, dt DATE, key_min BIGINT, key_max BIGINT, late_until TIMESTAMPTZ)`,
  )
  const rows = units.map((unit) => {
    const late = unit.lateUntil === null ? 'NULL' : literal(unit.lateUntil)
    return `(${unit.unit}, ${unit.batch}, ${literal(unit.dt)}, ${unit.keyMin}, ${unit.keyMax}, ${late}::TIMESTAMPTZ)`
  })
  await insertRows(session.db, 'unit', rows)
}

/** The current rows of a unit's file, by whether a file holds several units. */
const existingFiles = (units: readonly Unit[]) => [
  ...new Map(units.flatMap((unit) => (unit.existing ? [[unit.existing.path, unit.existing] as const] : []))).values(),
]

/** What {@link mergeBatch} left to be written. */
export interface MergedBatch {
  readonly units: readonly Unit[]
  /** True: the files of the units stay as they are, what changes goes into the overlay. */
  readonly isBeside: boolean
  /** True: nothing was known of these units, and `easy` is their content, in file order. */
  readonly isAllNew: boolean
}

/**
 * Merges a batch. Leaves the tables `arrived`, `easy`, `hard`, `hard_state`, and the relation `standing` (current rows of the
 * batch's units; where their files stay as they are, of the series that matter) in the schema that stands first; adds to `counts` and to the table `attention` (rows of quarantine).
 */
export async function mergeBatch(
  session: CommitSession,
  units: readonly Unit[],
  backDays: number,
  counts: CountsByLoad,
): Promise<MergedBatch> {
  const { db, lake, parent, n } = session
  const first = units[0]
  const last = units.at(-1)
  if (!first || !last) throw new RangeError('a batch without units')
  const { batch, beside: isBeside } = first
  const files = existingFiles(units)
  const standing = standingSelect(session, files, units)
  const windowFrom = addDays(first.dt, -backDays)
  const before = standingRows(session, filesBefore(session, units, backDays))
  const arrivingBefore = `SELECT series_key, start_at, duration_s FROM incoming
    WHERE local_date >= DATE '${windowFrom}' AND local_date < DATE '${first.dt}'`
  await db.run(
    model('batch', {
      from: first.dt,
      to: last.dt,
      key_min: String(units.reduce((min, { keyMin }) => (keyMin < min ? keyMin : min), first.keyMin)),
      key_max: String(units.reduce((max, { keyMax }) => (keyMax > max ? keyMax : max), first.keyMax)),
      batch,
      standing: isBeside
        ? `TABLE standing AS ${model('standing-beside', { standing })}`
        : `VIEW standing AS ${standing}`,
      before,
      arriving_before: arrivingBefore,
    }),
  )
  const [hardSeries] = await db.rows(`SELECT count(*)::INTEGER AS n FROM hard_series`)
  const isHard = hardSeries?.['n'] !== 0
  const isAllNew = files.length === 0 && !isHard
  if (isBeside && isHard) await db.run(model('standing-hard', { standing }))
  await db.run(
    isAllNew
      ? `CREATE VIEW easy AS SELECT * EXCLUDE (late), true AS is_new FROM arrived`
      : model('merge-easy', { packed_value: packedValue('a') }),
  )
  await countEasy(session, counts)
  if (!isHard) {
    await db.run(`CREATE TABLE hard AS SELECT *, 0 AS unit FROM (${emptySelect(tables.history)});
      CREATE TABLE hard_state AS FROM hard`)
    return { units, isBeside, isAllNew }
  }
  const since = Math.min(...units.map((unit) => unit.existing?.sinceCommit ?? Number.MAX_SAFE_INTEGER))
  const inWindow = (file: { dtMin: string; dtMax: string; commit: number }) =>
    file.dtMax >= windowFrom && file.dtMin <= last.dt && (backDays > 0 || file.commit >= since)
  await db.run(
    model('timeline', {
      history: readFiles(lake, parent.history.filter(inWindow), emptySelect(tables.history)),
      receipts: `SELECT * FROM (${readFiles(lake, parent.receipts.filter(inWindow), emptySelect(tables.receipt))})
        WHERE local_date BETWEEN DATE '${windowFrom}' AND DATE '${last.dt}'`,
      content: contentText,
      window_from: windowFrom,
      window_to: last.dt,
      from: first.dt,
      batch,
      commit: n,
      order: versionOrder(),
      order_e: versionOrder('e.'),
    }),
  )
  await db.run(
    model('merge-hard', {
      batch,
      content_columns: storedColumns.join(', '),
      content_columns_c: storedColumns.map((name) => `c.${name}`).join(', '),
      packed_value_l: packedValue('l'),
      order_v: versionOrder('v.'),
    }),
  )
  await countHard(session, counts)
  await db.run(model('attention', { commit: n, order: versionOrder() }))
  return { units, isBeside, isAllNew }
}

/** Current rows of the units. */
function standingSelect(session: CommitSession, files: readonly CurrentFile[], units: readonly Unit[]): string {
  const inUnits = (row: string) => `SEMI JOIN (SELECT * FROM unit WHERE batch = ${units[0]?.batch ?? 0}) u
    ON u.dt = ${row}.local_date AND ${row}.series_key BETWEEN u.key_min AND u.key_max`
  const rows = standingRows(session, files, inUnits('o'))
  const isWhole = units.every((unit) => !unit.split)
  return isWhole ? rows : `SELECT s.* FROM (${rows}) s ${inUnits('s')}`
}

/** Files of days outside the units whose readings may reach into them. */
function filesBefore({ parent }: CommitSession, units: readonly Unit[], backDays: number): CurrentFile[] {
  const own = new Set(units.map(({ dt }) => dt))
  const reaching = new Set<string>()
  for (const dt of own) for (let back = 1; back <= backDays; back += 1) reaching.add(addDays(dt, -back))
  return parent.current.files.filter(({ dt }) => reaching.has(dt) && !own.has(dt))
}

const countsOf = (counts: CountsByLoad, loadId: string): LoadCounts => {
  const found = counts.get(loadId) ?? { fresh: 0, revised: 0, unchanged: 0, late: 0, superseded: 0 }
  counts.set(loadId, found)
  return found
}

async function countEasy(session: CommitSession, counts: CountsByLoad): Promise<void> {
  const rows = await session.db.rows(
    `SELECT load_id, n, coalesce(fresh, 0) AS fresh, coalesce(revised, 0) AS revised FROM (
       SELECT load_id, count(*)::INTEGER AS n FROM arrived WHERE series_key NOT IN (SELECT series_key FROM hard_series) GROUP BY load_id
     ) LEFT JOIN (
       SELECT load_id, count(*) FILTER (is_new)::INTEGER AS fresh, count(*) FILTER (NOT is_new)::INTEGER AS revised
       FROM easy GROUP BY load_id
     ) USING (load_id)`,
  )
  for (const row of rows) {
    const at = countsOf(counts, textOf(row, 'load_id'))
    const [fresh, revised] = [integerOf(row, 'fresh'), integerOf(row, 'revised')]
    at.fresh += fresh
    at.revised += revised
    at.unchanged += integerOf(row, 'n') - fresh - revised
  }
}

async function countHard(session: CommitSession, counts: CountsByLoad): Promise<void> {
  const rows = await session.db.rows(
    `SELECT load_id, kind, count(*)::INTEGER AS n FROM (
       SELECT load_id, CASE
         WHEN content IS NOT DISTINCT FROM content_before THEN 'unchanged'
         WHEN is_late THEN 'late'
         WHEN content_before IS NULL OR content_before = 'withdrawn' THEN 'fresh'
         ELSE 'revised' END AS kind
       FROM line WHERE origin = 'fresh' AND in_batch
       UNION ALL
       SELECT load_id, 'superseded' FROM hard WHERE superseded AND commit_id = ${session.n}
     ) GROUP BY ALL`,
  )
  for (const row of rows) {
    const kind = textOf(row, 'kind') as keyof LoadCounts
    countsOf(counts, textOf(row, 'load_id'))[kind] += integerOf(row, 'n')
  }
}

/** Query of the batch's new rows of history, in file order. */
export const newHistoryQuery = ({ n }: CommitSession, { isAllNew }: MergedBatch): string => {
  const columns = columnList(tables.history)
  const easy = `SELECT * EXCLUDE (unit, is_new), false AS superseded, ${n}::BIGINT AS commit_id FROM easy`
  if (isAllNew) return `SELECT ${columns} FROM (${easy})`
  return `SELECT ${columns} FROM (${easy} UNION ALL BY NAME SELECT * EXCLUDE (unit) FROM hard)
    ORDER BY local_date, series_key, start_at, ${versionOrder()}`
}

/** Query of the rows that some of the batch's units hold after the merge, with `unit`, in file order. */
export function newCurrentQuery({ n }: CommitSession, { isAllNew }: MergedBatch, units: readonly Unit[]): string {
  const columns = columnList(tables.current)
  const packed = tables.current.fields
    .map((field) => (field.name === 'value' ? `${packedValue('v')} AS value` : `v.${field.name}`))
    .join(', ')
  const [first, last] = [units[0], units.at(-1)]
  if (!first || !last) throw new RangeError('no units')
  const wanted = `BETWEEN ${first.unit} AND ${last.unit} AND v.unit IN (${units.map((unit) => unit.unit).join(', ')})`
  const easy = `SELECT ${packed}, v.unit FROM (SELECT *, ${n}::BIGINT AS commit_id FROM easy) v WHERE v.unit ${wanted}`
  if (isAllNew) return `SELECT ${columns}, unit FROM (${easy})`
  return `SELECT ${columns}, unit FROM (
    SELECT s.*, v.unit FROM standing s
    JOIN unit v ON v.batch = ${first.batch} AND v.dt = s.local_date AND s.series_key BETWEEN v.key_min AND v.key_max
    ANTI JOIN (SELECT series_key, start_at FROM easy UNION ALL SELECT series_key, start_at FROM hard_state) c
      ON c.series_key = s.series_key AND c.start_at = s.start_at
    WHERE s.local_date BETWEEN DATE ${literal(first.dt)} AND DATE ${literal(last.dt)} AND v.unit ${wanted}
    UNION ALL BY NAME
    ${easy}
    UNION ALL BY NAME
    SELECT ${packed}, v.unit FROM hard_state v WHERE NOT v.superseded AND v.unit ${wanted}
  ) ORDER BY unit, series_key, start_at`
}

/** Loads by id, for counts of loads that brought nothing to a batch. */
export const zeroCounts = (loads: readonly StagedLoadRecord[]): CountsByLoad => {
  const counts: CountsByLoad = new Map()
  for (const load of loads) countsOf(counts, load.loadId)
  return counts
}
