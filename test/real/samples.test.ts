/** Every real sample, value by value, against figures found without our reader (`oracle.py`, README.md). */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Row } from '../support/lake-rows.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import { sharedPath } from '../support/shared.ts'

type Figures = Readonly<Record<string, string | number | boolean | null>>
type Cell = Figures[string] | readonly number[]

interface Expected {
  readonly sample: string
  readonly sha256: string
  readonly profile: 'pge' | 'espi'
  readonly outcome: 'loaded' | 'refused' | 'customer'
  readonly code?: string
  readonly n_readings: number
  readonly n_parked: number
  readonly n_current: number
  readonly usage_points: readonly Figures[]
  readonly reading_types: readonly Figures[]
  readonly tou_codes: readonly Figures[]
  readonly usage_summaries: readonly Figures[]
  readonly series: readonly Readonly<Record<string, Cell>>[]
  readonly intervals?: readonly Figures[]
}

const folder = fileURLToPath(new URL('expected/', import.meta.url))
const samples = sharedPath('espi/samples')
const expectations = readdirSync(folder)
  .sort()
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Expected)

const cellText = (cell: Cell): string | null => {
  if (cell === null) return null
  return Array.isArray(cell) ? cell.join(',') : String(cell)
}

/** Rows as sorted lines: their order does not matter, everything else does. */
const lines = (rows: readonly Readonly<Record<string, Cell>>[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).map(([name, cell]) => [name, cellText(cell)]))).sort()

async function expectTable(lake: TestLake, view: string, expected: readonly Figures[], sqlOf: Figures = {}) {
  const names = Object.keys(expected[0] ?? {})
  const columns = names.length === 0 ? '*' : names.map((name) => `${sqlOf[name] ?? name} AS ${name}`).join(', ')
  const found = await lake.query(`SELECT ${columns} FROM ${view}`)
  expect({ view, rows: lines(found) }).toEqual({ view, rows: lines(expected) })
}

const seriesSql = `SELECT usage_point_id, meter_reading_id, count(*) AS n, sum(value) AS sum_value, sum(energy_kwh) AS sum_kwh,
  count(energy_kwh) AS n_kwh, sum(cost) AS sum_cost, sum(value::HUGEINT * epoch_us(start_at) // 1000000) AS sum_start_value,
  min(start_at) AS first_start_at, max(start_at) AS last_start_at,
  array_to_string(list_sort(list(DISTINCT duration_s)), ',') AS durations_s, any_value(power_of_ten) AS power_of_ten,
  any_value(uom) AS uom, any_value(flow_direction) AS flow_direction, any_value(commodity) AS commodity,
  first(quality ORDER BY start_at) AS quality, first(quality_source ORDER BY start_at) AS quality_source,
  first(published_at ORDER BY start_at) AS published_at
  FROM core.interval GROUP BY usage_point_id, meter_reading_id`

const of = (outcome: Expected['outcome']) => expectations.filter((expected) => expected.outcome === outcome)
const pathOf = (sample: string) => join(samples ?? '', sample)
const hashOf = (sample: string) =>
  createHash('sha256')
    .update(readFileSync(pathOf(sample)))
    .digest('hex')

describe.skipIf(samples === undefined)('real samples', () => {
  test('each sample has its expectation, made from these very bytes', () => {
    const files = readdirSync(samples ?? '').filter((file) => file !== 'INDEX.md')
    const hashes = Object.fromEntries(files.map((file) => [file, hashOf(file)]))
    expect(Object.fromEntries(expectations.map(({ sample, sha256 }) => [sample, sha256]))).toEqual(hashes)
  })

  test.each(of('refused'))('$sample is refused: $code', async ({ profile, sample, code }) => {
    await using lake = await createLake(profile)
    const [load] = await lake.load([pathOf(sample)])
    expect(load).toMatchObject({ status: 'failed', errorCode: code })
    expect(await lake.query('SELECT 1 FROM core.interval')).toEqual([])
  })

  test.each(of('customer'))('$sample is loaded under pii', async ({ profile, sample, sha256 }) => {
    await using lake = await createLake(profile)
    await lake.load([pathOf(sample)])
    const ledger = await lake.query('SELECT status, sha256, raw_path FROM ops.load')
    expect(ledger).toEqual([{ status: 'loaded', sha256, raw_path: null }])
    expect(await lake.query('SELECT 1 FROM core.interval')).toEqual([])
  })

  test.each(of('loaded'))('$sample is loaded, value by value', async (expected) => {
    await using lake = await createLake(expected.profile, { inChild: true })
    await lake.load([pathOf(expected.sample)])
    const { sha256, n_readings, n_parked, n_current } = expected
    expect(await lake.query('SELECT status, sha256, n_readings, n_parked FROM ops.load')).toEqual([
      { status: 'loaded', sha256, n_readings: String(n_readings), n_parked: String(n_parked) },
    ])
    expect(await lake.query('SELECT count(*) AS n FROM core.interval')).toEqual([{ n: String(n_current) }])
    await expectTable(lake, 'core.usage_point', expected.usage_points)
    await expectTable(lake, 'core.reading_type', expected.reading_types)
    await expectTable(lake, 'core.tou_code', expected.tou_codes)
    await expectTable(lake, 'core.usage_summary s', expected.usage_summaries, {
      n_lines: '(SELECT count(*) FROM core.usage_summary_line l WHERE l.summary_id = s.summary_id)',
    })
    expect(lines(await lake.query(seriesSql))).toEqual(lines(expected.series))
    if (expected.intervals) await expectTable(lake, 'core.interval', expected.intervals)
  })

  test('real daily files in either order give the same lake', async () => {
    const names = [
      'pge-bulk-elec-hourly-2019-10-23.xml',
      'pge-bulk-elec-hourly-1day-2019-10-17.xml',
      'pge-bulk-elec-hourly-quality17-espi_1_day.xml',
    ]
    const contents: (readonly Row[])[] = []
    for (const order of [names, names.toReversed()]) {
      await using lake = await createLake('pge')
      for (const name of order) await lake.load([pathOf(name)])
      contents.push(await lake.query('SELECT * EXCLUDE (known_at) FROM core.interval ORDER BY series_key, start_at'))
    }
    expect(contents[0]).toHaveLength(24 + 48 + 24)
    expect(contents[1]).toEqual(contents[0])
  })
})
