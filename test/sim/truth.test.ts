import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meterReadingId } from '../../sim/entry-order.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, type FeedPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { kwhText, truthRows } from '../../sim/truth.ts'
import { summarizeTruth, truthBills } from '../../sim/truth-summary.ts'
import { all, child, entriesIn, type ScannedNode, scan, textAt } from './feed-scan.ts'

/** Best to worst, written out again on purpose: utility.md's classes, worst last. */
const worst = [19, 0, 18, 17, 7, 14, 11, 13, 16, 15, 9, 8, 12, 10]

interface Found {
  duration_s: number
  value: string
  codes: string
  tou: string
  published_ms: number
}

/** Extracts from the XML alone what is current after these packages: an own little model of the rules. */
function extract(packages: readonly FeedPackage[]) {
  const series = new Map<string, Map<number, Found>>()
  const typeOf = new Map<string, string>()
  const types = new Map<string, ScannedNode>()
  const ordered = [...packages].sort((a, b) => a.generatedAt_ms - b.generatedAt_ms)
  for (const feedPackage of ordered) {
    for (const service of ['electricity', 'gas'] as const) {
      const xml = Buffer.concat([...renderFeed(feedPackage, service)]).toString()
      for (const entry of entriesIn(scan(xml))) {
        if (entry.kind === 'ReadingType') types.set(entry.self, entry.payload)
        if (entry.kind === 'MeterReading')
          typeOf.set(entry.self, entry.related.find((href) => href.includes('/ReadingType/')) ?? '')
        if (entry.kind !== 'IntervalBlock') continue
        const key = entry.up.replace(/\/IntervalBlock$/, '')
        const intervals = series.get(key) ?? new Map<number, Found>()
        series.set(key, intervals)
        for (const reading of all(entry.payload, 'IntervalReading')) take(intervals, reading, entry.published_ms)
      }
    }
  }
  const rows: string[] = []
  for (const [href, intervals] of series) {
    const type = types.get(typeOf.get(href) ?? '')
    const [, usagePoint, meterReading] = /UsagePoint\/([^/]+)\/MeterReading\/([^/]+)$/.exec(href) ?? []
    for (const [start, found] of intervals) {
      const codes = found.codes === '' ? [textAt(type, 'defaultQuality') ?? '17'] : found.codes.split(' ')
      const ranks = codes.map((code) => worst.indexOf(Number(code)))
      rows.push(
        [
          usagePoint,
          meterReading,
          start,
          found.duration_s,
          found.value,
          found.codes,
          worst[Math.max(...ranks)],
          found.tou,
          found.published_ms,
          type ? textAt(type, 'flowDirection') : 'parked',
          type ? textAt(type, 'powerOfTenMultiplier') : 'parked',
          type ? textAt(type, 'uom') : 'parked',
        ].join('|'),
      )
    }
  }
  return rows.sort()
}

function take(intervals: Map<number, Found>, reading: ScannedNode, published_ms: number): void {
  const start = Number(textAt(reading, 'timePeriod', 'start'))
  const duration_s = Number(textAt(reading, 'timePeriod', 'duration'))
  for (const [other, { duration_s: length }] of intervals) {
    if (other > start && other + length <= start + duration_s) intervals.delete(other)
  }
  const found: Found = {
    duration_s,
    value: textAt(reading, 'value') ?? '',
    codes: all(reading, 'ReadingQuality')
      .map((quality) => child(quality, 'quality')?.text)
      .join(' '),
    tou: textAt(reading, 'tou') ?? '',
    published_ms,
  }
  // what is said again unchanged was known since it was first said
  const known = intervals.get(start)
  if (!isDeepStrictEqual({ ...known, published_ms }, found)) intervals.set(start, found)
}

const asText = (packages: readonly FeedPackage[]): string[] =>
  [...truthRows(packages)]
    .map((row) =>
      [
        row.usage_point_id,
        row.meter_reading_id,
        row.start_s,
        row.duration_s,
        row.value,
        row.quality_codes ?? '',
        row.quality,
        row.tou ?? '',
        row.published_at_ms,
        row.parked ? 'parked' : row.flow_direction,
        row.parked ? 'parked' : row.power_of_ten,
        row.parked ? 'parked' : row.uom,
      ].join('|'),
    )
    .sort()

describe('the truth equals what a scan of the XML finds', () => {
  const fleet = createFleet({ seed: 11, meters: 40, firstPackage: '2026-10-31' })

  test('five days with every phenomenon, over the day the clock is put back', () => {
    const week = ['2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04']
    const packages = week.map((day) => dailyPackage(fleet, day))
    const truth = asText(packages)
    expect(truth).toEqual(extract(packages))
    expect(truth.length).toBeGreaterThan(10_000)
  })

  test('a single package with blocks whose parents never came', () => {
    const packages = ['2026-11-04', '2026-11-05', '2026-11-06', '2026-11-07'].map((day) => [dailyPackage(fleet, day)])
    for (const one of packages) expect(asText(one)).toEqual(extract(one))
    const parked = packages.map((one) => summarizeTruth(truthRows(one)).parked)
    expect(Math.max(...parked)).toBeGreaterThan(0)
  })

  test('a history and days after it, over the spring change', () => {
    const small = createFleet({ seed: 5, meters: 20 })
    const packages = [
      historyPackage(small, '2026-03-01', '2026-03-12'),
      dailyPackage(small, '2026-03-13'),
      dailyPackage(small, '2026-03-14'),
    ]
    expect(asText(packages)).toEqual(extract(packages))
  })

  test('for any seed and any order of the set', () => {
    const days = ['2026-11-01', '2026-11-02', '2026-11-03']
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.shuffledSubarray(days, { minLength: 1 }), (seed, order) => {
        const any = createFleet({ seed, meters: 20 })
        const packages = order.map((day) => dailyPackage(any, day))
        expect(asText(packages)).toEqual(extract(packages))
      }),
      { numRuns: 6 },
    )
  })
})

const idsAt = (index: number, generatedAt: string): string[] => {
  const [usagePoint] = [...createFleet({ meters: 20 }).usagePoints()].slice(index)
  return usagePoint?.series.map((own) => meterReadingId(own, usagePoint.usagePointId, Date.parse(generatedAt))) ?? []
}

test('MeterReading ids were encoded anew on 2024-06-20, but the shared ones', () => {
  const before = '2024-06-19T00:00:00Z'
  const after = '2024-06-21T00:00:00Z'
  expect(idsAt(0, before)).toEqual(['TnpJNmJuVnNiRG96TmpBd09qRT06MQ=='])
  expect(idsAt(0, after)).toEqual(idsAt(0, before))
  for (const index of [1, 6]) {
    expect(new Set([...idsAt(index, before), ...idsAt(index, after)]).size).toBe(4)
  }
})

describe('what the truth holds', () => {
  const fleet = createFleet({ seed: 2, meters: 100 })
  const packages = Array.from({ length: 8 }, (_, n) => dailyPackage(fleet, `2026-11-0${n + 1}`))
  const rows = [...truthRows(packages)]

  test('every quality from 0 to 19, negative net, changed interval lengths', () => {
    const qualities = new Set(rows.map(({ quality }) => quality))
    expect([...qualities].sort((a, b) => a - b)).toEqual([0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    expect(rows.some((row) => row.quality_source === 'default')).toBe(true)
    expect(rows.some((row) => row.quality_codes === '17 8' && row.quality === 8)).toBe(true)
    expect(rows.some((row) => row.flow_direction === 4 && row.value < 0)).toBe(true)
    expect(rows.every((row) => row.flow_direction !== 19 || row.value >= 0)).toBe(true)
    const lengths = Map.groupBy(rows, (row) => `${row.usage_point_id}/${row.meter_reading_id}`)
    expect([...lengths.values()].some((own) => new Set(own.map((row) => row.duration_s)).size === 2)).toBe(true)
  })

  test('corrections change values for some intervals and only the quality of others', () => {
    const first = new Map(
      [...truthRows(packages.slice(0, 7))].map((row) => [
        `${row.usage_point_id}/${row.meter_reading_id}/${row.start_s}`,
        row,
      ]),
    )
    let values = 0
    let qualities = 0
    for (const row of rows) {
      const before = first.get(`${row.usage_point_id}/${row.meter_reading_id}/${row.start_s}`)
      if (!before || before.duration_s !== row.duration_s) continue
      if (before.value !== row.value) values += 1
      else if (before.quality === 17 && row.quality === 19) qualities += 1
    }
    expect(values).toBeGreaterThan(10)
    expect(qualities).toBeGreaterThan(100)
  })

  test('no two readings of a series overlap', () => {
    const overlaps: string[] = []
    for (const own of Map.groupBy(rows, (row) => `${row.usage_point_id}/${row.meter_reading_id}`).values()) {
      for (const [at, row] of own.entries()) {
        const next = own[at + 1]
        if (next && row.start_s + row.duration_s > next.start_s) overlaps.push(`${row.usage_point_id} ${row.start_s}`)
      }
    }
    expect(overlaps).toEqual([])
  })

  test('energy is the exact decimal: 2668300 × 10^-3 Wh = 2.6683 kWh, negative and large ones too', () => {
    expect(kwhText(2_668_300n, -3)).toBe('2.668300000')
    expect(kwhText(-1n, -6)).toBe('-0.000000001')
    expect(kwhText(-5n, 0)).toBe('-0.005000000')
    expect(kwhText(7n, 3)).toBe('7.000000000')
    for (const row of rows) expect(row.energy_kwh === null).toBe(row.uom !== 72)
  })

  test('bills: the total of a period equals the sum of its intervals, and a corrected bill is one bill in two versions', () => {
    const billed = [...truthBills(packages)]
    expect(billed.length).toBeGreaterThan(10)
    expect(new Set(billed.map(({ summary_id }) => summary_id)).size).toBe(billed.length)
    expect(billed.some(({ versions }) => versions === 2)).toBe(true)
    let compared = 0
    for (const { usage_point_id, bill, versions } of billed) {
      expect(bill.lines.reduce((sum, line) => sum + (line.amount ?? 0), 0)).toBe(bill.billLastPeriod)
      if (bill.usagePoint.service === 'gas' || bill.usagePoint.series.length === 0) continue
      if (versions > 1 || bill.usagePoint.changesInterval) continue
      const end_s = bill.start_s + bill.duration_s
      // Quality 19 or 14 everywhere: the rows that stood at the issue of the bill.
      const own = rows.filter(
        (row) =>
          row.usage_point_id === usage_point_id && row.uom === 72 && row.start_s >= bill.start_s && row.start_s < end_s,
      )
      const corrected = own.some((row) => row.published_at_ms > bill.statusTimeStamp_ms + 86_400_000)
      if (own.length === 0 || corrected) continue
      const net = own.reduce(
        (sum, row) =>
          sum + BigInt((row.energy_kwh as string).replace('.', '')) * (row.flow_direction === 19 ? -1n : 1n),
        0n,
      )
      expect(kwhText(net, -6)).toBe(kwhText(BigInt(bill.consumption.value), -3))
      compared += 1
    }
    expect(compared).toBeGreaterThan(5)
  })
})
