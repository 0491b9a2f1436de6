/**
 * Real feeds. The figures were computed by Python's xml.etree.ElementTree (expat) over the same files, not by this reader: `sha256` is
 * over the lines `start,duration,value,quality,tou,cost` of all readings in document order, so every value is compared.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tables } from '../../schemas/tables.ts'
import { type Collected, collect } from '../support/collecting-sink.ts'
import { reading } from '../support/small-feed.ts'
import { sharedPath } from '../support/shared.ts'

const samples = sharedPath('espi/samples')
const bytesOf = (name: string) => readFileSync(`${samples}/${name}`)
const read = (name: string, usagePointIdentity: 'id' | 'path' = 'id'): Collected =>
  collect(reading({ timeZone: 'America/Los_Angeles', usagePointIdentity }), bytesOf(name))

const figures = {
  'gba-sdk-15minLP_15Days.xml': {
    blocks: 14,
    value: 1397734,
    start: 1783781937000,
    cost: 15041054,
    sha256: 'f65f986b49da39cbeecfde0c98ad6360e3befb20e24b4cdd45a6d03a9e1c0dac',
  },
  'gba-sdk-BatchFeedThreeUsagePoints_M.xml': {
    blocks: 4,
    value: 211560,
    start: 502036358400,
    cost: 0,
    sha256: '664f7f384eee360ba9303220d65477c2849921e77d803e93c701603819b3dcce',
  },
  'gba-sdk-Gas.xml': {
    blocks: 13,
    value: 1074821,
    start: 17126841600,
    cost: 309466093,
    sha256: 'e2e5148cd073c24ca04045ead88aa1896c74728252b420c7f5579d24bcdc972f',
  },
  'opower-style-elec-eemeter.xml': {
    blocks: 1,
    value: 1182,
    start: 5480285400,
    cost: 41511,
    sha256: '839b165e4b0a6eeef9d34a1d2d5e5ea0c13a334d23f7054282730992f3fd83f2',
  },
  'pge-bulk-elec-hourly-1day-2019-10-17.xml': {
    blocks: 1,
    value: 29834600,
    start: 37712088000,
    cost: 0,
    sha256: '9334cf3889c3daa3a9e3086f89801069029dbc1861a04f6e9c08a9d3d542348c',
  },
  'pge-bulk-elec-hourly-2019-10-23.xml': {
    blocks: 2,
    value: 46298398,
    start: 75451132800,
    cost: 0,
    sha256: 'c59b3a84b85dbdd120080f285e2ab7e9deff743454b37f539bdd2961b34af155',
  },
  'pge-bulk-elec-hourly-quality17-espi_1_day.xml': {
    blocks: 1,
    value: 50663298,
    start: 37683057600,
    cost: 0,
    sha256: 'cf1ebd0efcafb23ab1faa793c40235125d2b7847d87eec85d26964c5fc9b5fba',
  },
  'pge-bulk-gas-daily-2020-05.xml': {
    blocks: 1,
    value: 0,
    start: 1589007601,
    cost: 0,
    sha256: '5e525994b5445d563fb1df5b6e1f94f7fef029e151db0afb2e9e494fa2de3eb1',
  },
  'quirk-utilityapi-electric-intervals.xml': {
    blocks: 1,
    value: 248530,
    start: 503288100000,
    cost: 0,
    sha256: '36ffead72fa99ac143aba576fc413b70a7a93046c46bf91d17137aa1483f7c76',
  },
  'sce-bulk-intervalblock.xml': {
    blocks: 1,
    value: 24380,
    start: 139630762800,
    cost: 0,
    sha256: 'f5b13f16f29628dad94a0fc922dd4989988de1a8ddc4df106b8f71c2379b380d',
  },
  'seed-gas-therms-mult-3.xml': {
    blocks: 1,
    value: 3582,
    start: 2598776100,
    cost: 0,
    sha256: '70ba715dbed443d04c65d91b5ad94c766eb7d5ef3e05c6d009fd6c0c1170ad03',
  },
  'utilityapi-batch-kwh19.xml': {
    blocks: 1,
    value: 726240000,
    start: 115600233600,
    cost: 0,
    sha256: 'b9d26d7cb3b750c22167e4de6b5a0d215bd044e72a7aba47310b09ce8932b886',
  },
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe.skipIf(samples === undefined)('real feeds', () => {
  test.each(Object.entries(figures))('%s: every reading as Python reads it', (name, figure) => {
    const { readings, rows, summary } = read(name)
    const lines = readings.map((r) => [r.start_s, r.duration_s, r.value, r.quality, r.tou, r.cost].join(','))
    expect({
      blocks: rows.block.length,
      value: sum(readings.map((r) => r.value)),
      start: sum(readings.map((r) => r.start_s)),
      cost: sum(readings.map((r) => r.cost ?? 0)),
      sha256: createHash('sha256').update(lines.join('\n')).digest('hex'),
    }).toEqual(figure)
    expect(summary).toMatchObject({ kind: 'usage', readings: readings.length, blocks: figure.blocks, quarantined: 0 })
    expect(sum(rows.block.map((block) => block.n_readings))).toBe(readings.length)
    expect(sum(rows.block_run.map((run) => run.n_readings))).toBe(readings.length)
  })

  test.each(Object.keys(figures))('%s: byte offsets point at the < of each IntervalReading', (name) => {
    const bytes = bytesOf(name)
    const expected = [...bytes.toString('latin1').matchAll(/<(\w+:)?IntervalReading[\s>]/g)].map(({ index }) => index)
    expect(read(name).readings.map((r) => r.byteOffset)).toEqual(expected)
  })

  test('PG&E hourly electric: identity, ReadingType, dates and codes as the file has them', () => {
    const { readings, rows, summary } = read('pge-bulk-elec-hourly-1day-2019-10-17.xml')
    expect(summary.feedUpdatedAt).toBe('2019-12-18T20:10:33.004000Z')
    expect(rows.reading_type).toHaveLength(1)
    expect(rows.reading_type[0]).toMatchObject({
      reading_type_id: 'NzI6bnVsbDozNjAwOjE=',
      accumulation_behaviour: 4,
      commodity: 1,
      data_qualifier: 12,
      default_quality: 17,
      flow_direction: 1,
      interval_length_s: 3600,
      kind: 12,
      power_of_ten: -3,
      time_attribute: 0,
      uom: 72,
      measuring_period: 7,
      phase: null,
      conflict: false,
    })
    expect(rows.usage_point[0]).toMatchObject({
      usage_point_id: '5391320451',
      subscription_id: '4095251',
      service_kind: 0,
    })
    expect(rows.meter_reading[0]).toMatchObject({
      usage_point_id: '5391320451',
      meter_reading_id: 'TnpJNmJuVnNiRG96TmpBd09qRT06MQ==',
      reading_type_id: 'NzI6bnVsbDozNjAwOjE=',
      reused: false,
    })
    expect(rows.block[0]).toMatchObject({
      series_key: rows.meter_reading[0]?.['series_key'],
      published_at: '2019-12-18T20:10:33.016000Z',
      rejected: false,
    })
    expect(rows.tou_code.map(({ kind, code, name }) => [kind, code, name])).toEqual([
      ['tou', 1, 'SPK'],
      ['tou', 2, 'SOP'],
      ['tou', 3, 'SPP'],
      ['tou', 4, 'WPK'],
      ['tou', 5, 'WPP'],
      ['tou', 6, 'WOP'],
      ['tou', 7, 'MPK'],
      ['tou', 8, 'MOP'],
      ['tou', 9, 'MXO'],
      ['tou', 10, 'WSO'],
    ])
    expect(readings.every((r) => r.quality === 19 && r.qualitySource === 1 && r.localDay === '2019-10-17')).toBe(true)
    expect(readings.map((r) => r.heSeq)).toEqual(Array.from({ length: 24 }, (_, hour) => hour + 1))
    expect([rows.drift, rows.quarantine]).toEqual([[], []])
  })

  test('PG&E quality 17 with nine TOU codes', () => {
    const { readings, rows } = read('pge-bulk-elec-hourly-quality17-espi_1_day.xml')
    expect(new Set(readings.map((r) => r.quality))).toEqual(new Set([17]))
    expect(rows.tou_code).toHaveLength(9)
  })

  test('PG&E two local days in one feed', () => {
    const { readings } = read('pge-bulk-elec-hourly-2019-10-23.xml')
    const days = Map.groupBy(readings, (r) => r.localDay)
    expect([...days].map(([day, of]) => [day, of.length])).toEqual([
      ['2019-10-23', 24],
      ['2019-10-24', 24],
    ])
  })

  test('PG&E gas: therms at -8, from midnight and one second, no tou', () => {
    const { readings, rows } = read('pge-bulk-gas-daily-2020-05.xml')
    expect(rows.reading_type[0]).toMatchObject({ uom: 169, power_of_ten: -8, commodity: 7, interval_length_s: 86400 })
    expect(readings[0]).toMatchObject({ localDay: '2020-05-09', heSeq: 1, heClock: 1, tou: null, value: 0 })
  })

  test('PG&E ReadingTypes under one redacted href: conflict, what differs is NULL', () => {
    const { rows, summary } = read('pge-readingtype-verdigris.xml')
    expect(summary.entriesByKind).toEqual({ ReadingType: 48 })
    const shown = ['reading_type_id', 'flow_direction', 'interval_length_s', 'phase', 'uom', 'power_of_ten', 'conflict']
    expect(rows.reading_type.map((type) => shown.map((column) => type[column]))).toEqual([
      ['pDwBygAR3L8fGZCq', 1, null, null, null, 3, true],
      ['pDwBygAR3L8fGZCq==', null, null, null, null, 3, true],
      ['pDwBygAR3L8fGZCq=', 19, 3600, null, null, 3, true],
    ])
    expect(rows.quarantine.every((row) => row.severity === 'warn' && row.rule === 'READING_TYPE_CONFLICT')).toBe(true)
  })

  test('PG&E bill, with the prefixes its fixture forgot to declare', () => {
    const entry = bytesOf('pge-usagesummary-verdigris.xml').toString()
    const feed = `<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom">${entry}</ns1:feed>`
    const { rows } = collect(reading(), feed)
    expect(rows.usage_summary).toEqual([
      {
        table: 'usage_summary',
        summary_id: 'Subscription/1/UsagePoint/1/UsageSummary/1,436,684,400,000',
        usage_point_id: '1',
        href: 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource/Subscription/1/UsagePoint/1/UsageSummary/1,436,684,400,000',
        billing_start_at: '2015-06-11T07:00:00.000000Z',
        billing_duration_s: 2505600,
        bill_last_period: 23364000,
        bill_to_date: null,
        cost_additional_last_period: null,
        currency: null,
        consumption_value: 146000000,
        consumption_power_of_ten: -3,
        consumption_uom: 72,
        consumption_reading_type_id: 'NzI6bnVsbDpudWxsOjQ=',
        quality_of_reading: 17,
        status_at: '2015-08-20T22:32:37.976000Z',
        commodity: 1,
        tariff_profile: 'HAG5A',
        read_cycle: 'Q',
        tariff_riders: null,
        lines_digest: expect.stringMatching(/^[0-9a-f]{32}$/),
        billing_charge_source: null,
        other: null,
        published_at: '2015-08-20T22:32:37.976000Z',
        byte_offset: feed.indexOf('<ns1:entry'),
      },
    ])
    expect(rows.usage_summary_line).toHaveLength(2)
    expect(
      rows.usage_summary_line.map((line) => [line['line'], line['note'], line['measurement_value'], line['amount']]),
    ).toEqual([
      [1, 'Total Winter Partial Peak Usage', 106120600, null],
      [2, 'Total Winter Off Peak Usage', 398794000, null],
    ])
  })

  test('GBA: bill whose self link names no UsagePoint; what has no column is in other', () => {
    const { rows } = read('gba-sdk-15minLP_15Days.xml', 'path')
    const [bill] = rows.usage_summary
    expect(bill).toMatchObject({ usage_point_id: 'RetailCustomer/9b6c7063/UsagePoint/01', bill_last_period: 15303000 })
    expect(JSON.parse(String(bill?.['other']))).toEqual({
      'currentBillingPeriodOverAllConsumption/powerOfTenMultiplier': '0',
      'currentBillingPeriodOverAllConsumption/timeStamp': '1331784000',
      'currentBillingPeriodOverAllConsumption/uom': '72',
      'currentBillingPeriodOverAllConsumption/value': '93018',
    })
  })

  test('GBA: three usage points, four meters, each block with its own', () => {
    const { rows } = read('gba-sdk-BatchFeedThreeUsagePoints_M.xml', 'path')
    const typeOf = new Map(
      rows.meter_reading.map((row) => [String(row['series_key']), row['reading_type_id']] as const),
    )
    expect(
      rows.block.map((block) => [block.usage_point_id, block.meter_reading_id, typeOf.get(block.series_key)]),
    ).toEqual([
      ['RetailCustomer/4299914/UsagePoint/4284792', '1', 'ReadingType/02'],
      ['RetailCustomer/4299914/UsagePoint/4284792', '2', 'ReadingType/03'],
      ['RetailCustomer/4299915/UsagePoint/4284793', '1', 'ReadingType/04'],
      ['RetailCustomer/4299915/UsagePoint/4284794', '1', 'ReadingType/05'],
    ])
    expect(rows.reading_type.map((type) => type['flow_direction'])).toEqual([1, 19, 1, 19])
  })

  test('SCE: dates without a zone are UTC, and that is counted', () => {
    const { rows } = read('sce-bulk-intervalblock.xml')
    expect(rows.block[0]?.published_at).toBe('2016-07-07T02:19:29.000000Z')
    expect(rows.drift.map((row) => row.name)).toContain('published without a time zone, taken as UTC')
  })

  test('UtilityAPI: published inside content, an extra timezone element, newest first is one run', () => {
    const { rows } = read('quirk-utilityapi-electric-intervals.xml')
    expect(rows.meter_reading[0]?.['published_at']).toBe('2023-08-01T15:57:21.787877Z')
    expect(rows.drift.find((row) => row.name.endsWith('/timePeriod/timezone'))?.n).toBe(300)
    expect(rows.block_run).toEqual([
      { table: 'block_run', block_seq: 0, start_s: 1677088800, duration_s: 3600, n_readings: 300 },
    ])
  })

  test('rows have the columns of their tables, but those that publish adds', () => {
    const bill = `<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom">${bytesOf('pge-usagesummary-verdigris.xml').toString()}</ns1:feed>`
    const { rows } = read('pge-bulk-elec-hourly-1day-2019-10-17.xml')
    const { rows: billed } = collect(reading(), bill)
    const samplesOf = {
      usage_point: rows.usage_point,
      meter_reading: rows.meter_reading,
      reading_type: rows.reading_type,
      tou_code: rows.tou_code,
      usage_summary: billed.usage_summary,
      usage_summary_line: billed.usage_summary_line,
    }
    const columns = (name: keyof typeof samplesOf) =>
      tables[name].fields.map((field) => field.name).filter((column) => !/^(load|commit)_id$/.test(column))
    for (const name of Object.keys(samplesOf) as (keyof typeof samplesOf)[]) {
      const [row] = samplesOf[name]
      expect([name, Object.keys(row ?? {}).toSorted()]).toEqual([name, ['table', ...columns(name)].toSorted()])
    }
  })

  test('customer feeds: a row an entry, no readings', () => {
    const { readings, rows, summary } = read('pge-batch-retailcustomer.xml')
    expect(summary).toMatchObject({ kind: 'customer', entries: 5, readings: 0 })
    expect(Object.values(rows).flat()).toHaveLength(5)
    expect(readings).toEqual([])
    expect(read('gba-customer-subscription-feed.xml').summary.kind).toBe('customer')
  })

  test('a lone entry is a feed of one', () => {
    expect(read('pge-localtimeparameters-verdigris.xml').summary.entriesByKind).toEqual({ LocalTimeParameters: 1 })
    expect(read('pge-usagepoint-verdigris.xml').rows.usage_point).toHaveLength(1)
  })
})
