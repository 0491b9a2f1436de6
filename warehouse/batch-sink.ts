/** Where the readings of a feed are written: one interface, two ways into the engine that must give equal files. */
import { type ReadingBatch, nullInt32 } from '../schemas/feed-rows.ts'
import type { BatchSource, ColumnBatch, SourceColumn, WrittenFile } from './database.ts'

/** Gives the batches of a feed, synchronously; undefined at its end. What it throws aborts the write. A batch is free again at the next call. */
export type ReadingSource = () => ReadingBatch | undefined

/** Writes all readings of a source, in their order, into one Parquet file in the layout `stagingTables.readings`. */
export interface BatchSink {
  write(next: ReadingSource, file: string): Promise<WrittenFile>
}

/** Rows of a Parquet row group of staged readings. */
export const readingRowGroupRows = 122_880

interface ReadingColumn extends SourceColumn {
  readonly data: (batch: ReadingBatch) => Int32Array
  readonly isNullable?: true
}

const columns: readonly ReadingColumn[] = [
  { name: 'block_seq', type: 'INTEGER', data: (batch) => batch.blockSeq },
  { name: 'start_s', type: 'BIGINT', data: (batch) => batch.startS },
  { name: 'duration_s', type: 'INTEGER', data: (batch) => batch.durationS },
  { name: 'local_date', type: 'DATE', data: (batch) => batch.localDay },
  { name: 'he_seq', type: 'INTEGER', data: (batch) => batch.heSeq },
  { name: 'he_clock', type: 'INTEGER', data: (batch) => batch.heClock },
  { name: 'value', type: 'BIGINT', data: (batch) => batch.value },
  { name: 'quality', type: 'INTEGER', data: (batch) => batch.quality, isNullable: true },
  { name: 'quality_source', type: 'INTEGER', data: (batch) => batch.qualitySource },
  { name: 'tou', type: 'INTEGER', data: (batch) => batch.tou, isNullable: true },
  { name: 'cpp', type: 'INTEGER', data: (batch) => batch.cpp, isNullable: true },
  { name: 'consumption_tier', type: 'INTEGER', data: (batch) => batch.consumptionTier, isNullable: true },
  { name: 'cost', type: 'BIGINT', data: (batch) => batch.cost },
  { name: 'byte_offset', type: 'BIGINT', data: (batch) => batch.byteOffset },
]

/** Columns of a batch as the engine takes them. */
export const readingColumns: readonly SourceColumn[] = columns.map(({ name, type }) => ({ name, type }))

/** The select list that makes them the layout of `stagingTables.readings`. */
export const readingSelect = columns
  .map(({ name }) => (name === 'start_s' ? 'make_timestamptz(start_s * 1000000) AS start_at' : name))
  .join(', ')

const costIndex = columns.findIndex((column) => column.name === 'cost')

/** Marks NULLs of `nullInt32` in one bit a row; null where there are none. */
function maskOfSentinels(data: Int32Array, rows: number): Uint32Array | null {
  let mask: Uint32Array | null = null
  for (let row = 0; row < rows; row++) {
    if (data[row] !== nullInt32) continue
    mask ??= new Uint32Array(Math.ceil(rows / 64) * 2).fill(0xffff_ffff)
    mask[row >>> 5]! &= ~(1 << (row & 31))
  }
  return mask
}

function maskOfFlags(present: Uint8Array, rows: number): Uint32Array | null {
  let mask: Uint32Array | null = null
  for (let row = 0; row < rows; row++) {
    if (present[row] !== 0) continue
    mask ??= new Uint32Array(Math.ceil(rows / 64) * 2).fill(0xffff_ffff)
    mask[row >>> 5]! &= ~(1 << (row & 31))
  }
  return mask
}

/** A source of readings as a source of columns. */
export function columnSource(next: ReadingSource): BatchSource {
  return (): ColumnBatch | undefined => {
    const batch = next()
    if (!batch) return undefined
    const { rows } = batch
    const data = columns.map((column) => column.data(batch))
    const validity = columns.map((column, index) => (column.isNullable ? maskOfSentinels(data[index]!, rows) : null))
    validity[costIndex] = maskOfFlags(batch.costPresent, rows)
    return { rows, columns: data, validity }
  }
}
