/** MeterReading ids that change: one series or two, counted once, as worked out by hand; and as known on each day. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChangingLake, changingLake, firstDay, publishedAt, wholeDay } from '../support/changing-ids.ts'
import { readingScans } from '../support/reading-scans.ts'
import type { FeedBlock } from '../support/stage-feed.ts'

/** What the package of each day brings; the ids change on day 4. */
function packageOf(day: number): FeedBlock[] {
  const isNew = day >= 4
  return [
    wholeDay('clean', isNew ? 'new' : 'old', day, 1000),
    wholeDay('resent', isNew ? 'new' : 'old', day, 1000),
    ...(day === 4 ? [wholeDay('resent', 'new', 3, 1500, 4)] : []),
    wholeDay('corrected', isNew ? 'new' : 'old', day, 1000),
    ...(day === 6 ? [wholeDay('corrected', 'new', 1, 3000, 6)] : []),
    wholeDay('meters', 'a', day, 1000),
    ...(day >= 2 ? [wholeDay('meters', 'b', day, 10)] : []),
    wholeDay('copied', 'old', day, 1000),
    ...(isNew ? [wholeDay('copied', 'new', day, 1000)] : []),
    ...(isNew ? ['a2', 'b2'] : ['a1', 'b1']).map((id, at) => wholeDay('both change', id, day, 1000 + at)),
    // a second meter whose first day comes without the first meter's, which is a day late
    ...(day === 4 ? [] : [wholeDay('late', 'a', day, 1000)]),
    ...(day === 5 ? [wholeDay('late', 'a', 4, 1000, 5)] : []),
    ...(isNew ? [wholeDay('late', 'b', day, 10)] : []),
    wholeDay('export', 'del', day, 1000),
    wholeDay('export', 'rec', day, 300),
  ]
}

/** A bill of the six days. */
const billOf = (usagePoint: string) => ({
  summary_id: `bill of ${usagePoint}`,
  usage_point_id: usagePoint,
  href: '/bill',
  billing_start_at: new Date(firstDay * 1000).toISOString(),
  billing_duration_s: 6 * 86_400,
  consumption_value: 144_000,
  consumption_power_of_ten: 0,
  consumption_uom: 72,
  published_at: publishedAt(7),
  byte_offset: 1,
})

let lake: ChangingLake

beforeAll(async () => {
  lake = await changingLake()
  for (let day = 1; day <= 6; day += 1) {
    const bills = day === 6 ? { usage_summary: ['clean', 'resent', 'meters'].map(billOf) } : {}
    await lake.stage(packageOf(day), bills)
    await lake.commit()
  }
}, 200_000)
afterAll(async () => {
  await lake[Symbol.asyncDispose]()
})

const plain = Array.from({ length: 6 }, () => '24 24/24')

test('a clean cut: one series', async () => {
  expect(await lake.aliases('clean')).toEqual(['new old rule'])
  expect(await lake.daily('clean')).toEqual(plain)
  expect(
    await lake.lines(`SELECT count(*), count(DISTINCT series_key), count(DISTINCT canonical_series_key), count(DISTINCT meter_reading_id)
      FROM core.interval WHERE usage_point_id = 'clean'`),
  ).toEqual(['144 2 1 2'])
})

test('the last day sent again under the new id, or an old day corrected under it: the newer counts', async () => {
  expect(await lake.daily('resent')).toEqual(plain.with(2, '36 24/24'))
  expect(await lake.pairs('resent')).toEqual(['new old one sent_again true false'])
  expect(await lake.daily('corrected')).toEqual(plain.with(0, '72 24/24'))
  expect(
    await lake.lines(`SELECT local_date::VARCHAR, count(*), min(meter_reading_id) FROM core.interval
      WHERE usage_point_id = 'corrected' AND local_date < DATE '2026-05-03' GROUP BY 1 ORDER BY 1`),
  ).toEqual(['2026-05-01 24 new', '2026-05-02 24 old'])
  // both are versions
  expect(
    await lake.lines(`SELECT meter_reading_id, count(*), count(DISTINCT canonical_series_key) FROM core.interval_version
      WHERE usage_point_id = 'corrected' AND local_date = DATE '2026-05-01' GROUP BY 1 ORDER BY 1`),
  ).toEqual(['new 24 1', 'old 24 1'])
})

test('two meters that both go on are two series that sum, also where the first day of one comes late', async () => {
  expect(await lake.aliases('meters')).toEqual([])
  expect(await lake.pairs('meters')).toEqual(['a b two both_go_on false false'])
  expect(await lake.daily('meters')).toEqual(['24 24/24', ...Array.from({ length: 5 }, () => '24.24 48/48')])
  expect(await lake.daily('late')).toEqual([...plain.slice(0, 3), ...Array.from({ length: 3 }, () => '24.24 48/48')])
  expect(await lake.pairs('late')).toEqual(['a b two both_go_on false false'])
})

test('bills, revisions and finality count once', async () => {
  expect(
    await lake.lines(
      `SELECT usage_point_id, interval_kwh::DOUBLE, n_intervals, n_expected, reason FROM mart.bill_recon ORDER BY 1`,
    ),
  ).toEqual(['clean 144 144 144 -', 'meters 145.2 264 288 partly_covered', 'resent 156 144 144 -'])
  expect(
    await lake.lines(`SELECT meter_reading_id, count(*), sum(n_versions), sum(energy_kwh_changed)::DOUBLE FROM mart.revision_delta
      WHERE usage_point_id = 'resent' GROUP BY 1`),
  ).toEqual(['old 144 168 12'])
  expect(
    await lake.lines(
      `SELECT count(*), sum(n_intervals), min(meter_reading_id) FROM mart.finality_daily WHERE usage_point_id = 'resent'`,
    ),
  ).toEqual(['6 144 old'])
  expect(
    await lake.lines(`SELECT (SELECT energy_kwh::DOUBLE FROM mart.latency_curve WHERE local_date = DATE '2026-05-03' AND days_after = 1),
      (SELECT sum(abs(energy_kwh))::DOUBLE FROM core.interval WHERE local_date = DATE '2026-05-03')`),
  ).toEqual(['235.464 235.464'])
})

test('a filter on local_date reaches every look into the files of readings', async () => {
  for (const source of [
    'core.interval',
    'mart.load_hourly',
    'core.interval_asof(now())',
    'mart.load_hourly_asof(now())',
  ]) {
    const scans = await readingScans(lake.roots, `SELECT * FROM ${source} WHERE local_date = DATE '2026-05-06'`)
    expect(scans.length).toBeGreaterThan(0)
    for (const filters of scans)
      expect({ source, filters }).toEqual({
        source,
        filters: expect.stringMatching(/local_date\s*=\s*'2026-05-06'/) as string,
      })
  }
})

test('export and delivery are never one', async () => {
  expect(await lake.pairs('export')).toEqual([])
})

test('ambiguous: two, and flagged', async () => {
  expect(await lake.pairs('copied')).toEqual(['new old ambiguous same_values false true'])
  expect(await lake.daily('copied')).toEqual([...plain.slice(0, 3), ...Array.from({ length: 3 }, () => '48 48/48')])
  // two ids for two: either could be the other
  expect(await lake.aliases('both change')).toEqual([])
  expect((await lake.pairs('both change')).filter((line) => line.endsWith('true'))).toEqual([
    'a1 a2 one not_beside false true',
    'a1 b2 one not_beside false true',
    'a2 b1 one not_beside false true',
    'b1 b2 one not_beside false true',
  ])
  const flagged = await lake.lines(
    `SELECT rule, severity, count(*), count(DISTINCT load_id) FROM ops.quarantine GROUP BY ALL`,
  )
  expect(flagged).toEqual(['SERIES_AMBIGUOUS warn 5 1'])
})

test('as of each commit, everything is what it was', async () => {
  expect(lake.told.length).toBe(6)
  for (const { at, answers } of lake.told) expect({ at, answers: await lake.tell(at) }).toEqual({ at, answers })
}, 120_000)
