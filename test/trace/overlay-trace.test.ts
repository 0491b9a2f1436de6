/** Corrections that stand beside the files of their days are verified, explained and replayed like any other row. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { explainMoment } from '../../warehouse/explain.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { type NamedFile, namedFiles } from '../../warehouse/named-files.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import { publishForms } from '../support/publish-forms.ts'
import { againThenLate, origin_s, xmlOf } from './colliding-feeds.ts'
import { builtIn, differencesOf, rebuild } from './replayed.ts'
import { rewriteFile } from './rewritten-file.ts'
import { stageArrival, timeZone } from './traced-lake.ts'

let lake: TestLake
let overlay: NamedFile
beforeAll(async () => {
  lake = await createLake()
  for (const [at, group] of againThenLate.entries()) {
    for (const one of group) {
      const receivedAt = `2026-03-0${at + 1}T00:00:00.000Z`
      await stageArrival(lake, { name: `${at}.xml`, bytes: Buffer.from(xmlOf(one, at)), receivedAt })
    }
    const now = () => new Date(`2026-03-0${at + 1}T01:00:00Z`)
    await publishStaged({ roots: lake.roots, timeZone, limits: publishForms.beside, now })
  }
  const manifest = await readNewestManifest(openRoots(lake.roots).lake)
  overlay = namedFiles(manifest as NonNullable<typeof manifest>).findLast(({ kind }) => kind === 'overlay') as NamedFile
})
afterAll(() => lake[Symbol.asyncDispose]())

test('nothing is wrong with it, in whole and since a moment', async () => {
  expect(overlay.ref.rows).toBeGreaterThan(0)
  expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [], skipped: [] })
  const since = await verifyLake({ roots: lake.roots, since: new Date('2026-03-05T00:00:00Z') })
  expect(since).toMatchObject({ findings: [], skipped: [] })
  expect(since.intervals).toBeGreaterThan(0)
})

test('explained as it is', async () => {
  const [row] = await lake.query(`SELECT * FROM core.interval WHERE start_at = to_timestamp(${origin_s})`)
  const [interval] = await explainMoment({
    roots: lake.roots,
    usagePointId: 'U1',
    at: new Date(origin_s * 1000),
    findReading,
  })
  expect(interval?.versions.find(({ state }) => state === 'current')).toMatchObject({
    value: row?.['value'],
    load: { loadId: row?.['load_id'] },
  })
})

test('changed or gone, it is found', async () => {
  const path = join(lake.roots.lake, overlay.ref.path)
  const before = await readFile(path)
  const n = (await readNewestManifest(openRoots(lake.roots).lake))?.n ?? 0
  const manifestPath = join(lake.roots.lake, `manifests/${String(n).padStart(12, '0')}.json`)
  const said = await readFile(manifestPath)
  await rm(path)
  expect((await verifyLake({ roots: lake.roots })).findings).toMatchObject([{ check: 'file', file: overlay.ref.path }])
  await writeFile(path, before)
  await rewriteFile(lake.roots, overlay, 'SELECT * REPLACE ((quality IS NULL)::INTEGER AS quality) FROM old')
  const { findings } = await verifyLake({ roots: lake.roots })
  await writeFile(path, before)
  await writeFile(manifestPath, said)
  expect(findings).toMatchObject([{ check: 'current', problem: expect.stringContaining('not the winners of history') }])
})

test('a rebuilt lake, though it is laid out otherwise, holds the same', async () => {
  const built = builtIn(lake.dir)
  await rebuild(lake.roots, built)
  expect((await readNewestManifest(openRoots(built).lake))?.overlay.files).toEqual([])
  expect(await differencesOf(lake.roots, built)).toEqual([])
})
