/** The only module that calls the DuckDB binding. One process, one thread of the caller; a new engine version is adopted here. */
import {
  BIGINT,
  DATE,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTableFunction,
  INTEGER,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api'
import duckdb, { type DataChunk } from '@duckdb/node-bindings'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { identifier, literal } from './columns.ts'
import { storageError } from './storage-error.ts'

/** What a value becomes in JavaScript: 64-bit integers, decimals, dates and times are strings, so that none loses digits. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }
export type Row = Readonly<Record<string, Value>>
export type Parameter = string | number | bigint | boolean | null

export interface DatabaseOptions {
  /** File of the database; absent: in memory. */
  readonly path?: string
  readonly readOnly?: boolean
  readonly threads: number
  /** What the engine may hold; it spills to `scratch` beyond. */
  readonly memoryLimitMb: number
  /** Absolute path of a folder for spills. */
  readonly scratch: string
}

export interface CopyOptions {
  /** Rows of a row group: fewer cost size, more cost memory. */
  readonly rowGroupRows: number
  /** Key-value metadata of the file. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** A Parquet file as the engine wrote it; minima and maxima as text. */
export interface WrittenFile {
  readonly rows: number
  readonly bytes: number
  readonly columns: Readonly<Record<string, { readonly min?: string; readonly max?: string }>>
}

/** A column of a {@link BatchSource}: BIGINT takes pairs (low, high word), the others one Int32 a row. */
export interface SourceColumn {
  readonly name: string
  readonly type: 'INTEGER' | 'BIGINT' | 'DATE'
}

/** Parallel columns. `validity`: one bit a row, 1 = present, least first; null where all are. */
export interface ColumnBatch {
  readonly rows: number
  readonly columns: readonly Int32Array[]
  readonly validity: readonly (Uint32Array | null)[]
}

/** Gives batches one after the other, synchronously; undefined at the end. What it throws aborts the query. A batch is free again at the next call. */
export type BatchSource = () => ColumnBatch | undefined

/**
 * How Parquet is written. A dictionary pays for columns of few values; its default limit, a fifth of the row group, costs memory
 * for every column, and time and size for most (docs/decisions.md).
 */
export const parquetOptions = 'FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT 1000'

const vectorRows = 2048
const engineTypes: Record<SourceColumn['type'], { readonly type: DuckDBType; readonly words: 1 | 2 }> = {
  INTEGER: { type: INTEGER, words: 1 },
  BIGINT: { type: BIGINT, words: 2 },
  DATE: { type: DATE, words: 1 },
}

/** Copies rows of a batch into a chunk of the engine, which checks no bounds: so this does. */
function fillChunk(chunk: DataChunk, columns: readonly SourceColumn[], batch: ColumnBatch, from: number, rows: number) {
  duckdb.data_chunk_set_size(chunk, rows)
  for (const [index, column] of columns.entries()) {
    const data = batch.columns[index]
    const { words } = engineTypes[column.type]
    if (!data || data.length < (from + rows) * words)
      throw new RangeError(`column ${column.name} is shorter than its batch`)
    const vector = duckdb.data_chunk_get_vector(chunk, index)
    const width = words * 4
    duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, data.byteOffset + from * width, rows * width)
    const validity = batch.validity[index]
    if (!validity) continue
    if (validity.length * 32 < from + rows) throw new RangeError(`validity of ${column.name} is shorter than its batch`)
    // `from` is a multiple of 2048: a whole word. The last word may be half of the engine's 64 bits.
    const bytes = Math.ceil(rows / 32) * 4
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(
      vector,
      0,
      validity.buffer as ArrayBuffer,
      validity.byteOffset + from / 8,
      bytes,
    )
  }
}

/** An open database with one connection. Close it with `await using`. */
export class Database implements AsyncDisposable {
  readonly #instance: DuckDBInstance
  readonly #ownsInstance: boolean
  readonly #connection: DuckDBConnection
  readonly #where: string
  /** What a source threw: the engine hands on its message only. */
  #sourceFailure: { readonly error: unknown } | undefined

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, where: string, ownsInstance: boolean) {
    this.#instance = instance
    this.#ownsInstance = ownsInstance
    this.#connection = connection
    this.#where = where
  }

  /** Opens a database file or an in-memory one. It never fetches or loads an extension. Raises LAKE_* or SQL_FAILED. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const path = options.path ?? ':memory:'
    const where = options.path ?? options.scratch
    try {
      const instance = await DuckDBInstance.create(path, {
        threads: String(options.threads),
        memory_limit: `${options.memoryLimitMb}MB`,
        temp_directory: options.scratch,
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        allow_community_extensions: 'false',
        // it keeps what was read of files, beside the page cache of the system
        enable_external_file_cache: 'false',
        ...(options.readOnly ? { access_mode: 'READ_ONLY' } : {}),
      })
      return new Database(instance, await connectTo(instance), where, true)
    } catch (error) {
      throw engineError(error, where)
    }
  }

  /**
   * Another connection to the same database, of a thread of its own: what it runs goes on beside this one's. It sees all but
   * this one's temporary tables. To be closed before this one.
   */
  async connect(): Promise<Database> {
    return new Database(this.#instance, await this.#guard(() => connectTo(this.#instance)), this.#where, false)
  }

  /** Runs one or more statements. */
  async run(sql: string, parameters?: readonly Parameter[]): Promise<void> {
    await this.#guard(() => this.#connection.run(sql, parameters && [...parameters]))
  }

  /** All rows of a query, which must be few. */
  async rows(sql: string, parameters?: readonly Parameter[]): Promise<Row[]> {
    const reader = await this.#guard(() => this.#connection.runAndReadAll(sql, parameters && [...parameters]))
    return reader.getRowObjectsJson()
  }

  /** A query whose rows are fetched as they are asked for, in blocks, values in column order. */
  async stream(sql: string): Promise<{ columns: { name: string; type: string }[]; blocks: AsyncIterable<Value[][]> }> {
    const result = await this.#guard(() => this.#connection.stream(sql))
    const types = result.columnTypes()
    const columns = result.columnNames().map((name, index) => ({ name, type: String(types[index]) }))
    return { columns, blocks: result.yieldRowsJson() as AsyncIterable<Value[][]> }
  }

  /** Writes a query into one Parquet file (zstd, V1 pages). Not fsynced: `Storage.publish` does that. */
  async copy(query: string, file: string, options: CopyOptions): Promise<WrittenFile> {
    const metadata = Object.entries(options.metadata ?? {}).map(([key, text]) => `${identifier(key)}: ${literal(text)}`)
    const sql = `COPY (${query}) TO ${literal(file)} (${parquetOptions}, ROW_GROUP_SIZE ${options.rowGroupRows}${
      metadata.length === 0 ? '' : `, KV_METADATA {${metadata.join(', ')}}`
    }, RETURN_STATS)`
    const reader = await this.#guard(() => this.#connection.runAndReadAll(sql), file)
    return writtenFile(reader.getRowObjectsJson())
  }

  /** Makes a source readable as `FROM <name>()`, once, by one thread, in its own order. */
  registerSource(name: string, columns: readonly SourceColumn[], next: BatchSource): void {
    let batch: ColumnBatch | undefined
    let at = 0
    const scan = (chunk: DataChunk) => {
      while (!batch || at >= batch.rows) {
        batch = next()
        at = 0
        if (!batch) {
          duckdb.data_chunk_set_size(chunk, 0)
          return
        }
      }
      const rows = Math.min(vectorRows, batch.rows - at)
      fillChunk(chunk, columns, batch, at, rows)
      at += rows
    }
    this.#connection.registerTableFunction(
      DuckDBTableFunction.create({
        name,
        bindFunction: (bind) => {
          for (const column of columns) bind.addResultColumn(column.name, engineTypes[column.type].type)
        },
        initFunction: (init) => {
          init.setInitData({})
          init.setMaxThreads(1)
        },
        mainFunction: (_info, out) => {
          try {
            scan(out.chunk)
          } catch (error) {
            this.#sourceFailure = { error }
            throw error
          }
        },
      }),
    )
  }

  /** Appends all batches of a source to a table with the same columns. */
  async append(table: string, columns: readonly SourceColumn[], next: BatchSource): Promise<void> {
    await this.#guard(async () => {
      const appender = await this.#connection.createAppender(table)
      const types = columns.map((column) => engineTypes[column.type].type)
      const chunk = DuckDBDataChunk.create(types)
      try {
        for (let batch = next(); batch; batch = next())
          for (let at = 0; at < batch.rows; at += vectorRows) {
            chunk.reset()
            fillChunk(chunk.chunk, columns, batch, at, Math.min(vectorRows, batch.rows - at))
            appender.appendDataChunk(chunk)
          }
        appender.closeSync()
      } catch (error) {
        // else the rows that failed are tried again when the appender is collected
        appender.clear()
        throw error
      }
    })
  }

  /** Stops the running query, which then fails. */
  interrupt(): void {
    this.#connection.interrupt()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    if (this.#ownsInstance) this.#instance.closeSync()
  }

  async #guard<T>(effect: () => Promise<T>, where = this.#where): Promise<T> {
    try {
      return await effect()
    } catch (error) {
      const failure = this.#sourceFailure
      this.#sourceFailure = undefined
      throw failure ? failure.error : engineError(error, where)
    }
  }
}

async function connectTo(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return connection
}

/** The engine's errors begin with their class: `Parser Error: …`. */
const engineMessage = /^(?:Failed to \w+ \w+: )?[A-Z][\w ]* Error: /i

/** The engine's message as LAKE_DISK_FULL, LAKE_NOT_WRITABLE or SQL_FAILED. */
function engineError(error: unknown, where: string): unknown {
  const mapped = storageError(error, where)
  if (isMeterlakeError(mapped) || !(error instanceof Error) || !engineMessage.test(error.message)) return mapped
  // statements are extracted first; that this is where it failed helps nobody
  const message = error.message.replace(/^Failed to \w+ \w+: /, '')
  return new MeterlakeError('SQL_FAILED', message, {}, { cause: error })
}

function writtenFile(stats: readonly Row[]): WrittenFile {
  const columns: Record<string, { min?: string; max?: string }> = {}
  const file = stats[0] ?? {}
  const entries = (file['column_statistics'] ?? []) as readonly {
    readonly key: string
    readonly value: readonly { readonly key: string; readonly value: string }[]
  }[]
  for (const { key, value } of entries) {
    const found = Object.fromEntries(value.map((fact) => [fact.key, fact.value]))
    columns[key.replace(/^"(.*)"$/, '$1')] = {
      ...(found['min'] === undefined ? {} : { min: found['min'] }),
      ...(found['max'] === undefined ? {} : { max: found['max'] }),
    }
  }
  return { rows: Number(file['count'] ?? 0), bytes: Number(file['file_size_bytes'] ?? 0), columns }
}
