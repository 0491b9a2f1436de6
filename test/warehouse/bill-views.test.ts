/** mart.bill_recon and mart.bill_quality over bills and intervals whose sums are worked out by hand. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedReading, type FeedReadingType, stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots

const s = (iso: string) => Date.parse(iso) / 1000
const day_s = 86_400
/** Local midnight of 1 May 2026; two days are billed. */
const may = s('2026-05-01T07:00:00Z')
const run = (start: number, n: number, value: number, quality: number | null = 19, duration = 3600): FeedReading[] =>
  Array.from({ length: n }, (_, at) => ({ start: start + at * duration, duration, value, quality }))

const types: FeedReadingType[] = [
  { id: 'del', flow: 1 },
  { id: 'rec', flow: 19 },
  { id: 'net', flow: 4 },
  { id: 'gas', uom: 169, powerOfTen: -8, commodity: 7, flow: null },
  { id: 'reactive', uom: 73 },
  { id: 'del-of-bills', flow: 1, defaultQuality: 17 },
  { id: 'revenue-total', flow: 4, defaultQuality: 19 },
]

interface Bill {
  readonly id: string
  readonly usagePoint?: string
  readonly start?: number | null
  readonly days?: number
  readonly hours?: number
  /** Wh. */
  readonly value?: number | null
  readonly uom?: number | null
  readonly powerOfTen?: number | null
  readonly type?: string
  readonly quality?: number | null
  readonly published?: string | null
  readonly commodity?: number
}
let offset = 0
const summary = (bill: Bill) => ({
  summary_id: bill.id,
  usage_point_id: bill.usagePoint ?? bill.id,
  href: bill.id,
  billing_start_at: bill.start === null ? null : new Date((bill.start ?? may) * 1000).toISOString(),
  billing_duration_s: bill.start === null ? null : (bill.days ?? 2) * day_s + (bill.hours ?? 0) * 3600,
  consumption_value: bill.value === undefined ? 48_000 : bill.value,
  consumption_power_of_ten: bill.powerOfTen === undefined ? 0 : bill.powerOfTen,
  consumption_uom: bill.uom === undefined ? 72 : bill.uom,
  consumption_reading_type_id: bill.type ?? null,
  quality_of_reading: bill.quality === undefined ? 19 : bill.quality,
  commodity: bill.commodity ?? 1,
  published_at: bill.published === undefined ? '2026-05-05T00:00:00Z' : bill.published,
  byte_offset: (offset += 1),
})

type Series = readonly [usagePoint: string, type: string, readings: FeedReading[], id?: string]
async function load(series: readonly Series[], bills: readonly Bill[], published = '2026-05-04T00:00:00Z') {
  await stageFeed(roots, {
    readingTypes: types,
    meterReadings: series.map(([usagePoint, type, , id]) => ({ usagePoint, id: id ?? type, readingType: type })),
    blocks: series.map(([usagePoint, type, readings, id]) => ({
      usagePoint,
      meterReading: id ?? type,
      published,
      readings,
    })),
    rows: { usage_summary: bills.map(summary) },
    salt: String((offset += 1)),
  })
  await publishStaged({ roots, timeZone })
}

const lines = async (sql: string) =>
  (await queryRows({ roots, sql })).map((row) =>
    Object.values(row)
      .map((value) =>
        value === null
          ? '-'
          : String(value)
              .replace(/(\.\d*?)0+$/, '$1')
              .replace(/\.$/, ''),
      )
      .join(' '),
  )
const recon = (id: string) =>
  lines(`SELECT billed_kwh, interval_kwh, difference_kwh, round(difference_percent, 3) AS percent, n_intervals, n_expected, reason
    FROM mart.bill_recon WHERE usage_point_id = '${id}' ORDER BY billing_start_at, summary_id`)
const quality = (id: string) =>
  lines(`SELECT n_intervals, n_expected, n_revenue, bill_quality, total_quality, is_revenue_quality, quality_basis
    FROM mart.bill_quality WHERE usage_point_id = '${id}' ORDER BY billing_start_at, summary_id`)
const since = async (id: string) => {
  const [row] = await queryRows({
    roots,
    sql: `SELECT count(*) FILTER (WHERE known_at <= (SELECT revenue_since_at FROM mart.bill_quality WHERE summary_id = '${id}')) AS n FROM ops.load`,
  })
  return Number(row?.['n'])
}
/** Its quality, and up to which load in order it has it since: 0 for a period that is not revenue quality. */
const judged = async (id: string) => [...(await quality(id)), await since(id)]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-bills-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  const whole = run(may, 48, 1000)
  const spring = s('2026-03-08T08:00:00Z')
  await load(
    [
      // an hour before and an hour after the period are not of it
      ['agrees', 'del', run(may - 3600, 50, 1000)],
      ['differs', 'del', whole],
      ['zero', 'del', run(may, 48, 0)],
      ['republished', 'del', whole],
      ['overlapping', 'del', run(may, 96, 1000)],
      ['chain', 'del', run(may, 24, 1000)],
      ['quarters', 'del', run(may, 190, 250, 19, 900)],
      ['nem', 'del', whole],
      ['nem', 'rec', run(may, 48, 1500)],
      ['nem-beside-net', 'del', whole],
      ['nem-beside-net', 'rec', run(may, 48, 1500)],
      ['nem-beside-net', 'net', run(may, 48, -500)],
      ['nem-silent', 'del', whole],
      ['nem-silent', 'rec', run(may - day_s, 24, 1500)],
      ['nem-begins', 'del', whole],
      ['nem-begins', 'rec', run(may + day_s, 24, 500)],
      ['delivered-billed', 'del', whole],
      ['delivered-billed', 'rec', run(may, 48, 1500)],
      ['netted', 'net', run(may, 48, -500)],
      ['two-meters', 'del', whole, 'm1'],
      ['two-meters', 'del', run(may, 47, 1000), 'm2'],
      ['exchanged', 'del', run(may, 20, 1000), 'm1'],
      ['exchanged', 'del', run(may + 20 * 3600, 28, 1000), 'm2'],
      ['doubly', 'del', [...whole, ...run(may + 1800, 40, 1000)]],
      ['gas', 'gas', run(may + 1, 2, 150_000_000, 19, day_s)],
      ['gas-in-wh', 'gas', run(may + 1, 2, 150_000_000, 19, day_s)],
      ['reactive', 'reactive', whole],
      ['spring', 'del', run(spring, 23, 1000)],
      ['no-total', 'del', whole],
      ['no-period', 'del', whole],
      ['unit-unknown', 'del', whole],
      ['tied', 'del', whole],
      ['clock-change', 'del', run(spring - day_s, 71, 1000)],
    ],
    [
      { id: 'agrees' },
      { id: 'differs', value: 50_000 },
      { id: 'zero', value: 0 },
      { id: 'r-1', usagePoint: 'republished', value: 47_000 },
      { id: 'same-id', usagePoint: 'same-id', value: 1000 },
      { id: 'o-1', usagePoint: 'overlapping', value: 48_000 },
      { id: 'o-2', usagePoint: 'overlapping', start: may + day_s, value: 40_000, published: '2026-05-06T00:00:00Z' },
      { id: 'o-3', usagePoint: 'overlapping', start: may + 3 * day_s, days: 1, value: 24_000 },
      { id: 'x-1', usagePoint: 'in-turn', published: '2026-05-05T00:00:00Z' },
      { id: 'x-2', usagePoint: 'in-turn', start: may + day_s, published: '2026-05-06T00:00:00Z' },
      { id: 'x-3', usagePoint: 'in-turn', start: may + 2 * day_s, published: '2026-05-07T00:00:00Z' },
      { id: 'c-1', usagePoint: 'chain', days: 1, value: 24_000, published: '2026-05-05T00:00:00Z' },
      { id: 'quarters', powerOfTen: -3, value: 48_000_000 },
      { id: 'nem', value: -24_000, type: 'revenue-total' },
      { id: 'nem-beside-net', value: -24_000 },
      { id: 'nem-silent' },
      { id: 'nem-begins', value: 36_000 },
      { id: 'delivered-billed', type: 'del-of-bills' },
      { id: 'netted', value: -24_000 },
      { id: 'two-meters', value: 96_000 },
      { id: 'exchanged' },
      { id: 'doubly' },
      { id: 'gas', uom: 169, powerOfTen: -8, value: 310_000_000, commodity: 7 },
      { id: 'gas-in-wh' },
      { id: 'reactive' },
      { id: 'nothing' },
      { id: 'spring', start: spring, days: 1, hours: -1, value: 23_000 },
      { id: 'no-total', value: null, uom: null, powerOfTen: null },
      { id: 'no-period', start: null },
      { id: 'unit-unknown', uom: null },
      { id: 'tied', value: 48_000 },
      { id: 'k-1', usagePoint: 'clock-change', start: spring - day_s, days: 2, value: 48_000 },
      {
        id: 'k-2',
        usagePoint: 'clock-change',
        start: spring + 23 * 3600,
        days: 1,
        value: 24_000,
        published: '2026-05-09T00:00:00Z',
      },
    ],
  )
  await load(
    [],
    [
      { id: 'r-2', usagePoint: 'republished', value: 48_000, published: '2026-05-07T00:00:00Z' },
      { id: 'same-id', usagePoint: 'same-id', value: 2000, published: '2026-05-06T00:00:00Z' },
      // overlaps the one-day bill, and is itself replaced by one of its start that does not
      { id: 'c-2', usagePoint: 'chain', start: may - day_s, days: 2, published: '2026-05-06T00:00:00Z' },
      { id: 'c-3', usagePoint: 'chain', start: may - day_s, days: 1, published: '2026-05-07T00:00:00Z' },
      { id: 'tied', value: 48_001 },
    ],
  )
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

describe('mart.bill_recon', () => {
  test.each([
    ['agrees', ['48 48 0 0 48 48 -']],
    ['differs', ['50 48 -2 -4 48 48 -']],
    ['zero', ['0 0 0 - 48 48 -']],
    ['spring', ['23 23 0 0 23 23 -']],
  ])('a bill and its intervals: %s', async (id, expected) => {
    expect(await recon(id)).toEqual(expected)
  })

  test('missing quarters: the sums are told, and that they are no comparison', async () => {
    expect(await recon('quarters')).toEqual(['48 47.5 -0.5 -1.042 190 192 partly_covered'])
    expect(await lines(`SELECT round(coverage, 6) FROM mart.bill_recon WHERE summary_id = 'quarters'`)).toEqual([
      '0.989583',
    ])
  })

  test('a bill republished: under its own id the version in force, under another the newest of the start', async () => {
    expect(await recon('same-id')).toEqual(['2 - - - 0 48 no_intervals'])
    expect(await recon('republished')).toEqual(['47 48 1 2.128 48 48 superseded', '48 48 0 0 48 48 -'])
    expect(
      await lines(
        `SELECT summary_id, is_in_force, displaced_by_summary_id FROM mart.bill_recon WHERE usage_point_id = 'republished' ORDER BY 1`,
      ),
    ).toEqual(['r-1 false r-2', 'r-2 true -'])
  })

  test('of overlapping bills the later published counts; what was replaced itself displaces nothing', async () => {
    expect(await recon('overlapping')).toEqual([
      '48 48 0 0 48 48 overlapped',
      '40 48 8 20 48 48 -',
      '24 24 0 0 24 24 -',
    ])
    expect(
      await lines(
        `SELECT summary_id, is_in_force, displaced_by_summary_id FROM mart.bill_recon WHERE usage_point_id IN ('overlapping', 'chain') ORDER BY 1`,
      ),
    ).toEqual(['c-1 true -', 'c-2 false c-3', 'c-3 true -', 'o-1 false o-2', 'o-2 true -', 'o-3 true -'])
  })

  test('a bill that was overlapped stays out, also where the one in its place is overlapped in turn', async () => {
    expect(
      await lines(
        `SELECT summary_id, reason, displaced_by_summary_id FROM mart.bill_recon WHERE usage_point_id = 'in-turn' ORDER BY 1`,
      ),
    ).toEqual(['x-1 overlapped x-2', 'x-2 overlapped x-3', 'x-3 no_intervals -'])
  })

  test('an hour in common is a clock change, no overlap', async () => {
    expect(
      await lines(
        `SELECT summary_id, is_in_force FROM mart.bill_recon WHERE usage_point_id = 'clock-change' ORDER BY 1`,
      ),
    ).toEqual(['k-1 true', 'k-2 true'])
  })

  test('versions of one publication that differ are said', async () => {
    expect(await lines(`SELECT summary_id, billed_kwh FROM mart.bill_recon WHERE is_tied`)).toEqual(['tied 48.001'])
  })

  test.each([
    ['nem', ['-24 -24 0 0 96 96 -']],
    ['nem-beside-net', ['-24 -24 0 0 96 96 -']],
    ['nem-silent', ['48 - - - 48 96 received_missing']],
    // exported from the second day on: nothing is missing of the first
    ['nem-begins', ['36 36 0 0 72 72 -']],
    ['delivered-billed', ['48 48 0 0 48 48 -']],
    ['netted', ['-24 -24 0 0 48 48 -']],
  ])('directions: %s', async (id, expected) => {
    expect(await recon(id)).toEqual(expected)
  })

  test.each([
    ['two-meters', ['96 95 -1 -1.042 95 96 partly_covered']],
    ['exchanged', ['48 48 0 0 48 48 -']],
    ['doubly', ['48 88 40 83.333 88 88 doubly_covered']],
  ])('meters: %s', async (id, expected) => {
    expect(await recon(id)).toEqual(expected)
  })

  test('gas is compared in therms, from a second after midnight', async () => {
    expect(await recon('gas')).toEqual(['- - - -3.226 2 2 -'])
    expect(
      await lines(
        `SELECT unit, billed_quantity, interval_quantity, difference_quantity FROM mart.bill_recon WHERE summary_id = 'gas'`,
      ),
    ).toEqual(['therm 3.1 3 -0.1'])
  })

  test.each([
    ['gas-in-wh', ['48 - - - 0 48 other_unit']],
    ['reactive', ['48 - - - 0 48 other_unit']],
    ['nothing', ['48 - - - 0 48 no_intervals']],
    ['no-total', ['- 48 - - 48 48 no_total']],
    ['no-period', ['48 - - - 0 - no_period']],
    ['unit-unknown', ['- 48 - - 48 48 billed_unit_unknown']],
  ])('cannot be compared: %s', async (id, expected) => {
    expect(await recon(id)).toEqual(expected)
  })
})

describe('mart.bill_quality', () => {
  test('the three levels are kept apart', async () => {
    expect(await quality('agrees')).toEqual(['48 48 48 19 - true revenue'])
    expect(await quality('nem')).toEqual(['96 96 96 19 19 true revenue'])
    expect(await quality('delivered-billed')).toEqual(['48 48 48 19 17 false total_not_revenue'])
    expect(await quality('quarters')).toEqual(['190 192 190 19 - false incomplete'])
    expect(await quality('nothing')).toEqual(['0 48 0 19 - - no_intervals'])
    expect(await quality('no-period')).toEqual(['0 - 0 19 - - no_period'])
  })

  test('since the load that made the last interval revenue quality; a later one that corrects it keeps the time', async () => {
    const first = Number((await lines('SELECT count(*) FROM ops.load'))[0])
    await load([['turns', 'del', run(may, 48, 1000, 17)]], [{ id: 'turns', quality: 17 }], '2026-05-04T00:00:00Z')
    expect(await judged('turns')).toEqual(['48 48 0 17 - false intervals_not_revenue', 0])
    await load([['turns', 'del', run(may, 47, 1000)]], [], '2026-05-06T00:00:00Z')
    expect(await judged('turns')).toEqual(['48 48 47 17 - false intervals_not_revenue', 0])
    await load([['turns', 'del', run(may + 47 * 3600, 1, 1000)]], [], '2026-05-07T00:00:00Z')
    // what the bill says is older than its intervals
    expect(await judged('turns')).toEqual(['48 48 48 17 - true revenue', first + 3])
    await load([['turns', 'del', run(may, 1, 1001)]], [], '2026-05-08T00:00:00Z')
    expect(await judged('turns')).toEqual(['48 48 48 17 - true revenue', first + 3])
    await load([['turns', 'del', run(may, 1, 1001, 8)]], [], '2026-05-09T00:00:00Z')
    expect(await judged('turns')).toEqual(['48 48 47 17 - false intervals_not_revenue', 0])
    await load([['turns', 'del', run(may, 1, 1001)]], [], '2026-05-10T00:00:00Z')
    expect(await judged('turns')).toEqual(['48 48 48 17 - true revenue', first + 6])
    // asked for after all of them, the bill still says 17
    await load([], [{ id: 'turns', quality: 17, value: 48_001, published: '2026-05-11T00:00:00Z' }])
    expect(await judged('turns')).toEqual(['48 48 48 17 - false bill_not_revenue', 0])
  })

  test('raw is final where nothing better ever came, and the bill says raw: taken for an MV-90 meter', async () => {
    await load(
      [
        ['mv90', 'del', run(may, 48, 1000, 14)],
        ['raw', 'del', run(may, 48, 1000, 14)],
        ['once-better', 'del', [...run(may - 2 * day_s, 48, 1000, 17), ...run(may, 48, 1000, 14)]],
      ],
      [
        { id: 'mv90', quality: 14 },
        { id: 'raw', quality: 19 },
        { id: 'b-1', usagePoint: 'once-better', start: may - 2 * day_s, quality: 17 },
        { id: 'b-2', usagePoint: 'once-better', quality: 14 },
      ],
    )
    expect(await quality('mv90')).toEqual(['48 48 0 14 - true raw_taken_for_mv90'])
    expect(await since('mv90')).toBeGreaterThan(0)
    expect(await quality('raw')).toEqual(['48 48 0 19 - false intervals_not_revenue'])
    expect(await quality('once-better')).toEqual([
      '48 48 0 17 - false intervals_not_revenue',
      '48 48 0 14 - false intervals_not_revenue',
    ])
  })
})
