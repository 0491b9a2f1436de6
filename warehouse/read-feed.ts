/** One pass over an archived feed: its rows as Parquet files in a scratch folder, and what it was. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { FeedSummary, OpenFeedReader } from '../schemas/feed-rows.ts'
import type { LoadRequest } from '../schemas/ingest.ts'
import type { StagingTableName } from '../schemas/staging.ts'
import { appenderSink } from './appender-sink.ts'
import { literal } from './columns.ts'
import type { CustomerKey } from './customer-key.ts'
import { Database, type WrittenFile } from './database.ts'
import { FeedPump } from './feed-pump.ts'
import type { RawIndex } from './raw-index.ts'
import { isPersonalRow, isPersonalTable, keyedRows } from './personal-rows.ts'
import { openRaw } from './raw-reader.ts'
import { RowSpool } from './row-spool.ts'
import type { Scratch } from './storage.ts'
import { tableFunctionSink } from './table-function-sink.ts'

/** How a feed is read. */
export interface FeedOptions {
  readonly profile: { readonly name: string; readonly timeZone: string; readonly usagePointIdentity: 'id' | 'path' }
  readonly request: LoadRequest
  readonly openReader: OpenFeedReader
  /** How readings get into the engine; default `table_function`. */
  readonly sink?: 'table_function' | 'appender'
  /** Bytes read so far, and all of them. */
  readonly onProgress?: (phase: 'read' | 'stage', done: number, total: number) => void
  readonly signal: AbortSignal
}

export interface ReadFeedOptions extends FeedOptions {
  readonly index: RawIndex
  /** Absolute path of the archived file. */
  readonly rawPath: string
  readonly scratch: Scratch
  /** Present where the bytes lie under the pii root. */
  readonly customerKey: CustomerKey | undefined
}

export interface ReadFeed {
  readonly summary: FeedSummary
  /** `<table>.parquet` in the scratch folder, for each table with rows. */
  readonly files: ReadonlyMap<StagingTableName, WrittenFile>
  readonly usagePoints: number
  readonly localDateMin: string | null
  readonly localDateMax: string | null
}

/** The engine spills beyond this. */
const memoryLimitMb = 256

/** Tables a customer feed has rows of. */
const isOfCustomers = (table: StagingTableName): boolean =>
  isPersonalTable(table) || ['usage_point_agreement', 'usage_point_place', 'quarantine', 'drift'].includes(table)

/** Reads a feed. Raises FEED_* of the reader, LAKE_*, SQL_FAILED, the signal's reason. */
export async function readFeed(options: ReadFeedOptions): Promise<ReadFeed> {
  const { index, scratch, signal, onProgress, profile } = options
  const raw = await openRaw(options.rawPath, index, scratch.file('decoded.xml'))
  using spool = new RowSpool(scratch)
  using pump = new FeedPump({
    chunks: raw.chunks,
    open: (sink) =>
      options.openReader(sink, { timeZone: profile.timeZone, usagePointIdentity: profile.usagePointIdentity }),
    onRow: (row) => {
      if (isPersonalRow(row)) for (const keyed of keyedRows(row, keyFor(options))) spool.append(keyed)
      else spool.append(row)
    },
    onBytes: (bytes) => onProgress?.('read', bytes, raw.bytes),
    signal,
  })
  await using database = await Database.open({ threads: 1, memoryLimitMb, scratch: scratch.path })
  const sink = options.sink === 'appender' ? appenderSink(database) : tableFunctionSink(database)
  const readings = await sink.write(() => pump.next(), scratch.file('readings.parquet'))
  const { summary } = pump
  if (!summary) throw new Error('the reader has not ended')
  if (readings.rows !== summary.readings)
    throw new MeterlakeError(
      'INTERNAL',
      `${summary.readings} readings were read from load ${index.sha256.slice(0, 16)}, ${readings.rows} written`,
      { sha256: index.sha256 },
    )
  onProgress?.('stage', 0, 1)
  const files = new Map<StagingTableName, WrittenFile>(await spool.copy(database))
  if (readings.rows > 0) files.set('readings', readings)
  if (summary.kind === 'customer') for (const table of files.keys()) if (!isOfCustomers(table)) files.delete(table)
  const usagePoints = await countUsagePoints(database, scratch, files)
  onProgress?.('stage', 1, 1)
  const { min, max } = files.get('readings')?.columns['local_date'] ?? {}
  return { summary, files, usagePoints, localDateMin: min ?? null, localDateMax: max ?? null }
}

/** The key of the pii root. Customer data in bytes that were not archived there is refused: its raw file lies where analysts read. */
function keyFor({ customerKey, index }: ReadFeedOptions): CustomerKey {
  if (customerKey) return customerKey
  throw new MeterlakeError('FEED_WRONG_ROOT', 'customer data in a feed that was not archived as such', {
    sha256: index.sha256,
  })
}

/** Distinct usage points that are described, or have blocks or bills; told apart by 64 bits of hash, which saves keeping their names. */
async function countUsagePoints(database: Database, scratch: Scratch, files: ReadFeed['files']): Promise<number> {
  const tables = (['usage_point', 'meter_reading', 'block', 'usage_summary', 'usage_point_agreement'] as const).filter(
    (table) => files.has(table),
  )
  if (tables.length === 0) return 0
  const sources = tables.map(
    (table) => `SELECT hash(usage_point_id) AS h FROM ${literal(scratch.file(`${table}.parquet`))}`,
  )
  const [row] = await database.rows(`SELECT count(DISTINCT h)::INTEGER AS n FROM (${sources.join(' UNION ALL ')})`)
  return Number(row?.['n'] ?? 0)
}
