import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MeterlakeError } from '../../schemas/errors.ts'
import { nullInt32, type ReadingBatch } from '../../schemas/feed-rows.ts'
import { stagingTables } from '../../schemas/staging.ts'
import { appenderSink } from '../../warehouse/appender-sink.ts'
import type { BatchSink } from '../../warehouse/batch-sink.ts'
import { duckdbType } from '../../warehouse/columns.ts'
import { Database, type Row } from '../../warehouse/database.ts'
import { batchRows, createReadingBatch } from '../../warehouse/reading-batch.ts'
import { tableFunctionSink } from '../../warehouse/table-function-sink.ts'

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'meterlake-sink-'))
})
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true })
})

interface Reading {
  readonly start: number
  readonly value: number
  readonly quality: number | null
  readonly tou: number | null
  readonly cost: number | null
  readonly offset: number
}

const int48 = fc.integer({ min: -(2 ** 47), max: 2 ** 47 - 1 })
const reading: fc.Arbitrary<Reading> = fc.record({
  start: fc.integer({ min: -2_000_000_000, max: 8_000_000_000 }),
  value: int48,
  quality: fc.option(fc.integer({ min: 0, max: 19 })),
  tou: fc.option(fc.integer({ min: -1, max: 7 })),
  cost: fc.option(int48),
  offset: fc.integer({ min: 0, max: 2 ** 40 }),
})

const setPair = (pairs: Int32Array, row: number, value: number) => {
  pairs[2 * row] = value | 0
  pairs[2 * row + 1] = Math.floor(value / 2 ** 32)
}

function fill(batch: ReadingBatch, readings: readonly Reading[], from: number) {
  for (const [row, { start, value, quality, tou, cost, offset }] of readings.entries()) {
    batch.blockSeq[row] = from + row
    setPair(batch.startS, row, start)
    batch.durationS[row] = 900
    setPair(batch.value, row, value)
    batch.quality[row] = quality ?? nullInt32
    batch.qualitySource[row] = quality === null ? 0 : 1
    batch.tou[row] = tou ?? nullInt32
    batch.cpp[row] = nullInt32
    batch.consumptionTier[row] = 3
    batch.costPresent[row] = cost === null ? 0 : 1
    setPair(batch.cost, row, cost ?? -1)
    batch.localDay[row] = Math.floor(start / 86_400)
    batch.heSeq[row] = 1
    batch.heClock[row] = 24
    setPair(batch.byteOffset, row, offset)
  }
  batch.rows = readings.length
}

/** Batches of the given sizes out of one reused batch, as a reader would. */
function source(batches: readonly (readonly Reading[])[]) {
  const batch = createReadingBatch()
  let next = 0
  let rows = 0
  return () => {
    const readings = batches[next++]
    if (!readings) return undefined
    fill(batch, readings, rows)
    rows += readings.length
    return batch
  }
}

const iso = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10)

const sinks = { table_function: tableFunctionSink, appender: appenderSink } as const
const select =
  "block_seq, epoch(start_at)::BIGINT AS start, duration_s, value, quality, tou, cpp, consumption_tier AS tier, cost, byte_offset, (local_date - DATE '1970-01-01')::INTEGER AS day"

async function written(make: (database: Database) => BatchSink, batches: readonly (readonly Reading[])[]) {
  const file = join(scratch, `${crypto.randomUUID()}.parquet`)
  await using database = await Database.open({ threads: 1, memoryLimitMb: 256, scratch })
  const facts = await make(database).write(source(batches), file)
  const rows = await database.rows(`SELECT ${select} FROM '${file}'`)
  const layout = await database.rows(`SELECT column_name || ' ' || column_type AS c FROM (DESCRIBE FROM '${file}')`)
  return { facts, rows, layout: layout.map((row) => row['c']) }
}

const expected = (batches: readonly (readonly Reading[])[]): Row[] =>
  batches.flat().map(({ start, value, quality, tou, cost, offset }, row) => ({
    block_seq: row,
    start: String(start),
    duration_s: 900,
    value: String(value),
    quality,
    tou,
    cpp: null,
    tier: 3,
    cost: cost === null ? null : String(cost),
    byte_offset: String(offset),
    day: Math.floor(start / 86_400),
  }))

describe.each(Object.entries(sinks))('%s', (_, make) => {
  test('every reading arrives as it was, in order, NULLs included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(reading, { maxLength: 70 }), { maxLength: 5 }), async (batches) => {
        const { rows, facts } = await written(make, batches)
        expect(rows).toEqual(expected(batches))
        expect(facts.rows).toBe(batches.flat().length)
      }),
      { numRuns: 15 },
    )
  })

  test('batches larger than a vector, not a multiple of it', async () => {
    const some = fc.sample(reading, { numRuns: 500, seed: 7 })
    const batches = [batchRows, 2049, 1, batchRows - 1].map((rows) =>
      Array.from({ length: rows }, (_v, n) => some[n % 500]!),
    )
    const { rows, facts } = await written(make, batches)
    expect(rows).toEqual(expected(batches))
    const days = expected(batches).map((row) => Number(row['day']))
    expect(facts.columns['local_date']).toEqual({ min: iso(Math.min(...days)), max: iso(Math.max(...days)) })
  })

  test('the file has the layout of stagingTables.readings', async () => {
    const { layout } = await written(make, [])
    const types = stagingTables.readings.fields.map((field) => `${field.name} ${duckdbType(field.type)}`)
    expect(layout).toEqual(types.map((type) => type.replace('TIMESTAMPTZ', 'TIMESTAMP WITH TIME ZONE')))
  })

  test('what the source throws comes out as it was', async () => {
    const refusal = new MeterlakeError('FEED_TRUNCATED', 'the feed ends inside entry 3')
    const failing = () => {
      throw refusal
    }
    await using database = await Database.open({ threads: 1, memoryLimitMb: 256, scratch })
    await expect(make(database).write(failing, join(scratch, 'never.parquet'))).rejects.toBe(refusal)
    expect(await database.rows('SELECT 1 AS alive')).toEqual([{ alive: 1 }])
  })

  test('a batch shorter than it says is refused, not read beyond', async () => {
    const batch = createReadingBatch(10)
    batch.rows = 2048
    const sources = [batch]
    await using database = await Database.open({ threads: 1, memoryLimitMb: 256, scratch })
    await expect(make(database).write(() => sources.pop(), join(scratch, 'never.parquet'))).rejects.toThrow(/shorter/)
  })
})
