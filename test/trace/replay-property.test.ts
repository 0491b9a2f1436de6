/** Replays of lakes whose readings collide in every way: equal to the last row, as of each commit and as published at each moment. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLake } from '../support/lake.ts'
import { queryRows } from '../support/query-rows.ts'
import { againThenLate, feedGroups, loadGroups } from './colliding-feeds.ts'
import { builtIn, differencesOf, rebuild } from './replayed.ts'

test('a rebuilt lake is the one it was rebuilt from', async () => {
  const moments = [1, 2, 3, 4, 5, 6].map((minute) => `2026-03-05T00:0${minute}:00Z`)
  await fc.assert(
    fc.asyncProperty(feedGroups, async (groups) => {
      await using lake = await createLake()
      await loadGroups(lake, groups)
      const built = builtIn(lake.dir)
      expect(await rebuild(lake.roots, built)).toEqual([])
      expect(await differencesOf(lake.roots, built)).toEqual([])
      const known = await lake.query('SELECT DISTINCT known_at FROM ops.load')
      const sources = [
        'core.interval',
        'core.interval_version',
        ...known.map((row) => `core.interval_asof('${row['known_at']}')`),
        ...moments.map((at) => `core.interval_as_published('${at}')`),
      ]
      const sql = sources.map(
        (source, at) =>
          `SELECT ${at} AS source, t.* FROM (SELECT series_key, start_at, duration_s, value, known_at, load_id FROM ${source}) t`,
      )
      const ask = (roots: typeof built) => queryRows({ roots, sql: `${sql.join(' UNION ALL ')} ORDER BY ALL` })
      expect(await ask(built)).toEqual(await ask(lake.roots))
    }),
    { numRuns: 2, examples: [[againThenLate]] },
  )
})
