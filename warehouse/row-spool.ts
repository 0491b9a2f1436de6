/** Rows that are few beside the readings: spooled to NDJSON while the engine is busy with those, then made Parquet. Flat memory, exact types. */
import { appendFileSync, closeSync, openSync } from 'node:fs'
import type { Schema } from 'apache-arrow'
import type { FeedRow } from '../schemas/feed-rows.ts'
import { stagingTables } from '../schemas/staging.ts'
import type { AttributeRow } from './personal-rows.ts'
import { castList, literal, readColumns } from './columns.ts'
import type { Database, WrittenFile } from './database.ts'
import { storageError } from './storage-error.ts'
import type { Scratch } from './storage.ts'

type SpooledRow = FeedRow | AttributeRow
export type SpooledTable = SpooledRow['table']

const flushChars = 64 * 1024
/** Small: a row group of long texts is kept in memory whole. */
const rowGroupRows = 8192

interface SpoolFile {
  readonly path: string
  readonly fd: number
  pending: string
  rows: number
  /** Length of the longest row in UTF-8 at most: the engine sizes its buffers by it. */
  longest: number
}

/** Takes rows synchronously; `copy` makes a Parquet file of each table that has any. */
export class RowSpool implements Disposable {
  readonly #scratch: Scratch
  readonly #files = new Map<SpooledTable, SpoolFile>()

  constructor(scratch: Scratch) {
    this.#scratch = scratch
  }

  /** Appends a row. Raises LAKE_DISK_FULL or LAKE_NOT_WRITABLE. */
  append(row: SpooledRow): void {
    let file = this.#files.get(row.table)
    if (!file) {
      const path = this.#scratch.file(`${row.table}.ndjson`)
      file = { path, fd: this.#guard(path, () => openSync(path, 'wx', 0o600)), pending: '', rows: 0, longest: 0 }
      this.#files.set(row.table, file)
    }
    const line = JSON.stringify(row)
    file.pending += `${line}\n`
    file.rows += 1
    if (line.length > file.longest) file.longest = line.length
    if (file.pending.length >= flushChars) this.#flush(file)
  }

  /** Rows of a table so far. */
  count(table: SpooledTable): number {
    return this.#files.get(table)?.rows ?? 0
  }

  /** Writes `<table>.parquet` into the scratch folder for each table with rows. */
  async copy(database: Database): Promise<Map<SpooledTable, WrittenFile>> {
    const written = new Map<SpooledTable, WrittenFile>()
    for (const [table, file] of this.#files) {
      this.#flush(file)
      const schema: Schema = stagingTables[table]
      // a UTF-16 unit is at most 3 bytes of UTF-8
      const objectBytes = Math.max(64 * 1024, 3 * file.longest + 1024)
      const source = `read_json(${literal(file.path)}, format = 'newline_delimited', columns = ${readColumns(schema)}, maximum_object_size = ${objectBytes})`
      const target = this.#scratch.file(`${table}.parquet`)
      const result = await database.copy(`SELECT ${castList(schema)} FROM ${source}`, target, { rowGroupRows })
      if (result.rows !== file.rows)
        throw new Error(`${file.rows} rows of ${table} were spooled, ${result.rows} came back`)
      written.set(table, result)
    }
    return written
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) closeSync(file.fd)
    this.#files.clear()
  }

  #flush(file: SpoolFile): void {
    this.#guard(file.path, () => appendFileSync(file.fd, file.pending))
    file.pending = ''
  }

  #guard<T>(path: string, effect: () => T): T {
    try {
      return effect()
    } catch (error) {
      throw storageError(error, path)
    }
  }
}
