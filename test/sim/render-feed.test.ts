import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, type FeedPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { sizedPackage } from '../../sim/sized-package.ts'
import { sharedPath } from '../support/shared.ts'
import { entriesIn, type ScannedEntry, scan, shapeOf } from './feed-scan.ts'

const fleet = createFleet({ seed: 7, meters: 60, firstPackage: '2026-10-31' })

const bytesOf = (feedPackage: FeedPackage, service: 'electricity' | 'gas'): Buffer =>
  Buffer.concat([...renderFeed(feedPackage, service)])
const entriesOf = (feedPackage: FeedPackage, service: 'electricity' | 'gas'): ScannedEntry[] =>
  entriesIn(scan(bytesOf(feedPackage, service).toString()))
const count = (entries: readonly ScannedEntry[], kind: string): number =>
  entries.filter((entry) => entry.kind === kind).length

const real = sharedPath('espi/samples/pge-bulk-elec-hourly-1day-2019-10-17.xml')
const realGas = sharedPath('espi/samples/pge-bulk-gas-daily-2020-05.xml')
const realSummary = sharedPath('espi/samples/pge-usagesummary-verdigris.xml')
const realCustomers = sharedPath('espi/samples/pge-batch-retailcustomer.xml')

/** Ids, times and numbers masked. */
const mask = (xml: string): string =>
  xml
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/(Subscription|UsagePoint|IntervalBlock)\/\d+/g, '$1/N')
    .replaceAll(/IntervalBlock_\d+/g, 'IntervalBlock_N')
    .replaceAll(/<ns0:(start|value|tou|quality)>-?\d+</g, '<ns0:$1>N<')

/** Runs of equal readings as one. */
const blocksMasked = (xml: string): string =>
  mask(xml).replaceAll(/(<ns0:IntervalReading>(?:(?!<\/ns0:IntervalReading>).)*<\/ns0:IntervalReading>)\1*/g, '$1')

const tags = (xml: string): string[] => blocksMasked(xml).split(/(?<=>)/)

describe('form', () => {
  test.skipIf(real === undefined)('head, entries and tail stand in the bytes as in the real electric feed', () => {
    // One hourly usage point, its ids and numbers masked in both: then the files are equal byte for byte, TOU names included.
    const [one] = createFleet({ seed: 7, meters: 1 }).usagePoints()
    expect(one?.series[0]?.idForm).toBe('shared')
    // 2026-11-03 is an ordinary day on which this meter is complete and says its quality.
    const rendered = bytesOf(
      dailyPackage(createFleet({ seed: 7, meters: 1 }), '2026-11-03', { onlyDay: true }),
      'electricity',
    )
    expect(tags(rendered.toString())).toEqual(tags(readFileSync(real as string, 'utf8')))
  })

  test.skipIf(realGas === undefined)(
    'the gas feed has the element paths, types and link relations of the real one',
    () => {
      const shape = shapeOf(scan(bytesOf(dailyPackage(fleet, '2026-11-03', { onlyDay: true }), 'gas').toString()))
      expect([...shape].sort()).toEqual([...shapeOf(scan(readFileSync(realGas as string, 'utf8')))].sort())
    },
  )

  test.skipIf(realSummary === undefined)(
    'a UsageSummary has every element of the real one, and only those of the schema beside',
    () => {
      const feed = scan(bytesOf(historyOfBills(), 'electricity').toString())
      const summary = entriesIn(feed).find((entry) => entry.kind === 'UsageSummary') as ScannedEntry
      // The real sample does not declare its prefixes (it is a fragment).
      const text = readFileSync(realSummary as string, 'utf8').replace(
        '<ns1:entry>',
        '<ns1:entry xmlns:ns1="http://www.w3.org/2005/Atom">',
      )
      const rendered = shapeOf(summary.entry)
      const beyond = [...rendered]
        .filter((line) => !shapeOf(scan(text)).has(line))
        .map((line) => line.replaceAll(/\{[^}]*\}/g, ''))
      for (const line of shapeOf(scan(text))) expect(rendered).toContain(line)
      for (const line of beyond) {
        expect(line).toMatch(
          /\/(amount|unitCost|itemPeriod(\/duration|\/start)?|tariffRiderRefs(\/\w+)?|billingChargeSource(\/agencyName)?) \[\]$/,
        )
      }
      expect(summary.self).toMatch(/\/UsageSummary\/\d{1,3}(,\d{3}){4}$/)
      expect(summary.entry.children.map(({ text: inner }) => inner)).toContain(
        `UsageSummary_${summary.self.replace(/.*\//, '').replaceAll(',', '')}`,
      )
    },
  )

  test.skipIf(realCustomers === undefined)(
    'the customer feed has the shape of the real one, with several customers',
    async () => {
      const { renderCustomerFeed } = await import('../../sim/render-customer.ts')
      const feed = scan(Buffer.concat([...renderCustomerFeed(fleet, Date.UTC(2026, 10, 4))]).toString())
      const shape = [...shapeOf(feed)]
      // what the real one has, and the further elements of the schema that it lacks
      expect(shape).toEqual(expect.arrayContaining([...shapeOf(scan(readFileSync(realCustomers as string, 'utf8')))]))
      const customers = entriesIn(feed).filter((entry) => entry.kind === 'Customer')
      expect(new Set(customers.map((entry) => entry.self)).size).toBe(fleet.meters)
    },
  )

  test('the TOU dictionary comes last, local time parameters first; published equals updated; entry ids are unique', () => {
    const entries = entriesOf(dailyPackage(fleet, '2026-11-03'), 'electricity')
    expect(entries[0]?.kind).toBe('LocalTimeParameters')
    expect(entries.at(-1)?.kind).toBe('ProgramIdMappings')
    expect(entries.at(-1)?.payload.children).toHaveLength(10)
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)
    for (const { entry } of entries) {
      const times = entry.children.filter(({ name }) => /published|updated/.test(name)).map(({ text }) => text)
      expect(times[0]).toBe(times[1])
    }
  })

  test('a ReadingType stands before the UsagePoint and the MeterReading that need it, links as PG&E sets them', () => {
    const entries = entriesOf(dailyPackage(fleet, '2026-11-03', { onlyDay: true }), 'electricity')
    const at = (self: string): number => entries.findIndex((entry) => entry.self === self)
    const meterReadings = entries.filter(({ kind }) => kind === 'MeterReading')
    expect(meterReadings.length).toBeGreaterThan(50)
    for (const meterReading of meterReadings) {
      const [blocks, type, time] = meterReading.related as [string, string, string]
      expect(blocks).toBe(`${meterReading.self}/IntervalBlock`)
      expect(time).toMatch(/\/LocalTimeParameters\/1$/)
      const usagePoint = meterReading.self.replace(/\/MeterReading\/.*/, '')
      expect(at(type)).toBeGreaterThan(0)
      expect(at(type)).toBeLessThan(at(meterReading.self))
      expect(at(usagePoint)).toBeGreaterThan(0)
      expect(at(usagePoint)).toBeLessThan(at(meterReading.self))
      expect(entries[at(meterReading.self) + 1]?.up).toBe(blocks)
    }
    expect(new Set(entries.filter(({ kind }) => kind === 'UsagePoint').map(({ self }) => self)).size).toBe(
      count(entries, 'UsagePoint'),
    )
  })
})

describe('phenomena', () => {
  const days = ['2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04']

  test('orphan blocks, bills, customers with bills only, long corrections and late days all occur', () => {
    const perDay = days.map((day) => entriesOf(dailyPackage(fleet, day), 'electricity'))
    const entries = perDay.flat()
    expect(count(entries, 'UsageSummary')).toBeGreaterThan(3)
    const orphans = perDay.map((own) => {
      const said = new Set(own.filter(({ kind }) => kind === 'MeterReading').map(({ self }) => `${self}/IntervalBlock`))
      return own.filter(({ kind, up }) => kind === 'IntervalBlock' && !said.has(up)).length
    })
    expect(orphans[0]).toBe(0)
    expect(orphans.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0)
    const billsOnly = fleet.usagePoint(10)
    expect(billsOnly.series).toEqual([])
    const starts = entries
      .filter(({ kind }) => kind === 'IntervalBlock')
      .map(({ self }) => Number(self.replace(/.*\//, '')))
    expect(Math.min(...starts)).toBeLessThan(Date.UTC(2026, 4, 1) / 1000)
  })

  test('a fleet of 20 has every ReadingType of the brief', () => {
    const types = [...createFleet({ meters: 20 }).usagePoints()].flatMap(({ series }) =>
      series.map(({ readingType: t }) => `${t.uom} ${t.flowDirection} ${t.intervalLength_s} ${t.powerOfTen}`),
    )
    expect(new Set(types)).toEqual(
      new Set([
        '72 1 3600 -3',
        '72 19 3600 -3',
        '72 1 900 -3',
        '169 1 86400 -8',
        '72 1 3600 0',
        '72 4 3600 -3',
        '72 19 900 -3',
        '72 1 900 3',
        '73 1 900 -3',
        '72 4 900 -3',
      ]),
    )
    const two = createFleet({ meters: 20 }).usagePoint(6).series
    expect(two[0]?.readingType).toBe(two[1]?.readingType)
    expect(two[0]?.meter).not.toBe(two[1]?.meter)
  })

  test('the days the clock changes have 23 and 25 hours, gas starts a second late', () => {
    const hours = (day: string): Set<string> =>
      new Set(
        entriesOf(dailyPackage(fleet, day, { onlyDay: true }), 'electricity')
          .filter(({ kind }) => kind === 'IntervalBlock')
          .map(({ payload }) => payload.children[0]?.children.map(({ text }) => text).join(' ') ?? ''),
      )
    expect(hours('2026-03-08')).toEqual(new Set([`82800 ${Date.UTC(2026, 2, 8, 8) / 1000}`]))
    expect(hours('2026-11-01')).toEqual(new Set([`90000 ${Date.UTC(2026, 10, 1, 7) / 1000}`]))
    const gas = entriesOf(dailyPackage(fleet, '2026-11-02', { onlyDay: true }), 'gas')
    expect(gas.find(({ kind }) => kind === 'IntervalBlock')?.self).toMatch(
      new RegExp(`/${Date.UTC(2026, 10, 2, 8) / 1000 + 1}$`),
    )
  })
})

const feedOfSeed = (seed: number): Buffer =>
  bytesOf(dailyPackage(createFleet({ seed, meters: 20 }), '2026-11-03'), 'electricity')

describe('determinism and size', () => {
  test('the same seed gives the same bytes, another seed others, and entry ids change with the generation', () => {
    expect(feedOfSeed(3).equals(feedOfSeed(3))).toBe(true)
    expect(feedOfSeed(3).equals(feedOfSeed(4))).toBe(false)
    const small = createFleet({ meters: 20 })
    const ids = (generatedAt_ms: number): string[] =>
      entriesOf(dailyPackage(small, '2026-11-03', { generatedAt_ms }), 'gas').map(({ id }) => id)
    expect(ids(1_793_800_000_000).filter((id) => ids(1_793_800_000_001).includes(id))).toEqual([])
  })

  test.each(['daily', 'backfill'] as const)(
    '%s form comes within 5 % of its size, in buffers of bounded length',
    (form) => {
      let bytes = 0
      let longest = 0
      for (const chunk of renderFeed(sizedPackage({ form, bytes: 20e6 }), 'electricity')) {
        bytes += chunk.length
        longest = Math.max(longest, chunk.length)
      }
      expect(bytes).toBeGreaterThan(19e6)
      expect(bytes).toBeLessThan(21e6)
      expect(longest).toBeLessThan(1 << 20)
    },
  )
})

function historyOfBills(): FeedPackage {
  const billed = createFleet({ seed: 7, meters: 200 })
  return dailyPackage(billed, '2026-11-03')
}

test('a history holds every local day once a series', () => {
  const entries = entriesOf(
    historyPackage(createFleet({ meters: 2 }), '2026-03-01', '2026-03-31', { generatedAt_ms: Date.UTC(2026, 3, 10) }),
    'electricity',
  )
  const blocks = entries.filter(({ kind }) => kind === 'IntervalBlock').map(({ self }) => self)
  expect(blocks).toHaveLength(3 * 31)
  expect(new Set(blocks).size).toBe(3 * 31)
})
