/** MeterReading ids that change: one series or two, counted once, as worked out by hand; and as known on each day. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { stageAliasDecision } from '../../warehouse/alias-decisions.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedBlock, seriesKey, stageFeed, timeZone } from '../support/stage-feed.ts'

const firstDay = Date.parse('2026-05-01T07:00:00Z') / 1000
const published = (day: number) => new Date((firstDay + day * 86_400 + 21_600) * 1000).toISOString()
/** The 24 hours of a day (1, 2 …), each of so many Wh, as the package of the next day brings them. */
const sent = (usagePoint: string, meterReading: string, day: number, wh: number, by = day): FeedBlock => ({
  usagePoint,
  meterReading,
  published: published(by),
  readings: Array.from({ length: 24 }, (_, hour) => ({
    start: firstDay + (day - 1) * 86_400 + hour * 3600,
    value: wh,
    quality: 17,
  })),
})

/** What the package of each day brings; the ids change on day 4. */
function packageOf(day: number): FeedBlock[] {
  const isNew = day >= 4
  return [
    sent('clean', isNew ? 'new' : 'old', day, 1000),
    sent('resent', isNew ? 'new' : 'old', day, 1000),
    ...(day === 4 ? [sent('resent', 'new', 3, 1500, 4)] : []),
    sent('corrected', isNew ? 'new' : 'old', day, 1000),
    ...(day === 6 ? [sent('corrected', 'new', 1, 3000, 6)] : []),
    sent('meters', 'a', day, 1000),
    ...(day >= 2 ? [sent('meters', 'b', day, 10)] : []),
    sent('copied', 'old', day, 1000),
    ...(isNew ? [sent('copied', 'new', day, 1000)] : []),
    ...(isNew ? ['a2', 'b2'] : ['a1', 'b1']).map((id, at) => sent('both change', id, day, 1000 + at)),
    // a second meter whose first day comes without the first meter's, which is a day late
    ...(day === 4 ? [] : [sent('late', 'a', day, 1000)]),
    ...(day === 5 ? [sent('late', 'a', 4, 1000, 5)] : []),
    ...(isNew ? [sent('late', 'b', day, 10)] : []),
    sent('export', 'del', day, 1000),
    sent('export', 'rec', day, 300),
  ]
}

let dir: string
let roots: LakeRoots
let commits = 0
const commitAt = (n: number) => new Date((firstDay + n * 86_400 + 40_000) * 1000).toISOString()
const query = (sql: string) => queryRows({ roots, sql })
const lines = async (sql: string) =>
  (await query(sql)).map((row) =>
    Object.values(row)
      .map((value) => value ?? '-')
      .join(' '),
  )

const told: { at: string; answers: string }[] = []
async function tell(asOf = ''): Promise<string> {
  const of = (name: string) => (asOf === '' ? name : `${name}_asof(TIMESTAMPTZ '${asOf}')`)
  const names = ['core.interval', 'mart.load_hourly', 'mart.load_system_hourly']
  return JSON.stringify(
    await query(
      names
        .map((n) => `SELECT md5(string_agg(x::VARCHAR, ' ' ORDER BY x::VARCHAR)) AS d, count(*) AS n FROM ${of(n)} x`)
        .join(' UNION ALL '),
    ),
  )
}

async function commit(): Promise<void> {
  commits += 1
  const at = commitAt(commits)
  await publishStaged({ roots, timeZone, now: () => new Date(at) })
  told.push({ at, answers: await tell() })
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-aliases-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  for (let day = 1; day <= 6; day += 1) {
    const blocks = packageOf(day)
    await stageFeed(roots, {
      readingTypes: [
        { id: 'del', flow: 1 },
        { id: 'rec', flow: 19 },
      ],
      meterReadings: blocks.map(({ usagePoint, meterReading: id }) => ({
        usagePoint,
        id,
        readingType: id === 'rec' ? 'rec' : 'del',
      })),
      blocks,
    })
    await commit()
  }
}, 200_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const daily = (usagePoint: string) =>
  lines(`SELECT round(sum(delivered_kwh), 3)::DOUBLE AS kwh, sum(n_intervals) || '/' || sum(n_expected) AS n FROM mart.load_hourly
    WHERE usage_point_id = '${usagePoint}' GROUP BY local_date ORDER BY local_date`)
const aliases = (usagePoint: string) =>
  lines(
    `SELECT meter_reading_id, canonical_meter_reading_id, decided_by FROM core.alias WHERE usage_point_id = '${usagePoint}' ORDER BY 1`,
  )
const pairs = (usagePoint: string) =>
  lines(`SELECT least(meter_reading_id, other_meter_reading_id), greatest(meter_reading_id, other_meter_reading_id), verdict, reason, is_joined, is_open
    FROM ops.series_pair WHERE usage_point_id = '${usagePoint}' ORDER BY 1, 2`)

const plain = Array.from({ length: 6 }, () => '24 24/24')

test('a clean cut: one series', async () => {
  expect(await aliases('clean')).toEqual(['new old rule'])
  expect(await daily('clean')).toEqual(plain)
  expect(
    await lines(`SELECT count(*), count(DISTINCT series_key), count(DISTINCT canonical_series_key), count(DISTINCT meter_reading_id)
      FROM core.interval WHERE usage_point_id = 'clean'`),
  ).toEqual(['144 2 1 2'])
})

test('the last day sent again under the new id, or an old day corrected under it: the newer counts', async () => {
  expect(await daily('resent')).toEqual(plain.with(2, '36 24/24'))
  expect(await pairs('resent')).toEqual(['new old one sent_again true false'])
  expect(await daily('corrected')).toEqual(plain.with(0, '72 24/24'))
  expect(
    await lines(`SELECT local_date::VARCHAR, count(*), min(meter_reading_id) FROM core.interval
      WHERE usage_point_id = 'corrected' AND local_date < DATE '2026-05-03' GROUP BY 1 ORDER BY 1`),
  ).toEqual(['2026-05-01 24 new', '2026-05-02 24 old'])
  // both are versions
  expect(
    await lines(`SELECT meter_reading_id, count(*), count(DISTINCT canonical_series_key) FROM core.interval_version
      WHERE usage_point_id = 'corrected' AND local_date = DATE '2026-05-01' GROUP BY 1 ORDER BY 1`),
  ).toEqual(['new 24 1', 'old 24 1'])
})

test('two meters that both go on are two series that sum, also where the first day of one comes late', async () => {
  expect(await aliases('meters')).toEqual([])
  expect(await pairs('meters')).toEqual(['a b two both_go_on false false'])
  expect(await daily('meters')).toEqual(['24 24/24', ...Array.from({ length: 5 }, () => '24.24 48/48')])
  expect(await daily('late')).toEqual([...plain.slice(0, 3), ...Array.from({ length: 3 }, () => '24.24 48/48')])
  expect(await pairs('late')).toEqual(['a b two both_go_on false false'])
})

test('export and delivery are never one', async () => {
  expect(await pairs('export')).toEqual([])
})

test('ambiguous: two, and flagged', async () => {
  expect(await pairs('copied')).toEqual(['new old ambiguous same_values false true'])
  expect(await daily('copied')).toEqual([...plain.slice(0, 3), ...Array.from({ length: 3 }, () => '48 48/48')])
  // two ids for two: either could be the other
  expect(await aliases('both change')).toEqual([])
  expect((await pairs('both change')).filter((line) => line.endsWith('true'))).toEqual([
    'a1 a2 one not_beside false true',
    'a1 b2 one not_beside false true',
    'a2 b1 one not_beside false true',
    'b1 b2 one not_beside false true',
  ])
  const flagged = await lines(
    `SELECT rule, severity, count(*), count(DISTINCT load_id) FROM ops.quarantine GROUP BY ALL`,
  )
  expect(flagged).toEqual(['SERIES_AMBIGUOUS warn 5 1'])
})

const decide = async (usagePoint: string, one: string, other: string, decided: 'one' | 'two' | null) => {
  const [series, another] = [one, other].map((id) => String(seriesKey(usagePoint, id)))
  await stageAliasDecision(
    roots,
    { series: series ?? '', other: another ?? '', decided },
    new Date(commitAt(commits + 1)),
  )
  await commit()
}

test('an operator decides, and takes it back', async () => {
  await decide('copied', 'old', 'new', 'one')
  expect(await daily('copied')).toEqual(plain)
  expect(await aliases('copied')).toEqual(['new old operator'])
  expect(await pairs('copied')).toEqual(['new old one operator true false'])
  await decide('copied', 'new', 'old', 'two')
  expect(await daily('copied')).toEqual([...plain.slice(0, 3), ...Array.from({ length: 3 }, () => '48 48/48')])
  expect(await pairs('copied')).toEqual(['new old two operator false false'])
  await decide('copied', 'new', 'old', null)
  expect(await pairs('copied')).toEqual(['new old ambiguous same_values false true'])
  await decide('resent', 'new', 'old', 'two')
  expect((await daily('resent'))[2]).toBe('60 48/48')
  await decide('resent', 'new', 'old', null)
  expect((await daily('resent'))[2]).toBe('36 24/24')
}, 120_000)

test('an operator pairs two meters whose ids both changed', async () => {
  await decide('both change', 'a1', 'a2', 'one')
  // what is left is one too
  expect(await aliases('both change')).toEqual(['a2 a1 operator', 'b2 b1 rule'])
}, 60_000)

test('what is no pair cannot be decided', async () => {
  const key = (usagePoint: string, id: string) => String(seriesKey(usagePoint, id))
  const attempts: [string, string][] = [
    [key('clean', 'old'), key('resent', 'old')],
    [key('export', 'del'), key('export', 'rec')],
    [key('clean', 'old'), key('clean', 'old')],
    [key('clean', 'old'), '12345'],
  ]
  for (const [series, other] of attempts)
    await expect(stageAliasDecision(roots, { series, other, decided: 'one' })).rejects.toMatchObject({ code: 'USAGE' })
})

test('as of each commit, everything is what it was', async () => {
  expect(told.length).toBeGreaterThan(11)
  for (const { at, answers } of told) expect({ at, answers: await tell(at) }).toEqual({ at, answers })
}, 120_000)
