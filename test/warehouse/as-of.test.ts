/** The marts as of each commit say what the marts of the day said: their answers are kept after every commit. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { readingScans } from '../support/reading-scans.ts'
import { type Feed, type FeedBlock, type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'

const s = (iso: string) => Date.parse(iso) / 1000
const day = s('2026-05-01T07:00:00Z')
const run = (start: number, n: number, value: number, quality = 17, duration = 3600): FeedReading[] =>
  Array.from({ length: n }, (_, at) => ({ start: start + at * duration, duration, value: value + at, quality }))
const quarters = (start: number, n: number, value: number) => run(start, n, value, 17, 900)
const block = (
  usagePoint: string,
  meterReading: string,
  published: string | null,
  readings: FeedReading[],
): FeedBlock => ({ usagePoint, meterReading, published, readings })

const types = [
  { id: 'del', flow: 1 },
  { id: 'rec', flow: 19 },
  { id: 'net', flow: 4 },
  { id: 'scaled', flow: 1 },
]
const feed = (...blocks: FeedBlock[]): Feed => ({
  readingTypes: types,
  meterReadings: blocks.map(({ usagePoint, meterReading }) => ({
    usagePoint,
    id: meterReading,
    readingType: meterReading,
  })),
  blocks,
})

/** What comes, commit by commit; feeds of one commit are published together. */
const commits: { at: string; feeds: Feed[] }[] = [
  {
    at: '2026-05-02T15:00:00Z',
    feeds: [
      feed(
        block('hourly', 'del', '2026-05-02T01:00:00Z', run(day, 24, 1000)),
        block('quarterly', 'del', '2026-05-02T01:00:00Z', quarters(day, 96, 250)),
        block('exporter', 'del', '2026-05-02T01:00:00Z', run(day, 24, 500)),
        block('netted', 'net', '2026-05-02T01:00:00Z', run(day, 24, -7)),
        block('scaled', 'scaled', '2026-05-02T01:00:00Z', run(day, 24, 4)),
      ),
      // waits for its MeterReading
      { blocks: [block('parked', 'rec', '2026-05-02T01:00:00Z', run(day, 24, 60))] },
    ],
  },
  // an export nobody knew of: hours that were delivered only have a net of their own, or none, from now on
  {
    at: '2026-05-03T15:00:00Z',
    feeds: [
      feed(
        block('exporter', 'rec', '2026-05-03T01:00:00Z', run(day + 7200, 20, 123)),
        block('hourly', 'del', '2026-05-03T01:00:00Z', run(day + 86_400, 24, 900)),
      ),
    ],
  },
  // corrections, a longer interval, a shorter one
  {
    at: '2026-05-04T15:00:00Z',
    feeds: [
      feed(
        block('hourly', 'del', '2026-05-04T01:00:00Z', run(day + 3 * 3600, 2, 7777, 8)),
        block('quarterly', 'del', '2026-05-04T01:00:00Z', run(day, 4, 1111)),
        block('exporter', 'del', '2026-05-04T01:00:00Z', quarters(day, 8, 131)),
        block('parked', 'del', '2026-05-04T01:00:00Z', run(day, 24, 80)),
      ),
      { meterReadings: [{ usagePoint: 'parked', id: 'rec', readingType: 'rec' }] },
      // from now on its integers mean ten times as much
      {
        readingTypes: [{ id: 'scaled', powerOfTen: 1 }],
        published: '2026-05-04T01:00:00Z',
        blocks: [block('scaled', 'scaled', '2026-05-04T01:00:00Z', run(day, 5, 4))],
      },
    ],
  },
  // late: published before what is known of it, by a date or by having none; and a meter of whose hour a quarter is missing
  {
    at: '2026-05-05T15:00:00Z',
    feeds: [
      feed(block('hourly', 'del', '2026-05-03T12:00:00Z', run(day + 3 * 3600, 2, 5555, 19))),
      feed(block('hourly', 'del', null, run(day + 20 * 3600, 2, 6666))),
      feed(block('tardy', 'del', '2026-05-02T01:00:00Z', quarters(day, 7, 300))),
      feed(block('quarterly', 'del', '2026-05-03T01:00:00Z', quarters(day + 3600, 4, 9))),
    ],
  },
  // back to quarters, the missing one, a repeat that says nothing new, an export that began earlier than was known
  {
    at: '2026-05-06T15:00:00Z',
    feeds: [
      feed(
        block('quarterly', 'del', '2026-05-06T01:00:00Z', quarters(day + 3600, 8, 222)),
        block('tardy', 'del', '2026-05-06T01:00:00Z', quarters(day + 7 * 900, 1, 1)),
        block('hourly', 'del', '2026-05-06T01:00:00Z', run(day + 86_400, 24, 900)),
        block('exporter', 'rec', '2026-05-06T01:00:00Z', run(day - 3600, 1, 3)),
      ),
    ],
  },
  // two versions of the same hours in one commit, and back to what was said first; a meter turns from valid to revenue quality
  {
    at: '2026-05-20T15:00:00Z',
    feeds: [
      feed(block('hourly', 'del', '2026-05-19T01:00:00Z', run(day + 3 * 3600, 2, 4444))),
      feed(block('hourly', 'del', '2026-05-19T02:00:00Z', run(day + 3 * 3600, 1, 1003))),
      feed(block('netted', 'net', '2026-05-19T01:00:00Z', run(day, 24, -7, 19))),
    ],
  },
]

const marts = {
  'mart.load_hourly': { asOf: 'mart.load_hourly_asof', order: 'usage_point_id, hour_start_at' },
  'mart.load_system_hourly': { asOf: 'mart.load_system_hourly_asof', order: 'hour_start_at' },
  'core.interval': { asOf: 'core.interval_asof', order: 'series_key, start_at' },
} as const
type Mart = keyof typeof marts
const names = Object.keys(marts) as Mart[]

let dir: string
let roots: LakeRoots
const query = (sql: string) => queryRows({ roots, sql })
const all = (source: string, mart: Mart, where = '') =>
  query(`SELECT * FROM ${source} ${where} ORDER BY ${marts[mart].order}`)

const answers: { at: string; told: Record<string, Awaited<ReturnType<typeof query>>> }[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-as-of-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  for (const { at, feeds } of commits) {
    for (const one of feeds) await stageFeed(roots, one)
    await publishStaged({ roots, timeZone, now: () => new Date(at) })
    const told: (typeof answers)[number]['told'] = {}
    for (const mart of names) told[mart] = await all(mart, mart)
    answers.push({ at, told })
  }
}, 120_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const moment = (iso: string, addMs = 0) => `TIMESTAMPTZ '${new Date(Date.parse(iso) + addMs).toISOString()}'`

const columns = (source: string) => query(`SELECT column_name, column_type FROM (DESCRIBE FROM ${source})`)

describe.each(names)('%s', (mart) => {
  const { asOf } = marts[mart]

  test('each commit changed the answer', () => {
    const texts = answers.map(({ told }) => JSON.stringify(told[mart]))
    expect(new Set(texts).size).toBe(commits.length)
    for (const { told } of answers) expect(told[mart]?.length).toBeGreaterThan(23)
  })

  test('as of each commit, and until the next, is what it said after that commit', async () => {
    for (const [n, { at, told }] of answers.entries()) {
      const next = answers[n + 1]?.at
      for (const t of [moment(at), next === undefined ? moment('2030-01-01T00:00:00Z') : moment(next, -1)])
        expect({ t, rows: await all(`${asOf}(${t})`, mart) }).toEqual({ t, rows: told[mart] })
    }
  })

  test('nothing was known before the first commit', async () => {
    expect(await all(`${asOf}(${moment(commits[0]?.at ?? '', -1)})`, mart)).toEqual([])
  })

  test('has the same columns', async () => {
    expect(await columns(`${asOf}(now())`)).toEqual(await columns(mart))
  })

  test('a filter on local_date reaches every look into the files, and answers that day', async () => {
    const t = moment(commits[3]?.at ?? '')
    const where = `WHERE local_date = DATE '2026-05-02'`
    const whole = await all(`${asOf}(${t})`, mart)
    const rows = await all(`${asOf}(${t})`, mart, where)
    expect(rows).toHaveLength(24)
    expect(rows).toEqual(whole.filter((row) => row['local_date'] === rows[0]?.['local_date']))
    const scans = await readingScans(roots, `SELECT * FROM ${asOf}(${t}) ${where}`)
    expect(scans.length).toBeGreaterThan(0)
    for (const filters of scans) expect(filters).toMatch(/local_date\s*=\s*'2026-05-02'/)
  })
})

const exporterHours = async (at: string) =>
  (
    await query(
      `SELECT delivered_kwh, received_kwh, net_kwh, net_basis, n_intervals || '/' || n_expected AS n, quality_grade
        FROM mart.load_hourly_asof(${moment(at)})
        WHERE usage_point_id = 'exporter' AND local_date = DATE '2026-05-01' AND he_seq IN (1, 3) ORDER BY he_seq`,
    )
  ).map((row) => Object.values(row).join(' '))

test('by hand: an export that was not known was not missed', async () => {
  expect(await exporterHours('2026-05-02T15:00:00Z')).toEqual([
    '0.500000000  0.500000000 delivered_only 1/1 B',
    '0.502000000  0.502000000 delivered_only 1/1 B',
  ])
  // its series exists on that day, so that an hour of it is missing, though its net is known
  expect(await exporterHours('2026-05-03T15:00:00Z')).toEqual([
    '0.500000000  0.500000000 delivered_only 1/2 D',
    '0.502000000 0.123000000 0.379000000 both 2/2 B',
  ])
  // its first hour in quarters (131 … 134 Wh), and an export is known of before that hour
  expect(await exporterHours('2026-05-06T15:00:00Z')).toEqual([
    '0.530000000   received_missing 4/5 D',
    '0.502000000 0.123000000 0.379000000 both 2/2 B',
  ])
})

const correctedKwh = async (at: string) =>
  (
    await query(`SELECT delivered_kwh FROM mart.load_hourly_asof(${moment(at)})
      WHERE usage_point_id = 'hourly' AND local_date = DATE '2026-05-01' AND he_seq IN (4, 5, 21) ORDER BY he_seq`)
  ).map((row) => row['delivered_kwh'])

test('by hand: a correction that came late and lost changed nothing; the last word of one commit counts', async () => {
  expect(await correctedKwh('2026-05-03T15:00:00Z')).toEqual(['1.003000000', '1.004000000', '1.020000000'])
  expect(await correctedKwh('2026-05-04T15:00:00Z')).toEqual(['7.777000000', '7.778000000', '1.020000000'])
  expect(await correctedKwh('2026-05-05T15:00:00Z')).toEqual(['7.777000000', '7.778000000', '1.020000000'])
  expect(await correctedKwh('2026-05-20T15:00:00Z')).toEqual(['1.003000000', '4.445000000', '1.020000000'])
})
