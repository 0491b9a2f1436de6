/** One pass over an archived feed: its rows as Parquet files in a scratch folder, and what it was. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { FeedRow, FeedSummary, OpenFeedReader } from '../schemas/feed-rows.ts'
import type { LoadRequest } from '../schemas/ingest.ts'
import type { StagingTableName } from '../schemas/staging.ts'
import { appenderSink } from './appender-sink.ts'
import { literal } from './columns.ts'
import { Database, type WrittenFile } from './database.ts'
import { FeedPump } from './feed-pump.ts'
import type { RawIndex } from './raw-index.ts'
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

/** Of a customer feed nothing else is staged before its own tables exist; these lie under the pii root with it. */
const customerTables: ReadonlySet<FeedRow['table']> = new Set(['quarantine', 'drift'])

/** Reads a feed. Raises FEED_* of the reader, LAKE_*, SQL_FAILED, the signal's reason. */
export async function readFeed(options: ReadFeedOptions): Promise<ReadFeed> {
  const { index, scratch, signal, onProgress, profile } = options
  const raw = await openRaw(options.rawPath, index, scratch.file('decoded.xml'))
  const isCustomer = options.request.raw.kind === 'customer'
  using spool = new RowSpool(scratch)
  using pump = new FeedPump({
    chunks: raw.chunks,
    open: (sink) =>
      options.openReader(sink, { timeZone: profile.timeZone, usagePointIdentity: profile.usagePointIdentity }),
    onRow: (row) => {
      if (!isCustomer || customerTables.has(row.table)) spool.append(row)
    },
    onBytes: (bytes) => onProgress?.('read', bytes, raw.bytes),
    signal,
  })
  await using database = await Database.open({ threads: 1, memoryLimitMb, scratch: scratch.path })
  const sink = options.sink === 'appender' ? appenderSink(database) : tableFunctionSink(database)
  // readings of a customer feed are not staged, but the feed is read to its end all the same
  const readings = await sink.write(
    isCustomer ? () => drain(pump) : () => pump.next(),
    scratch.file('readings.parquet'),
  )
  const { summary } = pump
  if (!summary) throw new Error('the reader has not ended')
  if (!isCustomer && readings.rows !== summary.readings)
    throw new MeterlakeError(
      'INTERNAL',
      `${summary.readings} readings were read from load ${index.sha256.slice(0, 16)}, ${readings.rows} written`,
      { sha256: index.sha256 },
    )
  onProgress?.('stage', 0, 1)
  const files = new Map<StagingTableName, WrittenFile>(await spool.copy(database))
  if (readings.rows > 0) files.set('readings', readings)
  const usagePoints = await countUsagePoints(database, scratch, files)
  onProgress?.('stage', 1, 1)
  const { min, max } = files.get('readings')?.columns['local_date'] ?? {}
  return { summary, files, usagePoints, localDateMin: min ?? null, localDateMax: max ?? null }
}

function drain(pump: FeedPump): undefined {
  while (pump.next());
}

/** Distinct usage points that are described, or have blocks or bills; told apart by 64 bits of hash, which saves keeping their names. */
async function countUsagePoints(database: Database, scratch: Scratch, files: ReadFeed['files']): Promise<number> {
  const tables = (['usage_point', 'meter_reading', 'block', 'usage_summary'] as const).filter((table) =>
    files.has(table),
  )
  if (tables.length === 0) return 0
  const sources = tables.map(
    (table) => `SELECT hash(usage_point_id) AS h FROM ${literal(scratch.file(`${table}.parquet`))}`,
  )
  const [row] = await database.rows(`SELECT count(DISTINCT h)::INTEGER AS n FROM (${sources.join(' UNION ALL ')})`)
  return Number(row?.['n'] ?? 0)
}
