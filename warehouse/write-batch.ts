/** A merged batch on disk: one file of history, and new files for the units that changed. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CurrentFile, VersionFile } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnList, literal } from './columns.ts'
import { parquetOptions } from './database.ts'
import { type CommitSession, daysOf, keepFile, mapConcurrently, rowGroupRows, writeQuery } from './commit-session.ts'
import { type MergedBatch, newCurrentQuery, newHistoryQuery } from './merge-batch.ts'
import { type OverlaySlice, writeOverlaySlice } from './overlay.ts'
import { later, type Unit } from './plan-units.ts'
import { integerOf, textOf } from './row-values.ts'

const isoUtc = (column: string) => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`
// renames and fsyncs wait on the disk, not on the processor
const filesAtOnce = 8
// the engine keeps a buffer per column of each file it has open
const partitionsAtOnce = 48

/** Writes the versions a batch brought; none where it brought nothing new. */
export async function writeHistory(session: CommitSession, merged: MergedBatch): Promise<VersionFile[]> {
  const { n } = session
  const place = { kind: 'history', commit: n, part: session.nextPart() } as const
  const written = await writeQuery(session, newHistoryQuery(session, merged), place)
  if (!written) return []
  return [{ ...written.ref, commit: n, ...daysOf(written.columns) }]
}

interface LocalFile {
  readonly local: string
  readonly rows: number
}

/** The units of a batch, and the local files of those that are written anew. */
export interface CopiedBatch {
  readonly units: readonly Unit[]
  readonly files: ReadonlyMap<Unit, LocalFile>
  /** What changed beside files that stay as they are. */
  readonly overlay: OverlaySlice | null
  /** Latest publication that arrived, by ordinal of the unit. */
  readonly publishedMax: ReadonlyMap<number, string | null>
}

/** Writes what changed of a batch to local files, after which its tables are not needed any more. */
export async function copyUnits(session: CommitSession, merged: MergedBatch): Promise<CopiedBatch> {
  const { db } = session
  const { units } = merged
  const publishedMax = new Map(
    (await db.rows(`SELECT unit, ${isoUtc('max(published_at)')} AS at FROM arrived GROUP BY unit`)).map((row) => [
      integerOf(row, 'unit'),
      typeof row['at'] === 'string' ? row['at'] : null,
    ]),
  )
  if (merged.isBeside) return { units, files: new Map(), overlay: await writeOverlaySlice(session), publishedMax }
  const changed = new Set(
    (await db.rows(`SELECT DISTINCT unit FROM (SELECT unit FROM easy UNION ALL SELECT unit FROM hard_state)`)).map(
      (row) => integerOf(row, 'unit'),
    ),
  )
  // the parts of a file that is split may lie in several batches: each is written, changed or not
  const rewritten = units.filter((unit) => unit.split || unit.forced || changed.has(unit.unit))
  const files = new Map<Unit, LocalFile>()
  for (let at = 0; at < rewritten.length; at += partitionsAtOnce) {
    const some = rewritten.slice(at, at + partitionsAtOnce)
    const query = newCurrentQuery(session, merged, some)
    const locals = some.length === 1 ? [await writeUnit(session, query)] : await writePartitions(session, query, some)
    for (const [index, local] of locals.entries()) files.set(some[index] as Unit, local)
  }
  return { units, files, overlay: null, publishedMax }
}

/** Moves the local files to their places. Answers what stands in the manifest for all units of the batch from now on. */
export async function keepUnits(
  session: CommitSession,
  { units, files, publishedMax }: CopiedBatch,
): Promise<CurrentFile[]> {
  const { n } = session
  const kept = new Map(
    await mapConcurrently([...files], filesAtOnce, async ([unit, { local, rows }]) => {
      const path = { kind: 'current', dt: unit.dt, commit: n, part: session.nextPart() } as const
      return [unit, await keepFile(session, local, path, rows)] as const
    }),
  )
  const current = new Map<string, CurrentFile>()
  for (const unit of units) {
    const known = later(unit.existing?.publishedMax ?? null, publishedMax.get(unit.unit) ?? null)
    const file = kept.get(unit)
    if (file)
      current.set(file.path, {
        ...file,
        dt: unit.dt,
        keyMin: String(unit.keyMin),
        keyMax: String(unit.keyMax),
        publishedMax: known,
        sinceCommit: unit.existing?.sinceCommit ?? n,
      })
    else if (unit.existing) current.set(unit.existing.path, { ...unit.existing, publishedMax: known })
  }
  return [...current.values()]
}

/** A unit alone streams into its file. */
async function writeUnit({ db, scratch, nextPart }: CommitSession, query: string): Promise<LocalFile> {
  const local = scratch.file(nextPart())
  const { rows } = await db.copy(`SELECT ${columnList(tables.current)} FROM (${query})`, local, { rowGroupRows })
  return { local, rows }
}

/** Several are partitions of one statement; the files in the order of the units. A unit that has become empty gets one too, which keeps its facts. */
async function writePartitions(session: CommitSession, query: string, units: readonly Unit[]): Promise<LocalFile[]> {
  const folder = session.scratch.file(session.nextPart())
  await session.db.run(
    `COPY (${query}) TO ${literal(folder)} (${parquetOptions}, ROW_GROUP_SIZE ${rowGroupRows}, PARTITION_BY (unit))`,
  )
  const locals: string[] = []
  for (const { unit } of units) locals.push(await oneFile(session, join(folder, `unit=${unit}`)))
  const counted = await session.db.rows(
    `SELECT file_name AS file, num_rows::INTEGER AS rows FROM parquet_file_metadata([${locals.map(literal).join(', ')}])`,
  )
  const rows = new Map(counted.map((row) => [textOf(row, 'file'), integerOf(row, 'rows')]))
  return locals.map((local) => ({ local, rows: rows.get(local) ?? 0 }))
}

/** The one file of a partition: none becomes an empty one, several (a partition the engine flushed early) are joined. */
async function oneFile(session: CommitSession, folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => [])
  if (names.length === 1 && names[0] !== undefined) return join(folder, names[0])
  const local = session.scratch.file(session.nextPart())
  const columns = columnList(tables.current)
  const source =
    names.length === 0
      ? `SELECT ${columns} FROM standing WHERE false`
      : `SELECT ${columns} FROM read_parquet([${names.map((name) => literal(join(folder, name))).join(', ')}], hive_partitioning = false) ORDER BY series_key, start_at`
  await session.db.copy(source, local, { rowGroupRows })
  return local
}
