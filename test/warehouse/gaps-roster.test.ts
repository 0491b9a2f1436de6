/** mart.gap with a roster: what a usage point nothing was known of sends late has filled a gap only if the roster was known in time. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageRoster } from '../../warehouse/stage-roster.ts'
import { queryRows } from '../support/query-rows.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'

const may1 = Date.parse('2026-05-01T07:00:00Z') / 1000

let dir: string
let roots: LakeRoots
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-gaps-roster-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  const publish = (now: string) => publishStaged({ roots, timeZone, now: () => new Date(now) })
  const roster = async (now: string, asOf: string, rows: readonly string[]) => {
    const file = join(dir, 'roster.csv')
    await writeFile(file, ['usage_point_id,from_date,to_date', ...rows].join('\n'))
    await stageRoster({ roots, file, asOf, now: new Date(now) })
    await publish(now)
  }
  const load = async (now: string, usagePoint: string, firstDay: number, days: number) => {
    await stageFeed(roots, {
      readingTypes: [{ id: 'wh' }],
      meterReadings: [{ usagePoint, id: 'm', readingType: 'wh' }],
      blocks: [
        {
          usagePoint,
          meterReading: 'm',
          published: now,
          readings: Array.from({ length: 24 * days }, (_, at) => ({
            start: may1 + (firstDay - 1) * 86_400 + at * 3600,
            value: 1000,
          })),
        },
      ],
    })
    await publish(now)
  }
  await roster('2026-04-30T17:00:00Z', '2026-04-30', ['known,2026-05-02,2026-05-03', 'plain,,'])
  await load('2026-05-04T17:00:00Z', 'plain', 1, 3)
  // told of only after the days after 1 and 2 May had ended
  await roster('2026-05-04T18:00:00Z', '2026-05-04', ['known,2026-05-02,2026-05-03', 'told,2026-05-01,', 'plain,,'])
  await load('2026-05-06T17:00:00Z', 'known', 1, 4)
  await load('2026-05-06T18:00:00Z', 'told', 1, 4)
}, 120_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

test('filled: missed by a roster that was known in time, of the days it named', async () => {
  const rows = await queryRows({
    roots,
    sql: `SELECT concat_ws(' ', usage_point_id, strftime(timezone('${timeZone}', start_at), '%d'), n_intervals, status, reason, expected_by) AS line
      FROM mart.gap ORDER BY ALL`,
  })
  expect(rows.map(({ line }) => line)).toEqual([
    'known 02 48 filled roster',
    // without a first day it is missed from the day on the roster was valid for; 3 May came in time
    'plain 01 48 filled roster',
    'plain 04 24 open roster',
    'told 03 48 filled roster',
  ])
})
