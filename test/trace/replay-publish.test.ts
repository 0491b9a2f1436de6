/** A rebuilt lake in the place of the published one: whole or not at all, wherever it is killed; and everything goes on after it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { namedFiles } from '../../warehouse/named-files.ts'
import { formatPath } from '../../warehouse/paths.ts'
import { publishReplay } from '../../warehouse/publish-replay.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import { killHard, seededNumbers } from '../support/kill-points.ts'
import { againThenLate, loadGroups } from './colliding-feeds.ts'
import { builtIn, rebuild } from './replayed.ts'

const program = fileURLToPath(new URL('replay-child.ts', import.meta.url))

let lake: TestLake
let built: LakeRoots
beforeAll(async () => {
  lake = await createLake()
  await loadGroups(lake, againThenLate.slice(0, 5))
  built = builtIn(lake.dir)
  await rebuild(lake.roots, built)
})
afterAll(() => lake[Symbol.asyncDispose]())

const newestOf = async (roots: LakeRoots) => {
  const manifest = await readNewestManifest(openRoots(roots).lake)
  if (!manifest) throw new Error(`${roots.lake} has no manifest`)
  return manifest
}
const publishOptions = async (replayed: number) => ({
  roots: lake.roots,
  built,
  rebuilt: await newestOf(built),
  replayed,
  version: 'test',
  now: () => new Date(),
})

/** What any client reads in views.duckdb, as it stands. */
const seen = () =>
  lake.query(`SELECT 'current' AS of, count(*) AS n, sum(hash(t)::HUGEINT) AS rows FROM core.interval t
    UNION ALL SELECT 'versions', count(*), sum(hash(t)::HUGEINT) FROM core.interval_version t
    UNION ALL SELECT 'before', count(*), sum(hash(t)::HUGEINT) FROM core.interval_asof((SELECT max(known_at) - INTERVAL 1 SECOND FROM ops.load)) t
    UNION ALL SELECT 'load', count(*), sum(hash(t)::HUGEINT) FROM (SELECT COLUMNS(c -> c <> 'load_s') FROM ops.load) t ORDER BY 1`)

test('killed at any point, while others read: the lake is as it was or as it is meant to be, and always says the same', async () => {
  const expected = await seen()
  const random = seededNumbers(7)
  let killed = 0
  let published = 0
  let reads = 0
  let lastsMs = 0
  for (let round = 0; killed < 8 && round < 60; round += 1) {
    const before = (await newestOf(lake.roots)).n
    const child = spawn(process.execPath, [program, lake.roots.lake, lake.roots.pii, built.lake, built.pii], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const began = performance.now()
    const ended = once(child, 'exit')
    const isOver = new AbortController()
    const read = async () => {
      for (; !isOver.signal.aborted; reads += 1) expect(await seen()).toEqual(expected)
    }
    const reading = read()
    // some run to their end: that is how long they last
    if (round % 6 > 0) {
      await Promise.race([sleep(random() * lastsMs), ended])
      if (child.exitCode === null && child.pid !== undefined && killHard(child.pid)) killed += 1
    }
    await ended
    isOver.abort()
    await reading
    if (round % 6 === 0) lastsMs = performance.now() - began
    const after = (await newestOf(lake.roots)).n
    expect([before, before + 1]).toContain(after)
    if (after > before) published += 1
  }
  expect(reads).toBeGreaterThan(20)
  expect(killed).toBe(8)
  expect(published).toBeGreaterThan(0)
  // killed between the manifest and its views: the next load or query makes them
  await ensureViews(lake.roots)
  expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [], skipped: [] })
})

test('a publish that came between is not lost: the replay steps back, then takes it along', async () => {
  const planned = (await newestOf(lake.roots)).n
  await loadGroups(lake, againThenLate.slice(5, 6))
  expect(await publishReplay(await publishOptions(planned))).toBeUndefined()
  expect((await newestOf(lake.roots)).n).toBe(planned + 1)
  const answers = await seen()
  await rebuild(lake.roots, built)
  expect(await publishReplay(await publishOptions(planned + 1))).toBe(planned + 2)
  expect(await seen()).toEqual(answers)
})

test('it mends files that were lost, and loads go on after it as if nothing had been', async () => {
  const files = namedFiles(await newestOf(lake.roots)).filter(({ kind }) =>
    ['current', 'history', 'receipts', 'channel'].includes(kind),
  )
  // a built lake has its own files: those of the first were linked when it was published
  await rm(join(lake.dir, 'rebuilt'), { recursive: true })
  for (const { ref } of files) await rm(join(lake.roots.lake, ref.path))
  expect((await verifyLake({ roots: lake.roots })).findings).toHaveLength(files.length)
  await rebuild(lake.roots, built)
  const { n } = await newestOf(lake.roots)
  expect(await publishReplay(await publishOptions(n))).toBe(n + 1)
  await loadGroups(lake, againThenLate.slice(6))
  expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [], skipped: [] })

  await using other = await createLake()
  await loadGroups(other, againThenLate.slice(0, 5))
  await loadGroups(other, againThenLate.slice(5, 6))
  await loadGroups(other, againThenLate.slice(6))
  const values = 'SELECT start_at, duration_s, value, quality, published_at FROM core.interval ORDER BY ALL'
  expect(await lake.query(values)).toEqual(await other.query(values))
})

test('without a ledger it becomes the next commit, with numbers of its own', async () => {
  const values = 'SELECT start_at, duration_s, value, published_at, load_id FROM core.interval ORDER BY ALL'
  const before = await lake.query(values)
  const manifest = await newestOf(lake.roots)
  for (const { path } of manifest.tables.load) await writeFile(join(lake.roots.lake, path), 'lost')
  await rm(join(lake.dir, 'rebuilt'), { recursive: true })
  await rebuild(lake.roots, built)
  const n = await publishReplay(await publishOptions(manifest.n))
  expect(n).toBeGreaterThan(manifest.n)
  expect(await lake.query(values)).toEqual(before)
  expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [], skipped: [] })
})

test('the newest manifest cannot be read: it is displaced by the next, made from the ledger before it', async () => {
  const values = 'SELECT start_at, duration_s, value, published_at, load_id FROM core.interval ORDER BY ALL'
  const before = await lake.query(values)
  const known = await lake.query('SELECT known_at FROM ops.load ORDER BY ALL')
  const { n } = await newestOf(lake.roots)
  await writeFile(join(lake.roots.lake, formatPath({ kind: 'manifest', n })), '{')
  await rm(join(lake.dir, 'rebuilt'), { recursive: true })
  await rebuild(lake.roots, built)
  expect(await publishReplay(await publishOptions(0))).toBeGreaterThan(n)
  expect(await lake.query(values)).toEqual(before)
  expect(await lake.query('SELECT known_at FROM ops.load ORDER BY ALL')).toEqual(known)
})
