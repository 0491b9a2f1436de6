/** What gc takes, and what it must leave. */
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { collectGarbage } from '../../warehouse/collect-garbage.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { namedFiles } from '../../warehouse/named-files.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { queryLake } from '../support/lake-rows.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'
import { createTracedLake } from '../trace/traced-lake.ts'
import { age, commitVersion, contentsOf, createWornLake, day_ms, filesIn, versionOf } from './worn-lake.ts'

const graceMs = 7 * day_ms
const isTable = (path: string) => /^(?:current|overlay|history|receipts|parked|dims|ledger|tables)\//.test(path)

test('files no manifest of the grace names go, the rest of the lake says what it said', async () => {
  await using lake = await createWornLake(4)
  const { roots } = lake
  const before = await contentsOf(roots)
  expect(await collectGarbage({ roots, graceMs, dryRun: false })).toMatchObject({ files: [] })

  await age(roots.lake, 8)
  const planned = await collectGarbage({ roots, graceMs, dryRun: true })
  expect((await filesIn(roots.lake)).filter((path) => path.startsWith('manifests/'))).toHaveLength(4)
  const { files } = await collectGarbage({ roots, graceMs, dryRun: false })
  expect(files.map(({ path }) => path)).toEqual(planned.files.map(({ path }) => path))
  expect(files.every(({ bytes }) => bytes > 0)).toBe(true)
  // three days of three older commits
  expect(files.filter(({ path }) => path.startsWith('current/'))).toHaveLength(9)

  const newest = await readNewestManifest(openRoots(roots).lake)
  const named = newest ? namedFiles(newest).map(({ ref }) => ref.path) : []
  expect((await filesIn(roots.lake)).filter(isTable)).toEqual(named.filter(isTable).sort())
  expect((await filesIn(roots.lake)).filter((path) => path.startsWith('manifests/'))).toEqual([
    'manifests/000000000004.json',
  ])
  expect(await contentsOf(roots)).toEqual(before)
  expect(await collectGarbage({ roots, graceMs, dryRun: false })).toMatchObject({ files: [] })
  await commitVersion(roots, 5)
  expect((await contentsOf(roots)).loads).toHaveLength(5)
})

test('both roots of a lake with customers, bills and a parked past: verify finds nothing wrong', async () => {
  await using lake = await createTracedLake({ meters: 6 })
  const { roots } = lake
  await age(roots.lake, 9)
  await age(roots.pii, 9)
  const raw = (await filesIn(roots.pii)).filter((path) => path.startsWith('raw/'))
  const before = await contentsOf(roots)
  const { files, tookPersonal } = await collectGarbage({ roots, graceMs, dryRun: false })
  expect(tookPersonal).toBe(true)
  expect(files.length).toBeGreaterThan(10)
  expect(files.some(({ path }) => path.startsWith('raw/'))).toBe(false)
  expect((await filesIn(roots.pii)).filter((path) => path.startsWith('raw/'))).toEqual(raw)
  expect((await verifyLake({ roots })).findings).toEqual([])
  expect(await contentsOf(roots)).toEqual(before)
})

test('views of a commit that was replaced within the grace still read their files', async () => {
  await using lake = await createWornLake(2)
  const { roots, dir } = lake
  await age(roots.lake, 20)
  const old = join(dir, 'old')
  await mkdir(old)
  await copyFile(join(roots.lake, 'views.duckdb'), join(old, 'views.duckdb'))
  const said = await queryLake(old, 'FROM core.interval ORDER BY ALL')
  // commit 2 ceased to be the newest just now, however old its files are; commit 1 did so 20 days ago
  await commitVersion(roots, 3)
  const { files } = await collectGarbage({ roots, graceMs, dryRun: false })
  expect(files.map(({ path }) => path)).toContain('manifests/000000000001.json')
  expect(files.some(({ path }) => /\/2-/.test(path))).toBe(false)
  expect(await queryLake(old, 'FROM core.interval ORDER BY ALL')).toEqual(said)
})

test('what others may be writing, wait for or have received stays; what they left for dead goes', async () => {
  await using lake = await createWornLake(1)
  const { roots } = lake
  const put = async (path: string, days: number) => {
    await mkdir(dirname(join(roots.lake, path)), { recursive: true })
    await writeFile(join(roots.lake, path), 'x')
    await age(roots.lake, days, (other) => other === path)
  }
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]
  const stays = [
    // a publisher's that is about to commit
    'current/dt=2026-03-01/2-abc.parquet',
    'staging/0123456789abcdef/1-abc/readings.parquet',
    `staging/fedcba9876543210/${process.pid}-abc/block.parquet`,
    // received, and not loaded: it waits for an operator
    `raw/aa/${a}.json`,
    `raw/aa/${a}.xml.zst`,
    `raw/bb/${b}.xml.zst`,
    `state/scratch/${process.pid}-cafe/rows`,
    'state/incoming/package.part',
    'current/notes.txt',
    'README.md',
  ]
  const goes = [
    'current/dt=2026-03-01/1-abc.parquet',
    'history/1-abc.parquet',
    'staging/0011223344556677/7-abc/readings.parquet',
    `raw/cc/${c}.xml.zst`,
    'raw/cc/.0123456789abcdef.tmp',
    'manifests/.0123456789abcdef.tmp',
  ]
  await age(roots.lake, 30)
  for (const path of stays) await put(path, 8)
  await age(roots.lake, 0, (path) => path.startsWith('staging/fedcba') || path.startsWith('raw/bb/'))
  for (const path of goes) await put(path, 8)
  await writeFile(join(roots.lake, 'staging/0123456789abcdef/stage.json'), '{}')
  const { files } = await collectGarbage({ roots, graceMs, dryRun: true })
  expect(files.map(({ path }) => path)).toEqual(goes.sort())
  // without grace too, what is younger than an hour may be somebody's work
  const all = await collectGarbage({ roots, graceMs: 0, dryRun: true })
  expect(all.files.map(({ path }) => path)).toEqual(goes)
})

test('a staged load is published after gc', async () => {
  await using lake = await createWornLake(1)
  const { roots } = lake
  await stageFeed(roots, versionOf(2))
  await age(roots.lake, 400)
  await collectGarbage({ roots, graceMs, dryRun: false })
  expect((await publishStaged({ roots, timeZone })).loads).toHaveLength(1)
  expect((await verifyLake({ roots })).findings.filter(({ check }) => check !== 'archive')).toEqual([])
})

test('without a manifest nothing is removed', async () => {
  await using lake = await createWornLake(1)
  const { roots, dir } = lake
  await rename(join(roots.lake, 'manifests'), join(dir, 'manifests'))
  await age(roots.lake, 400)
  const before = await filesIn(roots.lake)
  await expect(collectGarbage({ roots, graceMs: 0, dryRun: false })).rejects.toMatchObject({ code: 'LAKE_MISSING' })
  expect(await filesIn(roots.lake)).toEqual(before)
  await mkdir(join(roots.lake, 'manifests'))
  await writeFile(join(roots.lake, 'manifests/000000000001.json'), '{"n":')
  await expect(collectGarbage({ roots, graceMs: 0, dryRun: false })).rejects.toMatchObject({ code: 'LAKE_CORRUPT' })
  const empty = { lake: join(dir, 'none'), pii: join(dir, 'none-pii') }
  await expect(collectGarbage({ roots: empty, graceMs: 0, dryRun: true })).rejects.toMatchObject({
    code: 'LAKE_MISSING',
  })
})
