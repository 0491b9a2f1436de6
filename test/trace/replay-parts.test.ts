/** Replays that are stopped, that lack files, and that have no ledger to follow. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readManifest, readNewestManifest } from '../../warehouse/manifest.ts'
import { rebuildLake } from '../../warehouse/rebuild-lake.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { createLake } from '../support/lake.ts'
import { queryRows } from '../support/query-rows.ts'
import { againThenLate, loadGroups } from './colliding-feeds.ts'
import { builtIn, differencesOf, planOf, rebuild, stepsHere } from './replayed.ts'
import { createTracedLake, timeZone, type TracedLake } from './traced-lake.ts'

let lake: TracedLake
beforeAll(async () => {
  lake = await createTracedLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

test('stopped half-way, it goes on', async () => {
  const built = builtIn(lake.dir, 'halves')
  const plan = await planOf(lake.roots)
  const steps = stepsHere(built)
  let left = 4
  const failing = {
    ...steps,
    publish: async (knownAt: Date) => {
      if ((left -= 1) < 0) throw new Error('stopped')
      return await steps.publish(knownAt)
    },
  }
  const options = {
    from: lake.roots,
    to: built,
    takesPersonal: true,
    timeZone,
    commits: plan.commits,
  }
  await expect(rebuildLake({ ...options, steps: failing, version: 'test', width: 2 })).rejects.toThrow('stopped')
  expect((await readNewestManifest(openRoots(built).lake))?.n).toBeLessThan(lake.commits)
  expect(await rebuild(lake.roots, built)).toEqual([])
  expect(await differencesOf(lake.roots, built)).toEqual([])
})

test('a folder that holds another lake is left alone', async () => {
  await using other = await createLake()
  await loadGroups(other, againThenLate.slice(0, 2))
  await expect(rebuild(lake.roots, other.roots)).rejects.toThrow('holds another lake')
  await expect(rebuild(other.roots, lake.roots)).rejects.toThrow('holds another lake')
  expect(await verifyLake({ roots: other.roots })).toMatchObject({ findings: [] })
  expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [] })
})

test('feeds that are not at hand are left out and named', async () => {
  const { lake: storage } = openRoots(lake.roots)
  const newest = await readNewestManifest(storage)
  const customers = newest?.pii.raw[0]
  const path = join(lake.roots.pii, customers?.path ?? '')
  const bytes = await readFile(path)
  await rm(path)
  const built = builtIn(lake.dir, 'without')
  const lost = await rebuild(lake.roots, built)
  await writeFile(path, bytes)
  expect(lost).toEqual([{ loadId: customers?.sha256.slice(0, 16), reason: expect.stringContaining('is not at hand') }])
  const differences = await differencesOf(lake.roots, built)
  expect(differences).toContainEqual({ table: 'load', day: null, onlyHere: 1, onlyThere: 0, changed: 0, note: null })
  expect(new Set(differences.map(({ table }) => table))).toContain('pii.customer')
  expect(differences.some(({ table }) => table === 'current')).toBe(false)
})

test('without a ledger: commits by the moments at which files came; what is in force is the same', async () => {
  const manifests = join(lake.roots.lake, 'manifests')
  const aside = join(lake.dir, 'manifests')
  await rename(manifests, aside)
  const plan = await planOf(lake.roots)
  const built = builtIn(lake.dir, 'lost')
  await rebuild(lake.roots, built)
  await rename(aside, manifests)
  expect(plan.lost).toBe('there is no manifest')
  const moments = plan.commits.map(({ knownAt }) => Date.parse(knownAt ?? ''))
  expect(moments).toEqual(moments.toSorted((a, b) => a - b))
  const differences = await differencesOf(lake.roots, built)
  // who asked for them is lost, and commits are others; the rows in force are not
  expect(differences).toContainEqual(expect.objectContaining({ table: 'notification' }))
  const values = 'SELECT * EXCLUDE (known_at) FROM core.interval ORDER BY ALL'
  expect(await queryRows({ roots: built, sql: values })).toEqual(await queryRows({ roots: lake.roots, sql: values }))
  expect(await verifyLake({ roots: built })).toMatchObject({ findings: [] })
})

test('a ledger whose newest part was damaged is followed up to there; what it does not tell of comes after', async () => {
  const { lake: storage } = openRoots(lake.roots)
  const newest = await readNewestManifest(storage)
  const before = await readManifest(storage, lake.commits - 1)
  const last = newest?.tables.load.find(({ path }) => !before?.tables.load.some((file) => file.path === path))
  const path = join(lake.roots.lake, last?.path ?? '')
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, -3))
  const plan = await planOf(lake.roots)
  const built = builtIn(lake.dir, 'tail')
  await rebuild(lake.roots, built)
  await writeFile(path, bytes)
  expect(plan.lost).toContain('ledger/load/')
  expect(plan.commits.map(({ n }) => n)).toEqual(Array.from({ length: lake.commits }, (_, at) => at + 1))
  // of the last commit it is only not known when it was made
  const differences = await differencesOf(lake.roots, built)
  const changed = { day: null, onlyHere: 0, onlyThere: 0, changed: 1, note: null }
  expect(differences).toEqual(['load', 'series_pair'].map((table) => ({ table, ...changed })))
})
