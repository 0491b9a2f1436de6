/** Replays that are stopped, that lack files, and that have no ledger to follow. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { rebuildLake } from '../../warehouse/rebuild-lake.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { queryRows } from '../support/query-rows.ts'
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
  expect({ from: plan.from, lost: plan.lost }).toEqual({ from: 'archive', lost: 'there is no manifest' })
  const moments = plan.commits.map(({ knownAt }) => Date.parse(knownAt ?? ''))
  expect(moments).toEqual(moments.toSorted((a, b) => a - b))
  const differences = await differencesOf(lake.roots, built)
  // who asked for them is lost, and commits are others; the rows in force are not
  expect(differences).toContainEqual(expect.objectContaining({ table: 'notification' }))
  const values = 'SELECT * EXCLUDE (known_at) FROM core.interval ORDER BY ALL'
  expect(await queryRows({ roots: built, sql: values })).toEqual(await queryRows({ roots: lake.roots, sql: values }))
  expect(await verifyLake({ roots: built })).toMatchObject({ findings: [] })
})

test('a ledger whose file was damaged is not followed', async () => {
  const newest = await readNewestManifest(openRoots(lake.roots).lake)
  const path = join(lake.roots.lake, newest?.tables.load[0]?.path ?? '')
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, -3))
  const plan = await planOf(lake.roots)
  await writeFile(path, bytes)
  expect({ from: plan.from, lost: plan.lost }).toEqual({
    from: 'archive',
    lost: expect.stringContaining('ledger/load/'),
  })
})
