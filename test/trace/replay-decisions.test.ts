/** What people said, and no archive holds, is part of a lake that is built again: rosters, and which series are one. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { stageAliasDecision } from '../../warehouse/alias-decisions.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { createLake } from '../support/lake.ts'
import { queryLake } from '../support/lake-rows.ts'
import { builtIn, differencesOf, rebuild } from './replayed.ts'
import { timeZone } from './traced-lake.ts'

const golden = (name: string) =>
  fileURLToPath(new URL(`../golden/meter-reading-id-reencoded/${name}.xml`, import.meta.url))

test('rosters and decisions of operators come back in their commits', async () => {
  await using lake = await createLake()
  await lake.load([golden('feed-1')])
  await lake.load([golden('feed-2')])
  const roster = join(lake.dir, 'roster.csv')
  for (const [asOf, rate] of [
    ['2026-01-01', 'E-1'],
    ['2026-02-01', 'E-TOU-C'],
  ] as const) {
    await writeFile(roster, `usage_point_id,rate\nU1,${rate}\nsilent,${rate}\n`)
    await lake.importRoster(roster, asOf)
  }
  const [pair] = await lake.query(
    'SELECT series_key::VARCHAR AS series, other_series_key::VARCHAR AS other FROM ops.series_pair',
  )
  const [series, other] = [String(pair?.['series']), String(pair?.['other'])]
  const aliases = 'SELECT canonical_series_key::VARCHAR AS canonical, decided_by FROM core.alias'
  for (const [decided, expected] of [
    ['two', []],
    [null, [{ decided_by: 'rule' }]],
    ['one', [{ decided_by: 'rule' }]],
  ] as const) {
    await stageAliasDecision(lake.roots, { series, other, decided })
    await publishStaged({ roots: lake.roots, timeZone })
    expect(await lake.query(aliases)).toMatchObject(expected)
  }
  const built = builtIn(lake.dir)
  expect(await rebuild(lake.roots, built)).toEqual([])
  expect(await differencesOf(lake.roots, built)).toEqual([])
  for (const query of [aliases, 'FROM ops.series_pair ORDER BY ALL', 'FROM ref.roster_version ORDER BY ALL'])
    expect(await queryLake(built.lake, query)).toEqual(await lake.query(query))
}, 120_000)
