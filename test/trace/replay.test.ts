/** A lake rebuilt from its archive equals the one it was built from: now, as of every commit, and as published. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { personalTables } from '../../schemas/tables-personal.ts'
import { readManifest, readNewestManifest } from '../../warehouse/manifest.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { answersOf, builtIn, differencesOf, rebuild } from './replayed.ts'
import { createTracedLake, type TracedLake } from './traced-lake.ts'

const published = ['2025-11-03T12:00:00Z', '2025-11-05T01:30:00Z', '2025-11-06T06:00:00Z', '2025-11-08T00:00:00Z']

let lake: TracedLake
beforeAll(async () => {
  lake = await createTracedLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

async function personalRows(path: string): Promise<Record<string, unknown>> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' })
  const connection = await instance.connect()
  try {
    const found: Record<string, unknown> = {}
    for (const table of Object.keys(personalTables))
      found[table] = (await connection.runAndReadAll(`SELECT * FROM ${table}_version ORDER BY ALL`)).getRowObjectsJson()
    return found
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

test('everything: current, as of each commit, as published, dimensions, ledger, customers', async () => {
  const built = builtIn(lake.dir)
  expect(await rebuild(lake.roots, built)).toEqual([])
  const answers = await answersOf(built, published)
  expect(answers).toEqual(await answersOf(lake.roots, published))
  expect(Object.keys(answers).length).toBeGreaterThan(30)
  // the answers are worth something: those as of the commits differ
  const asOf = Object.entries(answers).filter(([query]) => query.includes('interval_asof'))
  expect(new Set(asOf.map(([, answer]) => JSON.stringify(answer))).size).toBeGreaterThan(asOf.length - 3)
  expect(await personalRows(join(built.pii, 'pii.duckdb'))).toEqual(
    await personalRows(join(lake.roots.pii, 'pii.duckdb')),
  )
  expect(await differencesOf(lake.roots, built)).toEqual([])
  expect(await verifyLake({ roots: built })).toMatchObject({ findings: [], skipped: [] })
  const [one, other] = await Promise.all([lake.roots, built].map((roots) => readNewestManifest(openRoots(roots).lake)))
  expect({ n: other?.n, knownAt: other?.knownAt }).toEqual({ n: one?.n, knownAt: one?.knownAt })
})

test('since a commit: what came before is taken as it is; where its files are gone, that is said', async () => {
  const built = builtIn(lake.dir, 'since')
  await rebuild(lake.roots, built, 5)
  expect(await differencesOf(lake.roots, built)).toEqual([])
  const { lake: storage } = openRoots(lake.roots)
  const fifth = await readManifest(storage, 5)
  const newest = await readNewestManifest(storage)
  const named = new Set(newest?.current.files.map(({ path }) => path))
  const old = fifth?.current.files.find(({ path }) => !named.has(path))?.path ?? ''
  const bytes = await readFile(join(lake.roots.lake, old))
  await rm(join(lake.roots.lake, old))
  await expect(rebuild(lake.roots, builtIn(lake.dir, 'gone'), 5)).rejects.toThrow('is not there any more')
  await writeFile(join(lake.roots.lake, old), bytes)
})
