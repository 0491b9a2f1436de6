/** Files of before a table got a column: read with it as NULL, beside newer ones, and made compact with them. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { literal } from '../../warehouse/columns.ts'
import { Database } from '../../warehouse/database.ts'
import { createLake } from '../support/lake.ts'

const feed = new URL('../golden/completeness-agreement-closed/feed-2.xml', import.meta.url)

test('agreements of before is_closed and ended_at', { timeout: 120_000 }, async () => {
  await using lake = await createLake()
  const text = await readFile(feed, 'utf8')
  const load = async (usagePoint: string) => {
    const path = join(lake.dir, `${usagePoint}.xml`)
    await writeFile(path, text.replaceAll('CustomerAgreement/U2', `CustomerAgreement/${usagePoint}`))
    await lake.load([path])
  }
  const ends = async () =>
    (await lake.query('SELECT usage_point_id, ended_at FROM core.usage_point ORDER BY 1')).map((row) =>
      Object.values(row),
    )
  await load('V0')
  const folder = join(lake.roots.lake, 'dims/usage_point_agreement')
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    await using db = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: lake.dir })
    await db.copy(`SELECT * EXCLUDE (is_closed, ended_at) FROM read_parquet(${literal(path)})`, `${path}.old`, {
      rowGroupRows: 1000,
    })
    await rename(`${path}.old`, path)
  }
  await rm(join(lake.roots.lake, 'views.duckdb'))
  await load('V1')
  expect(await ends()).toEqual([
    ['V0', null],
    ['V1', '2026-05-04T07:00:00Z'],
  ])
  for (let nth = 2; nth <= 8; nth += 1) await load(`V${nth}`)
  // nine commits, and what they were made compact in
  expect(await readdir(folder)).toHaveLength(10)
  expect((await ends()).map(([, end]) => end === null)).toEqual([true, ...Array.from({ length: 8 }, () => false)])
})
