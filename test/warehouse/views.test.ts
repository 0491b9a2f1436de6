import { DuckDBInstance } from '@duckdb/node-api'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MeterlakeError } from '../../schemas/errors.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { Database } from '../../warehouse/database.ts'
import { exactQuantity, packedValue, restoredValue } from '../../warehouse/packed-value.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedReading, type FeedReadingType, localHour, stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots
const query = (sql: string) => queryRows({ roots, sql })

const power10 = (p: number) => 10n ** BigInt(p)
const s = (iso: string) => Date.parse(iso) / 1000
const spring = s('2026-03-08T08:00:00Z')
const autumn = s('2026-11-01T07:00:00Z')
const plain = s('2026-05-01T07:00:00Z')
const run = (start: number, n: number, value: number, duration = 3600): FeedReading[] =>
  Array.from({ length: n }, (_, at) => ({ start: start + at * duration, duration, value, quality: 19 }))

const types: FeedReadingType[] = [
  { id: 'del', flow: 1, powerOfTen: 0 },
  { id: 'rec', flow: 19, powerOfTen: 0 },
  { id: 'net', flow: 4, powerOfTen: 0 },
  { id: 'milli', powerOfTen: -3, defaultQuality: 17 },
  { id: 'gas', uom: 169, powerOfTen: -8, commodity: 7, flow: null },
  { id: 'demand', kind: 8 },
  { id: 'watt', uom: 38 },
  { id: 'register', accumulation: 1 },
  { id: 'no-power', powerOfTen: null },
  { id: 'fine', powerOfTen: -10 },
  { id: 'no-uom', uom: null },
  { id: 'conflict', uom: null, conflict: true },
  { id: 'odd', uom: 255 },
]
const series: [usagePoint: string, type: string, readings: FeedReading[]][] = [
  ['dst', 'del', [...run(spring, 23, 1), ...run(autumn, 25, 1)]],
  ['both', 'del', run(plain, 3, 10)],
  // its export misses the second hour
  ['both', 'rec', [...run(plain, 1, 4), ...run(plain + 7200, 1, 6)]],
  // exported yesterday, nothing came of it today
  ['silent', 'del', run(plain, 1, 10)],
  ['silent', 'rec', run(plain - 86_400, 1, 5)],
  ['netted', 'net', run(plain, 1, -3)],
  // a day as one reading, and one hour of the day after it
  ['daily', 'del', [{ start: plain - 86_400, duration: 86_400, value: 24_000 }, ...run(plain + 43_200, 1, 10)]],
  // the last quarter of the second hour is missing
  ['quarters', 'milli', run(plain, 7, 250, 900).map((one) => ({ ...one, quality: null }))],
  ...types.slice(3).map((type): [string, string, FeedReading[]] => [`x-${type.id}`, type.id, run(plain, 1, 12_345)]),
]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-views-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  await stageFeed(roots, {
    readingTypes: types,
    meterReadings: series.map(([usagePoint, type]) => ({ usagePoint, id: type, readingType: type })),
    blocks: series.map(([usagePoint, type, readings]) => ({
      usagePoint,
      meterReading: type,
      published: '2026-12-01T00:00:00Z',
      readings,
    })),
    rows: {
      usage_summary: [
        {
          summary_id: 'b1',
          usage_point_id: 'dst',
          href: 'b1',
          bill_last_period: 23_364_001,
          published_at: '2026-12-01T00:00:00Z',
          byte_offset: 1,
        },
      ],
      usage_summary_line: [
        { summary_id: 'b1', line: 1, amount: -1, note: 'credit', published_at: '2026-12-01T00:00:00Z', byte_offset: 1 },
        { summary_id: 'b1', line: 2, note: 'information', published_at: '2026-12-01T00:00:00Z', byte_offset: 1 },
      ],
      tou_code: [{ kind: 'tou', code: 6, name: 'WOP', note: 'Winter Off Peak', published_at: null, byte_offset: 2 }],
    },
  })
  await publishStaged({ roots, timeZone })
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

describe('core.interval', () => {
  test('has the columns of the contract, in order and type', async () => {
    const columns = await query(`SELECT column_name || ' ' || column_type AS line FROM (DESCRIBE core.interval)`)
    expect(columns.map((row) => row['line'])).toEqual([
      'series_key BIGINT',
      'usage_point_id VARCHAR',
      'meter_reading_id VARCHAR',
      'commodity INTEGER',
      'flow_direction INTEGER',
      'uom INTEGER',
      'power_of_ten INTEGER',
      'start_at TIMESTAMP WITH TIME ZONE',
      'duration_s INTEGER',
      'local_date DATE',
      'he_seq INTEGER',
      'he_clock INTEGER',
      'value BIGINT',
      'energy_kwh DECIMAL(18,9)',
      'quantity DECIMAL(38,12)',
      'unit VARCHAR',
      'quality INTEGER',
      'quality_codes VARCHAR',
      'quality_source VARCHAR',
      'quality_class VARCHAR',
      'tou INTEGER',
      'cpp INTEGER',
      'consumption_tier INTEGER',
      'cost BIGINT',
      'published_at TIMESTAMP WITH TIME ZONE',
      'known_at TIMESTAMP WITH TIME ZONE',
      'load_id VARCHAR',
      'energy_null_reason VARCHAR',
      'canonical_series_key BIGINT',
    ])
    const of = (source: string) => query(`SELECT column_name, column_type FROM (DESCRIBE FROM ${source})`)
    const own = await of('core.interval')
    expect((await of('core.interval_version')).slice(0, own.length)).toEqual(own)
    expect(await of(`core.interval_asof('2027-01-01Z')`)).toEqual(own)
  })

  test('says what is energy and why the rest is not', async () => {
    const rows = await query(
      `SELECT usage_point_id AS id, value, energy_kwh AS kwh, energy_null_reason AS why, quantity, unit FROM core.interval
       WHERE usage_point_id LIKE 'x-%' ORDER BY 1`,
    )
    const line = (row: (typeof rows)[number]) => [
      row['id'],
      row['value'],
      row['kwh'],
      row['why'],
      row['quantity'],
      row['unit'],
    ]
    expect(rows.map(line)).toEqual([
      ['x-conflict', '12345', null, 'ReadingType in conflict', '12345.000000000000', null],
      ['x-demand', '12345', null, 'demand or power, not energy', '12345.000000000000', 'Wh'],
      ['x-fine', '12345', null, 'not exactly representable as DECIMAL(18,9) kWh', '0.000001234500', 'Wh'],
      ['x-gas', '12345', null, 'not an energy in Wh', '0.000123450000', 'therm'],
      ['x-milli', '12345', '0.012345000', null, '12.345000000000', 'Wh'],
      ['x-no-power', '12345', null, 'power of ten not sent', null, 'Wh'],
      ['x-no-uom', '12345', null, 'unit of measure not sent', '12345.000000000000', null],
      ['x-odd', '12345', null, 'not an energy in Wh', '12345.000000000000', 'uom 255'],
      ['x-register', '12345', null, 'register reading, not an interval quantity', '12345.000000000000', 'Wh'],
      ['x-watt', '12345', null, 'demand or power, not energy', '12345.000000000000', 'W'],
    ])
  })

  test('quality comes from the reading, else from the default of its type', async () => {
    expect(
      await query(`SELECT DISTINCT quality, quality_codes, quality_source, quality_class FROM core.interval
        WHERE usage_point_id IN ('quarters', 'netted') ORDER BY 1`),
    ).toEqual([
      { quality: 17, quality_codes: '17', quality_source: 'default', quality_class: 'VEE' },
      { quality: 19, quality_codes: '19', quality_source: 'reading', quality_class: 'REVENUE' },
    ])
  })
})

const hours = async (usagePoint: string) =>
  (
    await query(
      `SELECT delivered_kwh, received_kwh, net_kwh, net_basis, n_intervals, n_expected, quality_grade FROM mart.load_hourly
       WHERE usage_point_id = '${usagePoint}' ORDER BY hour_start_at`,
    )
  ).map((row) =>
    Object.values(row)
      .map((value) => (typeof value === 'object' ? '' : String(value)))
      .join(' '),
  )

describe('mart.load_hourly', () => {
  test('the days the clock changes have 23 and 25 hours', async () => {
    const rows = await query(
      `SELECT local_date::VARCHAR AS dt, he_seq, he_clock, epoch_us(hour_start_at) // 1000000 AS second FROM mart.load_hourly
       WHERE usage_point_id = 'dst' ORDER BY second`,
    )
    expect(rows).toHaveLength(48)
    for (const { dt, he_seq, he_clock, second } of rows)
      expect({ dt, heSeq: he_seq, heClock: he_clock }).toEqual(localHour(Number(second)))
    expect(rows.filter(({ dt }) => dt === '2026-11-01').map((row) => row['he_clock'])).toEqual([
      1,
      2,
      2,
      ...Array.from({ length: 22 }, (_, at) => at + 3),
    ])
  })

  test('a missing export is never taken for zero', async () => {
    expect(await hours('both')).toEqual([
      '0.010000000 0.004000000 0.006000000 both 2 2 A',
      '0.010000000   received_missing 1 2 D',
      '0.010000000 0.006000000 0.004000000 both 2 2 A',
    ])
    expect((await hours('silent')).at(-1)).toBe('0.010000000   received_missing 1 2 D')
  })

  test('net channel, delivered only, missing quarters', async () => {
    expect(await hours('netted')).toEqual(['  -0.003000000 net_channel 1 1 A'])
    expect(await hours('quarters')).toEqual([
      '0.001000000  0.001000000 delivered_only 4 4 B',
      '0.000750000   partial 3 4 D',
    ])
  })

  test('a reading longer than an hour is not counted in its first hour, nor in any, and the columns say so', async () => {
    expect(
      await query(`SELECT duration_s, energy_kwh FROM core.interval WHERE usage_point_id = 'daily' ORDER BY start_at`),
    ).toEqual([
      { duration_s: 86_400, energy_kwh: '24.000000000' },
      { duration_s: 3600, energy_kwh: '0.010000000' },
    ])
    expect(await hours('daily')).toEqual(['0.010000000  0.010000000 delivered_only 1 1 A'])
    const comments = await query(`SELECT column_name FROM duckdb_columns()
      WHERE table_name IN ('load_hourly', 'load_system_hourly') AND comment LIKE '%longer than an hour%' ORDER BY 1`)
    expect(comments.map((row) => row['column_name'])).toEqual([
      'delivered_kwh',
      'delivered_kwh',
      'n_intervals',
      'received_kwh',
      'received_kwh',
    ])
  })

  test('adds up to the system', async () => {
    expect(
      await query(`SELECT n_usage_points, delivered_kwh, received_kwh, net_kwh, n_net_unknown FROM mart.load_system_hourly
        WHERE hour_start_at = '2026-05-01 08:00:00Z'`),
    ).toEqual([
      { n_usage_points: '2', delivered_kwh: '0.010750000', received_kwh: null, net_kwh: null, n_net_unknown: '2' },
    ])
  })
})

test('every column of every view is commented', async () => {
  expect(
    await query(
      `SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL`,
    ),
  ).toEqual([])
})

test('bills carry exact money', async () => {
  expect(await query('SELECT bill_last_period, bill_last_period_in_currency FROM core.usage_summary')).toEqual([
    { bill_last_period: '23364001', bill_last_period_in_currency: '233.64001' },
  ])
  expect(await query('SELECT line, amount_in_currency FROM core.usage_summary_line ORDER BY line')).toEqual([
    { line: 1, amount_in_currency: '-0.00001' },
    { line: 2, amount_in_currency: null },
  ])
  expect(await query('SELECT name FROM core.tou_code')).toEqual([{ name: 'WOP' }])
})

test('works attached, in any session zone, macros included', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`ATTACH '${join(roots.lake, 'views.duckdb')}' AS lake (READ_ONLY)`)
  const answers: string[] = []
  for (const zone of ['UTC', 'Asia/Kolkata']) {
    await connection.run(`SET TimeZone = '${zone}'`)
    const reader = await connection.runAndReadAll(
      `SELECT (SELECT count(*) || ' ' || sum(energy_kwh) || ' ' || max(epoch_us(start_at)) FROM lake.core.interval),
        (SELECT count(*) FROM lake.core.interval_asof('2100-01-01 00:00:00+00')),
        (SELECT count(*) FROM lake.core.interval_as_published('2100-01-01 00:00:00+00')),
        (SELECT max(epoch_us(hour_start_at)) || ' ' || sum(net_kwh) FROM lake.mart.load_hourly)`,
    )
    answers.push(JSON.stringify(reader.getRowsJson()))
  }
  connection.closeSync()
  instance.closeSync()
  expect(answers[1]).toBe(answers[0])
  expect(answers[0]).toContain(String(series.reduce((n, [, , readings]) => n + readings.length, 0)))
})

test('a filter on local_date reaches the files of the past', async () => {
  const plan = await query(
    `EXPLAIN SELECT * FROM core.interval_asof('2100-01-01 00:00:00+00') WHERE local_date = DATE '2026-05-01'`,
  )
  const text = JSON.stringify(plan)
  expect(text.slice(text.lastIndexOf('WINDOW'))).toMatch(/local_date\s*=\s*'2026-05-01'/)
})

test('a folder without a lake says so', async () => {
  const nowhere = { lake: join(dir, 'nowhere'), pii: join(dir, 'nowhere-pii') }
  await expect(queryRows({ roots: nowhere, sql: 'SELECT 1' })).rejects.toMatchObject({ code: 'LAKE_MISSING' })
})

test('a query that fails says so', async () => {
  for (const sql of ['SELECT nothing FROM nowhere', 'SELEC', "SELECT 'x'::INTEGER FROM core.interval"]) {
    const failing = query(sql)
    await expect(failing).rejects.toBeInstanceOf(MeterlakeError)
    await expect(failing).rejects.toMatchObject({ code: 'SQL_FAILED' })
  }
})

test('value is restored exactly from what current files keep; quantity is exact or NULL', async () => {
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: dir })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.bigInt(-(2n ** 47n), 2n ** 47n - 1n), fc.integer({ min: -40, max: 40 })), {
        minLength: 1,
        maxLength: 50,
      }),
      async (pairs) => {
        const rows = await db.rows(
          `SELECT ${restoredValue('v')} AS value, ${exactQuantity('v.sent', 'v.power_of_ten')} AS quantity FROM (
            SELECT id, sent, power_of_ten, energy_kwh, ${packedValue('s')} AS value FROM (
              SELECT id, sent, sent AS value, power_of_ten,
                CASE WHEN power_of_ten = -3 THEN TRY_CAST(sent::DECIMAL(19,0) * 0.000001::DECIMAL(19,9) AS DECIMAL(18,9))
                     WHEN power_of_ten = 0 THEN TRY_CAST(sent::DECIMAL(19,0) * 0.001::DECIMAL(19,9) AS DECIMAL(18,9)) END AS energy_kwh
              FROM (VALUES ${pairs.map(([value, p], id) => `(${id}, ${value}::BIGINT, ${p}::INTEGER)`).join(', ')}) t(id, sent, power_of_ten)) s
          ) v ORDER BY id`,
        )
        for (const [at, [value, p]] of pairs.entries()) {
          expect(rows[at]?.['value']).toBe(String(value))
          const isExact = p >= -12 || value % power10(-12 - p) === 0n
          const scaled = p >= -12 ? value * power10(p + 12) : value / power10(-12 - p)
          const digits = rows[at]?.['quantity']
          const fits = isExact && scaled < power10(38) && scaled > -power10(38)
          expect(typeof digits === 'string' ? BigInt(digits.replace('.', '')) : digits).toBe(fits ? scaled : null)
        }
      },
    ),
    { numRuns: 40 },
  )
})
