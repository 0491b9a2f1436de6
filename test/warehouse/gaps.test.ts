/** mart.gap and mart.completeness_daily where the clock of the commits counts: gaps that were filled, 204, meters exchanged. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { RequestRecord } from '../../schemas/pull.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageRequest } from '../../warehouse/stage-request.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'

/** Midnight of 1 May 2026 in California. */
const may1 = Date.parse('2026-05-01T07:00:00Z') / 1000
const at = (day: number, hour = 0) => may1 + (day - 1) * 86_400 + hour * 3600

/** `count` intervals from an hour of a day of May on, without those listed. */
function run(
  day: number,
  hour: number,
  count: number,
  without: readonly number[] = [],
  duration = 3600,
): FeedReading[] {
  return Array.from({ length: count }, (_, nth) => nth)
    .filter((nth) => !without.includes(nth))
    .map((nth) => ({ start: at(day, hour) + nth * duration, duration, value: duration, quality: 17 }))
}

let dir: string
let roots: LakeRoots
const lines = async (sql: string) =>
  (await queryRows({ roots, sql })).map((row) =>
    Object.values(row)
      .map((value) => value ?? '-')
      .join(' '),
  )

type Block = readonly [usagePoint: string, meterReading: string, published: string, readings: readonly FeedReading[]]

async function commit(now: string, blocks: readonly Block[]): Promise<void> {
  await stageFeed(roots, {
    readingTypes: [{ id: 'wh' }, { id: 'gas', uom: 169, powerOfTen: -8, commodity: 7, flow: 1 }],
    meterReadings: blocks.map(([usagePoint, id]) => ({ usagePoint, id, readingType: id === 'gas' ? 'gas' : 'wh' })),
    blocks: blocks.map(([usagePoint, meterReading, published, readings]) => ({
      usagePoint,
      meterReading,
      published,
      readings,
    })),
  })
  await publishStaged({ roots, timeZone, now: () => new Date(now) })
}

/** A request of 7 May, 19:00 in California, answered by 204. */
const noData: RequestRecord = {
  requestId: '11111111-1111-4111-8111-111111111111',
  reason: 'reconcile',
  feed: 'usage',
  by: 'published',
  window: { from: '2026-05-05', to: '2026-05-07' },
  ask: 1,
  askedAt: '2026-05-08T02:00:00.000Z',
  changedAt: '2026-05-08T02:00:01.000Z',
  status: 'no_data',
  transaction: null,
  notificationId: null,
  resources: 0,
  loaded: 0,
  errorCode: null,
  message: null,
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-gaps-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  // 1 May, known on 2 May: `late` lacks two hours, `switch` came in hours
  await commit('2026-05-02T17:00:00Z', [
    ['late', 'm', '2026-05-02T10:00:00Z', run(1, 0, 24, [3, 4])],
    ['switch', 'm', '2026-05-02T10:00:00Z', run(1, 0, 24)],
    ['swap', 'old', '2026-05-02T10:00:00Z', run(1, 0, 24)],
    ['therms', 'gas', '2026-05-02T10:00:00Z', [{ start: at(1) + 1, duration: 86_400, value: 5, quality: 17 }]],
  ])
  // 2 May: the old meter ends at noon; nothing of `late`. Known in the last minute of D+1
  await commit('2026-05-04T06:59:00Z', [
    ['swap', 'old', '2026-05-03T10:00:00Z', run(2, 0, 12)],
    ['switch', 'm', '2026-05-03T10:00:00Z', run(2, 0, 24)],
  ])
  // late: the two hours of 1 May, an hour of 2 May, all of 3 May; `switch` says 1 May again, in quarters; backfill of `old` days
  await commit('2026-05-05T17:00:00Z', [
    ['late', 'm', '2026-05-05T10:00:00Z', [...run(1, 3, 2), ...run(2, 5, 1), ...run(3, 0, 24)]],
    ['switch', 'm', '2026-05-05T10:00:00Z', run(1, 0, 96, [], 900)],
    ['swap', 'new', '2026-05-05T10:00:00Z', run(2, 14, 10 + 24)],
    ['backfilled', 'm', '2026-05-05T10:00:00Z', run(1, 0, 72)],
    ['therms', 'gas', '2026-05-05T10:00:00Z', [{ start: at(3) + 1, duration: 86_400, value: 5, quality: 17 }]],
  ])
  // asked when 5 and 6 May could be complete, and 7 May could not
  await stageRequest(roots, noData)
  // of 5 May something comes after the 204, of 6 May nothing does
  await commit('2026-05-08T17:00:00Z', [
    ['backfilled', 'm', '2026-05-08T10:00:00Z', [...run(4, 0, 48), ...run(7, 0, 24)]],
    ['switch', 'm', '2026-05-08T10:00:00Z', [...run(4, 0, 24), ...run(7, 0, 24)]],
  ])
}, 120_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const gapsOf = (usagePoint: string) =>
  lines(`SELECT strftime(timezone('${timeZone}', start_at), '%d %H:%M'), strftime(timezone('${timeZone}', end_at), '%d %H:%M'), n_intervals, status,
      reason, strftime(timezone('UTC', filled_at), '%dT%H') AS filled
    FROM mart.gap WHERE usage_point_id = '${usagePoint}' ORDER BY start_at, status`)

test('filled: not there when the day after had ended, though its channel was known, and there now', async () => {
  expect(await gapsOf('late')).toEqual([
    '01 03:00 01 05:00 2 filled - 05T17',
    '02 00:00 02 05:00 5 open - -',
    '02 05:00 02 06:00 1 filled - 05T17',
    '02 06:00 03 00:00 18 open - -',
    '03 00:00 04 00:00 24 filled - 05T17',
    // one run by what explains it: nothing came of 6 May
    '04 00:00 06 00:00 48 open - -',
    '06 00:00 07 00:00 24 explained no_data -',
    '07 00:00 08 00:00 24 open - -',
  ])
})

test('quarters in the place of hours fill nothing; a backfill of days before the channel was known neither', async () => {
  expect(await gapsOf('switch')).toEqual([
    '03 00:00 04 00:00 24 open - -',
    // known on 8 May, due by the end of 5 May
    '04 00:00 05 00:00 24 filled - 08T17',
    '05 00:00 06 00:00 24 open - -',
    '06 00:00 07 00:00 24 explained no_data -',
  ])
  expect(await gapsOf('backfilled')).toEqual([
    '04 00:00 06 00:00 48 filled - 08T17',
    '06 00:00 07 00:00 24 explained no_data -',
  ])
})

test('204 explains the days it was said of while nothing of them has come since', async () => {
  expect(
    await lines(
      `SELECT local_date::VARCHAR, reason, count(*) FROM mart.gap WHERE reason IS NOT NULL GROUP BY ALL ORDER BY 1`,
    ),
  ).toEqual(['2026-05-06 no_data 5'])
  // still missing: it is no data, not none expected
  expect(
    await lines(`SELECT DISTINCT n_expected, n_missing, quality_grade FROM mart.completeness_daily
      WHERE local_date = DATE '2026-05-06' AND duration_s = 3600`),
  ).toEqual(['24 24 D'])
})

test('a meter exchanged within a channel: what lies between them is missing, and nothing of the old one after', async () => {
  expect(await gapsOf('swap')).toEqual([
    '02 12:00 02 14:00 2 open - -',
    '02 14:00 04 00:00 34 filled - 05T17',
    '04 00:00 06 00:00 48 open - -',
    '06 00:00 07 00:00 24 explained no_data -',
    '07 00:00 08 00:00 24 open - -',
  ])
  expect(
    await lines(`SELECT local_date::VARCHAR, n_expected, n_intervals, n_missing FROM mart.completeness_daily
      WHERE usage_point_id = 'swap' AND local_date < DATE '2026-05-04' ORDER BY 1`),
  ).toEqual(['2026-05-01 24 24 0', '2026-05-02 24 22 2', '2026-05-03 24 24 0'])
})

test('a day of gas in one reading that begins a second late', async () => {
  expect(
    await lines(`SELECT local_date::VARCHAR, uom, n_expected, n_intervals, n_missing, duration_s, energy_kwh, quality_grade
      FROM mart.completeness_daily WHERE usage_point_id = 'therms' AND local_date < DATE '2026-05-04' ORDER BY 1`),
  ).toEqual(['2026-05-01 169 1 1 0 86400 - B', '2026-05-02 169 1 0 1 86400 - D', '2026-05-03 169 1 1 0 86400 - B'])
})

test('gaps that are not filled are what completeness lacks', async () => {
  const sums = `SELECT usage_point_id, sum(n_intervals) FROM mart.gap WHERE status <> 'filled' GROUP BY ALL ORDER BY 1`
  const gaps = await lines(sums)
  expect(gaps).toHaveLength(5)
  expect(gaps).toEqual(
    await lines(
      `SELECT usage_point_id, sum(n_missing) FROM mart.completeness_daily GROUP BY ALL HAVING sum(n_missing) > 0 ORDER BY 1`,
    ),
  )
})

test('a filter on local_date reaches the files of mart.completeness_daily', async () => {
  const [plan] = await queryRows({
    roots,
    sql: `EXPLAIN (FORMAT JSON) SELECT * FROM mart.completeness_daily WHERE local_date = DATE '2026-05-01'`,
  })
  expect(String(plan?.['explain_value'])).toMatch(/"local_date\s*=\s*'2026-05-01'/)
})
