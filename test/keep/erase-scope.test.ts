/** Customers, and what retention is over for. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { firstDayKept, tombstonesFor } from '../../bin/erasure-scope.ts'
import { scanEntries } from '../../espi/entry-spans.ts'
import type { EntrySpan } from '../../schemas/entry-span.ts'
import { Database } from '../../warehouse/database.ts'
import { openLocalScratch } from '../../warehouse/local-scratch.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { formatPath } from '../../warehouse/paths.ts'
import { readIndex } from '../../warehouse/raw-archive.ts'
import { receivedChunks } from '../../warehouse/raw-reader.ts'
import { textOf } from '../../warehouse/row-values.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { customerMark, usagePointMark } from '../../warehouse/tombstones.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { queryRows } from '../support/query-rows.ts'
import { builtIn } from '../trace/replayed.ts'
import { createTracedLake, type TracedLake } from '../trace/traced-lake.ts'
import { erase, filesHolding, keyOf } from './erased.ts'

let lake: TracedLake
beforeEach(async () => {
  lake = await createTracedLake({ meters: 3 })
}, 120_000)
afterEach(() => lake[Symbol.asyncDispose]())

const ask = (sql: string) => queryRows({ roots: lake.roots, sql })

test('retention: readings and bills before the day go, but those on hold', { timeout: 200_000 }, async () => {
  const { roots } = lake
  const until = '2025-11-04T08:00:00.000Z'
  const held = [...lake.fleet.usagePoints()][1]?.usagePointId ?? ''
  const isKept = `(start_at >= TIMESTAMPTZ '2025-11-04 08:00:00Z' OR usage_point_id = '${held}')`
  const kept = () => ask(`FROM core.interval_version WHERE ${isKept} ORDER BY ALL`)
  const current = () => ask(`FROM core.interval WHERE ${isKept} ORDER BY ALL`)
  const meters = () => ask('FROM core.usage_point ORDER BY ALL')
  const before = [await kept(), await current(), await meters()]
  const old = `SELECT count(*)::INTEGER AS n FROM core.interval_version WHERE NOT ${isKept}`
  expect((await ask(old))[0]?.['n']).toBeGreaterThan(100)

  const bills = `SELECT count(*)::INTEGER AS n FROM core.usage_summary
    WHERE billing_start_at + to_seconds(billing_duration_s) <= TIMESTAMPTZ '2025-11-04 08:00:00Z' AND usage_point_id <> '${held}'`
  expect((await ask(bills))[0]?.['n']).toBeGreaterThan(0)
  await erase(roots, builtIn(lake.dir), (key) => ({ mark: null, until, except: [usagePointMark(key, held)] }))
  expect([await kept(), await current(), await meters()]).toEqual(before)
  expect((await ask(old))[0]?.['n']).toBe(0)
  expect((await ask(bills))[0]?.['n']).toBe(0)
  expect((await verifyLake({ roots })).findings).toEqual([])
  // nor does the archive hold them
  const { lake: storage } = openRoots(roots)
  const spans: EntrySpan[] = []
  for (const { sha256 } of (await readNewestManifest(storage))?.raw ?? []) {
    const index = await readIndex(storage, sha256)
    if (!index) throw new Error(`${sha256} is not whole`)
    const path = storage.locate(formatPath({ kind: 'raw', sha256 }))
    scanEntries(receivedChunks(path, index, false), (span) => spans.push(span))
  }
  const others = spans.filter(({ hrefs }) => !hrefs.some((href) => href.includes(held)))
  const starts = others.flatMap(({ readings }) => readings.map(({ startS }) => startS))
  expect(starts.length).toBeGreaterThan(100)
  expect(Math.min(...starts) * 1000).toBeGreaterThanOrEqual(Date.parse(until))
})

test('a customer: what is personal goes, the usage stays', { timeout: 200_000 }, async () => {
  const { roots, fleet } = lake
  const usagePoint = [...fleet.usagePoints()][1]?.usagePointId ?? ''
  const [row] = await ask(
    `SELECT customer_key FROM core.usage_point_attribute WHERE usage_point_id = '${usagePoint}' AND customer_key IS NOT NULL`,
  )
  const customer = textOf(row, 'customer_key')
  const pii = `ATTACH '${roots.pii}/pii.duckdb' AS pii (READ_ONLY)`
  const personal = async () => {
    await using scratch = await openLocalScratch()
    await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: scratch.path })
    await db.run(pii)
    const count = await db.rows('SELECT customer_key FROM pii.customer')
    const [named] = await db.rows(`SELECT * FROM pii.customer WHERE customer_key = '${customer}'`)
    return { keys: count.map((each) => textOf(each, 'customer_key')).sort(), named }
  }
  const before = await personal()
  const words = [customer, textOf(before.named, 'customer_id'), textOf(before.named, 'name')]
  expect(words.every((word) => word.length > 3)).toBe(true)
  expect((await filesHolding(roots, words)).length).toBeGreaterThan(2)
  const intervals = await ask('FROM core.interval ORDER BY ALL')

  await erase(roots, builtIn(lake.dir), (key) => ({ mark: customerMark(key, customer) }))
  expect(await filesHolding(roots, words)).toEqual([])
  expect((await personal()).keys).toEqual(before.keys.filter((key) => key !== customer))
  expect(await ask('FROM core.interval ORDER BY ALL')).toEqual(intervals)
  expect((await verifyLake({ roots })).findings).toEqual([])
})

test('scopes: days of retention, and usage points of a customer', async () => {
  expect(firstDayKept('2026-11-22T00:00:00Z', 60)).toBe('2021-11-22')
  expect(firstDayKept('2024-02-29T00:00:00Z', 12)).toBe('2023-02-28')
  expect(firstDayKept('2026-01-31T00:00:00Z', 2)).toBe('2025-11-30')
  const { lake: storage } = openRoots(lake.roots)
  const manifest = await readNewestManifest(storage)
  if (!manifest) throw new Error('nothing was published')
  const key = await keyOf(lake.roots)
  await using scratch = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: scratch.path })
  const [row] = await ask(
    'SELECT usage_point_id, customer_key FROM core.usage_point_attribute WHERE customer_key IS NOT NULL',
  )
  const of = { db, lake: storage, manifest, key }
  const named = {
    kind: 'named',
    usagePoints: [],
    customers: [textOf(row, 'customer_key')],
    keepsUsage: false,
    forever: true,
  } as const
  const marks = (await tombstonesFor(named, '2026-01-01T00:00:00Z', of)).map(({ mark }) => mark)
  expect(marks).toContain(usagePointMark(key, textOf(row, 'usage_point_id')))
  expect(marks).toContain(customerMark(key, textOf(row, 'customer_key')))
  const retention = { kind: 'retention', months: 60, held: ['U9'] } as const
  expect(await tombstonesFor(retention, '2026-11-22T12:00:00Z', of)).toMatchObject([
    { mark: null, until: '2021-11-22T08:00:00.000Z', except: [usagePointMark(key, 'U9')] },
  ])
})
