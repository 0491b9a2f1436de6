/** What the steps of one commit attempt share: database, roots, the parent manifest, and the files written so far. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { FileRef, GrowingTable, Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { emptySelect, literal } from './columns.ts'
import type { Database } from './database.ts'
import { formatPath, type LakePath } from './paths.ts'
import type { Scratch, Storage } from './storage.ts'

/** Row groups small enough to keep memory flat (storage.md 10). */
export const rowGroupRows = 122_880

export interface CommitSession {
  readonly db: Database
  readonly lake: Storage
  readonly pii: Storage
  readonly scratch: Scratch
  readonly parent: Manifest
  /** Number the commit will have. */
  readonly n: number
  readonly timeZone: string
  /** Names for files of this attempt: unique among attempts and within it. */
  readonly nextPart: () => string
  /** Relative paths of files written by this attempt, to be removed where it loses. */
  readonly written: { readonly storage: Storage; readonly path: string }[]
}

/** Part names `<8 hex digits of the attempt>n<ordinal>`. */
export function partNames(): () => string {
  const attempt = randomBytes(4).toString('hex')
  let ordinal = 0
  return () => `${attempt}n${(ordinal += 1)}`
}

/** Files that are read in one piece: a stream costs more than most of them hold. */
const smallBytes = 1024 * 1024

/** SHA-256 (hex) of a local file. */
export async function sha256Of(file: string): Promise<string> {
  if (statSync(file).size <= smallBytes) return createHash('sha256').update(readFileSync(file)).digest('hex')
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Moves a local Parquet file to its place, durably. */
export async function keepFile(
  session: CommitSession,
  local: string,
  path: LakePath,
  rows: number,
  storage = session.lake,
): Promise<FileRef> {
  const relative = formatPath(path)
  const sha256 = await sha256Of(local)
  session.written.push({ storage, path: relative })
  const bytes = await storage.publish(local, relative)
  return { path: relative, rows, bytes, sha256 }
}

/** Writes a query as a file of the lake; null where it has no rows. */
export async function writeQuery(
  session: CommitSession,
  query: string,
  path: LakePath,
  storage = session.lake,
): Promise<{ ref: FileRef; columns: Readonly<Record<string, { min?: string; max?: string }>> } | null> {
  const local = session.scratch.file(session.nextPart())
  const { rows, columns } = await session.db.copy(query, local, { rowGroupRows })
  if (rows === 0) return null
  return { ref: await keepFile(session, local, path, rows, storage), columns }
}

/** First and last local_date of a written file, by its statistics. */
export function daysOf(columns: Readonly<Record<string, { min?: string; max?: string }>>): {
  readonly dtMin: string
  readonly dtMax: string
} {
  const { min, max } = columns['local_date'] ?? {}
  if (min === undefined || max === undefined) throw new TypeError('the engine gave no statistics of local_date')
  return { dtMin: min.slice(0, 10), dtMax: max.slice(0, 10) }
}

/** `SELECT * FROM read_parquet([…])` over files of a storage, or the query for none. */
export function readFiles(storage: Storage, files: readonly { readonly path: string }[], whereNone: string): string {
  if (files.length === 0) return whereNone
  return `SELECT * FROM read_parquet([${files.map((file) => literal(storage.locate(file.path))).join(', ')}], hive_partitioning = false)`
}

/** The rows of a table of a manifest as a query, also where it has none. */
export const readTable = (
  storage: Storage,
  manifest: Pick<Manifest, 'tables'> | undefined,
  table: GrowingTable,
): string => readFiles(storage, manifest?.tables[table] ?? [], emptySelect(tables[table]))

/** Runs an effect over items, at most `width` at a time, answers in order. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  width: number,
  effect: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = Array.from<R>({ length: items.length })
  let next = 0
  const run = async () => {
    while (next < items.length) {
      const index = next
      next += 1
      results[index] = await effect(items[index] as T, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, run))
  return results
}
