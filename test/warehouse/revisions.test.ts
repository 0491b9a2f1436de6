/** mart.revision_delta and mart.latency_curve: how readings changed and how late they came, worked out by hand. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'

const day = Date.parse('2026-05-01T07:00:00Z') / 1000
const next = day + 86_400
const hour = (start: number, value: number, quality = 17): FeedReading => ({ start, value, quality })
const quarters = (start: number, value: number): FeedReading[] =>
  [0, 1, 2, 3].map((at) => ({ start: start + at * 900, duration: 900, value, quality: 17 }))

/** By commit: usage point, when published, readings. All in Wh. */
const commits: { at: string; blocks: [usagePoint: string, published: string, readings: FeedReading[]][] }[] = [
  // D+1 of the first day; the evening of 2 May in California
  {
    at: '2026-05-03T06:00:00Z',
    blocks: [
      ['p', '2026-05-02T10:00:00Z', [hour(day, 1000), hour(day + 3600, 1000)]],
      ['q', '2026-05-02T10:00:00Z', [hour(day, 2000)]],
      ['s', '2026-05-02T11:00:00Z', quarters(next, 250)],
      ['u', '2026-05-02T11:00:00Z', [hour(next, 1000)]],
    ],
  },
  // D+2: what was missing of q; s turns hourly; u says the same again
  {
    at: '2026-05-03T15:00:00Z',
    blocks: [
      ['q', '2026-05-03T10:00:00Z', [hour(day + 3600, 2000)]],
      ['s', '2026-05-03T10:00:00Z', [hour(next, 1010)]],
      ['u', '2026-05-03T14:00:00Z', [hour(next, 1000)]],
    ],
  },
  // D+4: r comes, p is corrected; a version of u that was published between the two it sent before
  {
    at: '2026-05-05T15:00:00Z',
    blocks: [
      ['p', '2026-05-05T10:00:00Z', [hour(day + 3600, 3000)]],
      ['r', '2026-05-05T10:00:00Z', [hour(day, 4000)]],
      ['u', '2026-05-02T20:00:00Z', [hour(next, 9000)]],
    ],
  },
  // D+10: r in quarters, q of revenue quality
  {
    at: '2026-05-11T15:00:00Z',
    blocks: [
      ['r', '2026-05-11T10:00:00Z', quarters(day, 1000)],
      ['q', '2026-05-11T10:00:00Z', [hour(day, 2000, 19)]],
    ],
  },
  // D+70
  { at: '2026-07-10T15:00:00Z', blocks: [['p', '2026-07-10T10:00:00Z', [hour(day, 500)]]] },
]

let dir: string
let roots: LakeRoots
const query = (sql: string) => queryRows({ roots, sql })
const lines = async (sql: string) =>
  (await query(sql)).map((row) =>
    Object.values(row)
      .map((value) => value ?? '-')
      .join(' '),
  )

async function commit({ at, blocks }: (typeof commits)[number]): Promise<void> {
  await stageFeed(roots, {
    readingTypes: [{ id: 'wh' }],
    meterReadings: blocks.map(([usagePoint]) => ({ usagePoint, id: 'm', readingType: 'wh' })),
    blocks: blocks.map(([usagePoint, published, readings]) => ({ usagePoint, meterReading: 'm', published, readings })),
  })
  await publishStaged({ roots, timeZone, now: () => new Date(at) })
}

const youngAges: string[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-revisions-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  for (const [n, one] of commits.entries()) {
    await commit(one)
    if (n === 2)
      youngAges.push(
        ...(await lines(
          `SELECT local_date::VARCHAR, min(days_after), max(days_after) FROM mart.latency_curve GROUP BY 1 ORDER BY 1`,
        )),
      )
  }
}, 120_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

test('revisions of each interval', async () => {
  expect(
    await lines(`SELECT usage_point_id, strftime(timezone('UTC', start_at), '%dT%H:%M'), first_value, last_value, first_energy_kwh,
        last_energy_kwh, energy_kwh_changed, first_duration_s, last_duration_s, first_quality, last_quality, n_versions, superseded
      FROM mart.revision_delta ORDER BY usage_point_id, start_at`),
  ).toEqual([
    'p 01T07:00 1000 500 1.000000000 0.500000000 -0.500000000 3600 3600 17 17 2 false',
    'p 01T08:00 1000 3000 1.000000000 3.000000000 2.000000000 3600 3600 17 17 2 false',
    'q 01T07:00 2000 2000 2.000000000 2.000000000 0.000000000 3600 3600 17 19 2 false',
    'q 01T08:00 2000 2000 2.000000000 2.000000000 0.000000000 3600 3600 17 17 1 false',
    'r 01T07:00 4000 1000 4.000000000 1.000000000 -3.000000000 3600 900 17 17 2 false',
    'r 01T07:15 1000 1000 1.000000000 1.000000000 0.000000000 900 900 17 17 1 false',
    'r 01T07:30 1000 1000 1.000000000 1.000000000 0.000000000 900 900 17 17 1 false',
    'r 01T07:45 1000 1000 1.000000000 1.000000000 0.000000000 900 900 17 17 1 false',
    's 02T07:00 250 1010 0.250000000 1.010000000 0.760000000 900 3600 17 17 2 false',
    's 02T07:15 250 - 0.250000000 - -0.250000000 900 - 17 - 1 true',
    's 02T07:30 250 - 0.250000000 - -0.250000000 900 - 17 - 1 true',
    's 02T07:45 250 - 0.250000000 - -0.250000000 900 - 17 - 1 true',
    // A, B, A in the order of the utility; what was known never changed
    'u 02T07:00 1000 1000 1.000000000 1.000000000 0.000000000 3600 3600 17 17 3 false',
  ])
})

const momentOf = (column: string) => `strftime(timezone('UTC', ${column}), '%m-%dT%H')`

const momentsOf = (where: string) =>
  lines(`SELECT usage_point_id, ${['first_published_at', 'last_published_at', 'first_known_at', 'last_known_at'].map(momentOf).join(', ')},
      days_late, published_days_late FROM mart.revision_delta WHERE ${where} ORDER BY usage_point_id, start_at`)

test('when each interval was published, and known, first and last', async () => {
  expect(await momentsOf(`usage_point_id IN ('p', 'q') AND he_seq = 1`)).toEqual([
    'p 05-02T10 07-10T10 05-03T06 07-10T15 70 70',
    'q 05-02T10 05-11T10 05-03T06 05-11T15 10 10',
  ])
  expect(await momentsOf(`usage_point_id = 'q' AND he_seq = 2`)).toEqual(['q 05-03T10 05-03T10 05-03T15 05-03T15 2 2'])
  expect(await momentsOf('superseded AND energy_kwh_changed IS NOT NULL')).toEqual(
    Array.from({ length: 3 }, () => 's 05-02T11 05-03T10 05-03T06 05-03T15 1 1'),
  )
})

test('first is what core.interval_asof said when it became known, last is core.interval', async () => {
  const moments = await query('SELECT DISTINCT first_known_at::VARCHAR AS at FROM mart.revision_delta')
  expect(moments).toHaveLength(4)
  for (const { at } of moments)
    expect(
      await query(`SELECT count(*) AS n, count(*) FILTER (WHERE i.value = d.first_value AND i.energy_kwh = d.first_energy_kwh
          AND i.duration_s = d.first_duration_s AND i.quality = d.first_quality AND i.published_at = d.first_published_at
          AND i.known_at = d.first_known_at) = count(*) AS same
        FROM mart.revision_delta d LEFT JOIN core.interval_asof(TIMESTAMPTZ '${String(at)}') i USING (series_key, start_at)
        WHERE d.first_known_at = TIMESTAMPTZ '${String(at)}'`),
    ).toEqual([{ n: expect.stringMatching(/^[1-9]/), same: true }])
  expect(
    await query(`SELECT count(*) AS n, count(*) FILTER (WHERE i.value = d.last_value AND i.energy_kwh = d.last_energy_kwh
        AND i.duration_s = d.last_duration_s AND i.quality = d.last_quality AND i.published_at = d.last_published_at
        AND i.known_at = d.last_known_at) AS same, (SELECT count(*) FROM core.interval) AS current
      FROM mart.revision_delta d LEFT JOIN core.interval i USING (series_key, start_at) WHERE NOT d.superseded`),
  ).toEqual([{ n: '10', same: '10', current: '10' }])
})

test('how much of a day was in by D+1 … D+60', async () => {
  const curve =
    await lines(`SELECT days_after, n_usage_points_in, n_usage_points, usage_point_share, energy_kwh_in, energy_kwh
    FROM mart.latency_curve WHERE local_date = DATE '2026-05-01' ORDER BY days_after`)
  expect(curve).toHaveLength(60)
  // now p has 0.5 + 3, q 2 + 2, r 4 kWh
  expect(curve.slice(0, 5)).toEqual([
    `1 1 3 ${1 / 3} 4.000000000 11.500000000`,
    `2 2 3 ${2 / 3} 6.000000000 11.500000000`,
    `3 2 3 ${2 / 3} 6.000000000 11.500000000`,
    // more than now: what was corrected after two months is not yet
    '4 3 3 1 12.000000000 11.500000000',
    '5 3 3 1 12.000000000 11.500000000',
  ])
  expect(curve.slice(9, 10)).toEqual(['10 3 3 1 12.000000000 11.500000000'])
  expect(curve.at(-1)).toBe('60 3 3 1 12.000000000 11.500000000')
  expect(
    await lines(
      `SELECT energy_share FROM mart.latency_curve WHERE local_date = DATE '2026-05-01' AND days_after IN (1, 60) ORDER BY days_after`,
    ),
  ).toEqual([String(4 / 11.5), String(12 / 11.5)])
  // from four quarters of an hour to one reading of it: it was in all the time
  expect(
    await lines(`SELECT days_after, n_usage_points_in, n_usage_points, energy_kwh_in, energy_kwh FROM mart.latency_curve
      WHERE local_date = DATE '2026-05-02' AND days_after < 3 ORDER BY days_after`),
  ).toEqual(['1 2 2 2.010000000 2.010000000', '2 2 2 2.010000000 2.010000000'])
})

test('ages a day has not reached are not there', () => {
  expect(youngAges).toEqual(['2026-05-01 1 4', '2026-05-02 1 3'])
})

test('the energy of an age is the sum of core.interval_asof at its end', async () => {
  const rows = await query(`SELECT local_date::VARCHAR AS dt, days_after AS days, energy_kwh_in AS kwh,
      (timezone('${timeZone}', (local_date + days_after + 1)::TIMESTAMP) - INTERVAL 1 MILLISECOND)::VARCHAR AS at
    FROM mart.latency_curve WHERE days_after IN (1, 2, 3, 4, 9, 10, 60) ORDER BY 1, 2`)
  expect(rows).toHaveLength(14)
  for (const { dt, days, kwh, at } of rows)
    expect({
      dt,
      days,
      kwh: (
        await query(
          `SELECT sum(energy_kwh) AS kwh FROM core.interval_asof(TIMESTAMPTZ '${String(at)}') WHERE local_date = DATE '${String(dt)}'`,
        )
      )[0]?.['kwh'],
    }).toEqual({ dt, days, kwh })
})

test.each(['mart.revision_delta', 'mart.latency_curve'])(
  'a filter on local_date reaches the files of %s',
  async (view) => {
    const [plan] = await query(`EXPLAIN (FORMAT JSON) SELECT * FROM ${view} WHERE local_date = DATE '2026-05-01'`)
    expect(String(plan?.['explain_value'])).toMatch(/"Filters": "local_date\s*=\s*'2026-05-01'/)
  },
)
