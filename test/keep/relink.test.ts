/** Lakes that were moved, copied, or came without all of their files. */
import { cp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { relink } from '../../warehouse/relink.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { queryLake } from '../support/lake-rows.ts'
import { createTracedLake } from '../trace/traced-lake.ts'
import { contentsOf, createWornLake, commitVersion } from './worn-lake.ts'

const rootsIn = (dir: string): LakeRoots => ({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
const count = async (folder: string) => (await queryLake(folder, 'SELECT count(*) AS n FROM core.interval'))[0]?.['n']

test('moved: any client reads it again after relink, both roots', async () => {
  await using lake = await createTracedLake({ meters: 4 })
  const before = await contentsOf(lake.roots)
  const roots = rootsIn(join(lake.dir, 'moved'))
  await cp(lake.roots.lake, roots.lake, { recursive: true })
  await cp(lake.roots.pii, roots.pii, { recursive: true })
  await rename(lake.roots.lake, join(lake.dir, 'away'))
  await rename(lake.roots.pii, join(lake.dir, 'away-pii'))
  await expect(count(roots.lake)).rejects.toThrow(/No files found/)
  expect(await relink(roots)).toMatchObject({ personal: 'made' })
  expect(Number(await count(roots.lake))).toBe(before.current.length)
  expect(await contentsOf(roots)).toEqual(before)
  expect((await verifyLake({ roots })).findings).toEqual([])
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(join(roots.pii, 'pii.duckdb'), { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  const [customers] = (await connection.runAndReadAll('SELECT count(*)::INTEGER FROM customer')).getRows()
  connection.closeSync()
  instance.closeSync()
  expect(customers?.[0]).toBeGreaterThan(0)
})

test('a copy whose views lead to the original notices by itself; a link to the same place changes nothing', async () => {
  await using lake = await createWornLake(1)
  const copy = rootsIn(join(lake.dir, 'copy'))
  await cp(lake.roots.lake, copy.lake, { recursive: true })
  await commitVersion(lake.roots, 2)
  await rm(join(lake.roots.lake, 'current'), { recursive: true })
  expect((await contentsOf(copy)).loads).toHaveLength(1)
  const link = join(lake.dir, 'link')
  await symlink(join(lake.dir, 'copy'), link)
  await ensureViews(rootsIn(link))
  const [views] = await queryLake(copy.lake, 'SELECT root FROM ops.lake')
  expect(views?.['root']).toBe(copy.lake)
})

test('files that did not come along: named, and the views stay as they were', async () => {
  await using lake = await createWornLake(1)
  const roots = rootsIn(join(lake.dir, 'part'))
  await cp(lake.roots.lake, roots.lake, { recursive: true })
  await rm(join(roots.lake, 'history'), { recursive: true })
  await expect(relink(roots)).rejects.toMatchObject({
    code: 'LAKE_CORRUPT',
    message: expect.stringContaining('history/1-'),
  })
  expect((await queryLake(roots.lake, 'SELECT root FROM ops.lake'))[0]?.['root']).toBe(lake.roots.lake)
  await expect(relink(rootsIn(join(lake.dir, 'none')))).rejects.toMatchObject({ code: 'LAKE_MISSING' })
})

test('a moved lake that cannot be written: what to do is said', async () => {
  await using lake = await createWornLake(1)
  const roots = rootsIn(join(lake.dir, 'moved'))
  await cp(lake.roots.lake, roots.lake, { recursive: true })
  // whoever runs the test may be root, whom permissions do not stop
  await rm(join(roots.lake, 'state'), { recursive: true, force: true })
  await writeFile(join(roots.lake, 'state'), '')
  await expect(contentsOf(roots)).rejects.toMatchObject({ code: 'LAKE_MOVED' })
  await rm(join(roots.lake, 'state'))
  expect((await contentsOf(roots)).loads).toHaveLength(1)
})
