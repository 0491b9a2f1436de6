/** Rosters in the lake: versions by the day they are valid for, the same again, two at once, a publisher that is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageRoster } from '../../warehouse/stage-roster.ts'
import { queryRows } from '../support/query-rows.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-rosters-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

async function stage(asOf: string, rows: readonly string[], now = new Date()) {
  const file = join(dir, 'roster.csv')
  await writeFile(file, ['usage_point_id,from_date,to_date,rate', ...rows].join('\n'))
  return await stageRoster({ roots, file, asOf, now })
}
const publish = () => publishStaged({ roots, timeZone })
async function importRows(asOf: string, rows: readonly string[]): Promise<string> {
  const { outcome } = await stage(asOf, rows)
  await publish()
  return outcome
}
const hoursFrom = (start: number) => Array.from({ length: 24 }, (_, at) => ({ start: start + at * 3600, value: 1 }))
const lines = async (sql: string) =>
  (await queryRows({ roots, sql })).map((row) =>
    Object.values(row)
      .map((value) => value ?? '-')
      .join(' '),
  )
const inForce = () => lines(`SELECT usage_point_id, from_date, to_date, rate, as_of_date FROM ref.roster ORDER BY ALL`)

test('of each usage point the newest file that names it counts, up to the first that does no more', async () => {
  expect(await importRows('2026-01-01', ['a,2025-01-01,,r1', 'b,2025-01-01,,r1', 'c,2025-01-01,2025-06-30,r1'])).toBe(
    'staged',
  )
  expect(await inForce()).toEqual([
    'a 2025-01-01 - r1 2026-01-01',
    'b 2025-01-01 - r1 2026-01-01',
    'c 2025-01-01 2025-06-30 r1 2026-01-01',
  ])
  // b has left, and it is said afterwards; c is forgotten; d joins
  await importRows('2026-03-01', ['a,2025-01-01,,r2', 'd,2026-02-01,,r1'])
  expect(await inForce()).toEqual([
    'a 2025-01-01 - r2 2026-03-01',
    'b 2025-01-01 2026-02-28 r1 2026-01-01',
    'c 2025-01-01 2025-06-30 r1 2026-01-01',
    'd 2026-02-01 - r1 2026-03-01',
  ])
  // one for a day between them: now b leaves on 31 January, and is told to
  await importRows('2026-02-01', ['a,2025-01-01,,r1', 'b,2025-01-01,2026-01-31,r1'])
  expect(await inForce()).toEqual([
    'a 2025-01-01 - r2 2026-03-01',
    'b 2025-01-01 2026-01-31 r1 2026-02-01',
    'c 2025-01-01 2025-06-30 r1 2026-01-01',
    'd 2026-02-01 - r1 2026-03-01',
  ])
  expect(await lines('SELECT as_of_date, count(*) FROM ref.roster_version GROUP BY ALL ORDER BY 1')).toEqual([
    '2026-01-01 3',
    '2026-02-01 2',
    '2026-03-01 2',
  ])
})

test('the same again is nothing new, whatever day it is said for; another for the same day takes its place', async () => {
  await importRows('2026-01-01', ['a,,,r1', 'b,,,r1'])
  expect(await importRows('2026-01-01', ['b,,,r1', 'a,,,r1'])).toBe('known')
  expect(await importRows('2026-04-01', ['a,,,r1', 'b,,,r1'])).toBe('known')
  expect(await lines('SELECT manifest FROM ops.lake')).toEqual(['1'])
  expect(await importRows('2026-01-01', ['a,,,r2'])).toBe('staged')
  expect(await inForce()).toEqual(['a - - r2 2026-01-01'])
  // and back
  expect(await importRows('2026-01-01', ['a,,,r1', 'b,,,r1'])).toBe('staged')
  expect(await inForce()).toEqual(['a - - r1 2026-01-01', 'b - - r1 2026-01-01'])
})

test('two staged for one day: the later one counts; both go with the next commit', async () => {
  await stage('2026-01-01', ['a,,,r1'], new Date('2026-01-01T10:00:00Z'))
  await stage('2026-01-01', ['b,,,r1'], new Date('2026-01-01T10:00:01Z'))
  await stage('2026-01-02', ['c,,,r1'], new Date('2026-01-01T09:00:00Z'))
  expect((await publish()).commit).toBe(1)
  expect(await lines('SELECT usage_point_id FROM ref.roster_version ORDER BY 1')).toEqual(['b', 'c'])
  expect((await publish()).commit).toBeNull()
})

test('a refused file leaves nothing, and the roster in force stands', async () => {
  await importRows('2026-01-01', ['a,,,r1'])
  await expect(stage('2026-02-01', ['b,,,r1', 'c,2026-99-01,,r1'])).rejects.toMatchObject({ code: 'ROSTER_INVALID' })
  expect((await publish()).commit).toBeNull()
  expect(await inForce()).toEqual(['a - - r1 2026-01-01'])
})

test('a roster of a lake without readings expects nothing; a lake without a roster has none', async () => {
  await importRows('2026-01-01', ['a,2020-01-01,,r1'])
  expect(await lines('FROM mart.completeness_daily')).toEqual([])
  expect(await lines('FROM mart.gap')).toEqual([])
  expect(await lines('SELECT silent_since, is_expected FROM ref.roster')).toEqual(['- false'])
})

test('a roster reaches as far back as the lake does, whatever a correction or a meter with a wrong clock says', async () => {
  const may1 = Date.parse('2026-05-01T07:00:00Z') / 1000
  await stageFeed(roots, {
    readingTypes: [{ id: 'wh' }],
    meterReadings: ['a', 'wrong'].map((usagePoint) => ({ usagePoint, id: 'm', readingType: 'wh' })),
    blocks: [
      {
        usagePoint: 'a',
        meterReading: 'm',
        published: null,
        readings: [{ start: may1 - 1000 * 86_400, value: 1 }, ...hoursFrom(may1)],
      },
      {
        usagePoint: 'wrong',
        meterReading: 'm',
        published: null,
        readings: [
          { start: 0, value: 1 },
          { start: may1 * 3, value: 1 },
        ],
      },
    ],
  })
  await importRows('2026-01-01', ['a,2018-01-01,,r1', 'silent,2018-01-01,,r1'])
  expect(
    await lines('SELECT usage_point_id, local_date, expected_by, n_expected FROM mart.completeness_daily ORDER BY ALL'),
  ).toEqual([
    'a 2023-08-05 - 0',
    'a 2026-05-01 roster 24',
    'silent 2026-05-01 roster 24',
    'wrong 1969-12-31 - 0',
    'wrong 2138-12-28 - 0',
  ])
})

const program = fileURLToPath(new URL('publish-child.ts', import.meta.url))

test('killed at any point of its commit, a roster is in the lake once, or comes with the next', async () => {
  await importRows('2026-01-01', ['a,,,r1'])
  let killed = 0
  for (let round = 1; round <= 6; round += 1) {
    await stage(`2026-02-0${round}`, [`u${round},,,r1`, 'a,,,r1'])
    const child: ChildProcess = spawn(process.execPath, [program, roots.lake, roots.pii], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exit = once(child, 'exit')
    if (child.stdout) await once(child.stdout, 'data')
    await sleep(round * 90)
    child.kill('SIGKILL')
    const [code] = (await exit) as [number | null]
    if (code === null) killed += 1
    await publish()
    expect(
      await lines('SELECT count(*), count(DISTINCT as_of_date) FROM ref.roster_version'),
      `round ${round}`,
    ).toEqual([`${1 + 2 * round} ${1 + round}`])
  }
  expect(killed).toBeGreaterThan(0)
}, 120_000)
