/** The overlay at work: what stands beside the files of the touched days, what a batch adds, and what is left after a commit. */
import type { CurrentFile, Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnDefinitions, columnList, emptySelect, literal } from './columns.ts'
import { type CommitSession, daysOf, readFiles, rowGroupRows, writeQuery } from './commit-session.ts'
import { insertRows } from './insert-rows.ts'
import { model } from './model.ts'
import { packedValue } from './packed-value.ts'
import type { Unit } from './plan-units.ts'
import { integerOf, textOf } from './row-values.ts'

/** Overlay rows of a batch in a local file, and by how much they change the number of current rows. */
export interface OverlaySlice {
  readonly local: string
  readonly rows: number
  readonly adds: number
}

const overlayRows = ({ lake, parent }: CommitSession): string =>
  readFiles(lake, parent.overlay.files, emptySelect(tables.overlay))

/** How many rows of the overlay each day has; rows that a later one replaced count too. */
export async function overlayDays(session: CommitSession): Promise<Map<string, number>> {
  if (session.parent.overlay.files.length === 0) return new Map()
  const rows = await session.db.rows(
    `SELECT local_date::VARCHAR AS dt, count(*)::INTEGER AS n FROM (${overlayRows(session)}) GROUP BY local_date`,
  )
  return new Map(rows.map((row) => [textOf(row, 'dt'), integerOf(row, 'n')]))
}

/** Makes the table `overlay_row`: of each interval of the days the row that counts. */
export async function openOverlay(session: CommitSession, days: ReadonlySet<string>): Promise<void> {
  const { db } = session
  await db.run(`CREATE OR REPLACE TABLE overlay_row (${columnDefinitions(tables.overlay)})`)
  if (session.parent.overlay.files.length === 0 || days.size === 0) return
  await db.run('CREATE OR REPLACE TABLE overlay_day (dt DATE)')
  await insertRows(
    db,
    'overlay_day',
    [...days].map((dt) => `(${literal(dt)})`),
  )
  await db.run(`INSERT INTO overlay_row FROM (
    SELECT ${columnList(tables.overlay)} FROM (${overlayRows(session)}) o SEMI JOIN overlay_day d ON d.dt = o.local_date)
    QUALIFY row_number() OVER (PARTITION BY local_date, series_key, start_at ORDER BY overlay_commit DESC) = 1`)
}

/** Query of the current rows of files, with the overlay's in their place. `within`: join that keeps some of the rows `o` of the overlay. */
export function standingRows(session: CommitSession, files: readonly CurrentFile[], within = ''): string {
  const rows = readFiles(session.lake, files, emptySelect(tables.current))
  if (session.parent.overlay.files.length === 0) return rows
  const columns = tables.current.fields.map(({ name }) => `o.${name}`).join(', ')
  return `SELECT f.* FROM (${rows}) f ANTI JOIN overlay_row o
      ON o.local_date = f.local_date AND o.series_key = f.series_key AND o.start_at = f.start_at
    UNION ALL
    SELECT ${columns} FROM overlay_row o ${within} WHERE NOT o.withdrawn`
}

/** Writes what a merged batch changes in files that stay as they are; null where it changes nothing. */
export async function writeOverlaySlice({ db, scratch, nextPart, n }: CommitSession): Promise<OverlaySlice | null> {
  const packed = tables.current.fields.map(({ name }) =>
    name === 'value' ? `${packedValue('v')} AS value` : `v.${name}`,
  )
  const local = scratch.file(nextPart())
  const query = model('overlay-rows', { columns: packed.join(', '), commit: n })
  const { rows } = await db.copy(query, local, { rowGroupRows })
  if (rows === 0) return null
  const [added] = await db.rows(`SELECT
    (SELECT sum((NOT withdrawn)::INTEGER - in_day::INTEGER) FROM read_parquet(${literal(local)}))::INTEGER
    - coalesce((SELECT sum((NOT o.withdrawn)::INTEGER - o.in_day::INTEGER) FROM overlay_row o SEMI JOIN read_parquet(${literal(local)}) v
        ON v.local_date = o.local_date AND v.series_key = o.series_key AND v.start_at = o.start_at), 0)::INTEGER AS adds`)
  return { local, rows, adds: integerOf(added, 'adds') }
}

/**
 * The overlay after the commit: one more file, or all of it anew where rows have gone into the files of their days (`rewritten`), or
 * there would be too many files.
 */
export async function writeOverlay(
  session: CommitSession,
  slices: readonly OverlaySlice[],
  rewritten: readonly Unit[],
  filesMost: number,
): Promise<Manifest['overlay']> {
  const { db, parent, n } = session
  const { overlay } = parent
  const adds = slices.reduce((sum, slice) => sum + slice.adds, overlay.adds)
  await db.run('CREATE OR REPLACE TABLE rewritten (unit INTEGER)')
  await insertRows(
    db,
    'rewritten',
    rewritten.map(({ unit }) => `(${unit})`),
  )
  const folded = `(SELECT u.dt, u.key_min, u.key_max FROM unit u SEMI JOIN rewritten r ON r.unit = u.unit)`
  const isFolded = `f.dt = o.local_date AND o.series_key BETWEEN f.key_min AND f.key_max`
  const [gone] =
    await db.rows(`SELECT count(*)::INTEGER AS n, coalesce(sum((NOT o.withdrawn)::INTEGER - o.in_day::INTEGER), 0)::INTEGER AS adds
    FROM overlay_row o SEMI JOIN ${folded} f ON ${isFolded}`)
  const isAppended = integerOf(gone, 'n') === 0 && overlay.files.length + Math.sign(slices.length) <= filesMost
  if (isAppended && slices.length === 0) return overlay
  const columns = columnList(tables.overlay)
  const added = slices.map(({ local }) => `SELECT ${columns} FROM read_parquet(${literal(local)})`)
  const kept = `SELECT ${columns} FROM (${overlayRows(session)}) o ANTI JOIN ${folded} f ON ${isFolded}`
  const query = isAppended
    ? added.join(' UNION ALL ')
    : `SELECT ${columns} FROM (${[kept, ...added].join(' UNION ALL ')})
       QUALIFY row_number() OVER (PARTITION BY local_date, series_key, start_at ORDER BY overlay_commit DESC) = 1
       ORDER BY local_date, series_key, start_at`
  const written = await writeQuery(session, query, { kind: 'overlay', commit: n, part: session.nextPart() })
  const file = written && { ...written.ref, commit: n, ...daysOf(written.columns) }
  return {
    files: [...(isAppended ? overlay.files : []), ...(file ? [file] : [])],
    adds: adds - integerOf(gone, 'adds'),
  }
}
