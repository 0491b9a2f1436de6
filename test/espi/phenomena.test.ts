/** What real senders do (reference: domain, pitfalls) and where other readers go wrong (peers 1.5). */
import { describe, expect, test } from 'vitest'
import { collect } from '../support/collecting-sink.ts'
import {
  blockEntry,
  blockXml,
  entryOf,
  feedOf,
  meterFeed,
  meterReadingEntry,
  meterReadingPath,
  november4_s,
  reading,
  readingTypeEntry,
  readingXml,
  resourceBase,
  usagePointEntry,
  wattHours,
} from '../support/small-feed.ts'

const read = (feed: string, chunkSizes?: readonly number[]) => collect(reading(), feed, chunkSizes)
const hour = (n: number) => november4_s + 3600 * n

describe('readings', () => {
  test('a gap stays a gap: five readings, none invented, none shifted', () => {
    const { readings, rows } = read(
      meterFeed(...[0, 1, 3, 4, 5].map((n, index) => readingXml({ start: hour(n), value: 10 * (index + 1) }))),
    )
    expect(readings.map((r) => [(r.start_s - november4_s) / 3600, r.value])).toEqual([
      [0, 10],
      [1, 20],
      [3, 30],
      [4, 40],
      [5, 50],
    ])
    expect(rows.block_run.map((run) => [run.start_s, run.n_readings])).toEqual([
      [hour(0), 2],
      [hour(3), 3],
    ])
  })

  test('15 minutes of 250 Wh four times are 1000 Wh', () => {
    const quarters = [0, 1, 2, 3].map((n) => readingXml({ start: november4_s + 900 * n, duration: 900, value: 250 }))
    expect(read(meterFeed(...quarters)).readings.reduce((sum, r) => sum + r.value, 0)).toBe(1000)
  })

  test('quality, nested as PG&E sends it; several: the worst is in force, all are kept in order', () => {
    const { readings, rows } = read(
      meterFeed(
        readingXml({ quality: [17] }),
        readingXml({ start: hour(1), quality: [19, 8, 17] }),
        readingXml({ start: hour(2), quality: [17, 99] }),
        readingXml({ start: hour(3) }),
      ),
    )
    expect(readings.map((r) => [r.quality, r.qualitySource])).toEqual([
      [17, 1],
      [8, 1],
      [99, 1],
      [null, 0],
    ])
    expect(rows.reading_codes.map((row) => [row.byte_offset, row.codes])).toEqual([
      [readings[1]?.byteOffset, '19 8 17'],
      [readings[2]?.byteOffset, '17 99'],
    ])
    expect(rows.drift).toEqual([expect.objectContaining({ kind: 'code', name: 'quality 99', n: 1 })])
  })

  test('a quality of the block is in force where the reading has none; behind the readings it costs the entry', () => {
    const quality = '<e:ReadingQuality><e:quality>14</e:quality></e:ReadingQuality>'
    const { readings } = read(meterFeed(quality, readingXml(), readingXml({ start: hour(1), quality: [19] })))
    expect(readings.map((r) => [r.quality, r.qualitySource])).toEqual([
      [14, 2],
      [19, 1],
    ])
    const late = read(meterFeed(readingXml(), quality))
    expect(late.rows.block[0]?.rejected).toBe(true)
    expect(late.rows.quarantine[0]?.rule).toBe('BLOCK_QUALITY_LATE')
  })

  test('the range of Int48, to the last digit, signs and spaces', () => {
    const values = ['140737488355327', '-140737488355328', ' +7 ', '-0', '0012']
    const { readings } = read(meterFeed(...values.map((value, n) => readingXml({ start: hour(n), value }))))
    expect(readings.map((r) => r.value)).toEqual([140_737_488_355_327, -140_737_488_355_328, 7, 0, 12])
  })

  test('tou, cpp, tier and cost', () => {
    const rest =
      '<e:consumptionTier>2</e:consumptionTier><e:tou>6</e:tou><e:cpp>-1</e:cpp><e:cost>-75280000000</e:cost>'
    expect(read(meterFeed(readingXml({ rest }))).readings[0]).toMatchObject({
      tou: 6,
      cpp: -1,
      tier: 2,
      cost: -75_280_000_000,
    })
  })

  test.each<[string, Parameters<typeof readingXml>[0], string]>([
    ['no value', { value: '' }, 'READING_VALUE_MISSING'],
    ['an empty value', { value: '<!-- -->' }, 'READING_VALUE_MISSING'],
    ['a fractional value', { value: '12.5' }, 'READING_VALUE_MALFORMED'],
    ['an exponent', { value: '1e3' }, 'READING_VALUE_MALFORMED'],
    ['a value beyond Int48', { value: '140737488355328' }, 'READING_VALUE_RANGE'],
    ['a value beyond 2^64', { value: '99999999999999999999999' }, 'READING_VALUE_RANGE'],
    ['an element inside value', { value: '1<e:x/>' }, 'READING_VALUE_MISSING'],
    ['a fractional time', { start: '1721154384.66136' }, 'READING_VALUE_MALFORMED'],
    ['no start', { start: '' }, 'READING_START_MISSING'],
    ['a time in the year 2200', { start: 7_258_118_400 }, 'READING_TIME_RANGE'],
    ['a time before 1970', { start: -1 }, 'READING_TIME_RANGE'],
    ['milliseconds that are no second', { start: `${november4_s}500` }, 'READING_TIME_FRACTIONAL'],
    [
      'milliseconds with a duration that may be either',
      { start: `${november4_s}000`, duration: 900_000 },
      'READING_DURATION_AMBIGUOUS',
    ],
    ['no duration', { duration: '' }, 'READING_DURATION_MISSING'],
    ['a negative duration', { duration: -3600 }, 'READING_DURATION_RANGE'],
    ['a tou beyond Int16', { rest: '<e:tou>70000</e:tou>' }, 'READING_CODE_RANGE'],
    ['a quality that is no code', { quality: ['good'] }, 'READING_CODE_MALFORMED'],
    ['two values', { rest: '<e:value>2</e:value>' }, 'READING_FIELD_REPEATED'],
  ])('%s costs the entry, not the file', (_name, parts, rule) => {
    const bad = readingXml({ ...parts, start: parts?.start ?? hour(1) })
    const feed = feedOf(
      readingTypeEntry('T1'),
      meterReadingEntry(),
      blockEntry([readingXml(), bad]),
      blockEntry([readingXml({ start: hour(5) })]),
    )
    for (const chunkSizes of [[1 << 20], [1], [7]]) {
      const { rows, summary } = read(feed, chunkSizes)
      expect(rows.block.map((block) => block.rejected)).toEqual([true, false])
      expect(rows.quarantine).toEqual([
        {
          table: 'quarantine',
          rule,
          severity: 'error',
          path: expect.stringMatching(/^feed\/entry\/content\/IntervalBlock\/IntervalReading\//) as string,
          href: `${resourceBase}/${meterReadingPath()}/IntervalBlock/1`,
          byte_from: feed.indexOf(bad),
          byte_to: feed.indexOf(bad) + bad.length,
          fragment: bad,
          message: expect.any(String) as string,
        },
      ])
      expect(summary.quarantined).toBe(1)
    }
  })

  test('a fragment is at most 4 KiB and ends with a whole character, in any chunks', () => {
    const bad = readingXml({ value: '', rest: `<e:x>${'\u20ac'.repeat(3000)}</e:x>` })
    const feed = meterFeed(bad)
    const [row] = read(feed).rows.quarantine
    expect(Buffer.byteLength(row?.fragment ?? '')).toBeGreaterThan(4090)
    expect(Buffer.byteLength(row?.fragment ?? '')).toBeLessThanOrEqual(4096)
    expect(bad.startsWith(row?.fragment ?? '-')).toBe(true)
    expect(read(feed, [13]).rows.quarantine).toEqual([row])
  })

  test('start in milliseconds is read as seconds, and counted', () => {
    const { readings, rows } = read(meterFeed(readingXml({ start: `${november4_s}000` })))
    expect(readings[0]?.start_s).toBe(november4_s)
    expect(rows.drift.map((row) => row.name)).toContain('IntervalReading start in milliseconds')
  })

  test('a duration of 0 that carries a value is kept and counted', () => {
    const { readings, rows } = read(meterFeed(readingXml({ duration: 0 })))
    expect(readings[0]?.duration_s).toBe(0)
    expect(rows.drift.map((row) => row.name)).toContain('IntervalReading duration 0')
  })
})

describe('identity', () => {
  test('two usage points with the same hours are two series', () => {
    const paths = [meterReadingPath('U1'), meterReadingPath('U2')]
    const { rows } = read(
      feedOf(
        readingTypeEntry('T1'),
        ...paths.flatMap((path) => [meterReadingEntry(path), blockEntry([readingXml()], path)]),
      ),
    )
    expect(rows.block.map((block) => block.usage_point_id)).toEqual(['U1', 'U2'])
    expect(new Set(rows.block.map((block) => block.series_key)).size).toBe(2)
  })

  test('ids are text: leading zeros, more than 2^53, base64, percent signs', () => {
    const path = meterReadingPath('0090071992547409931', 'TnpJ==%3D', '00042')
    const { rows } = read(feedOf(meterReadingEntry(path), blockEntry([readingXml()], path)))
    expect(rows.block[0]).toMatchObject({ usage_point_id: '0090071992547409931', meter_reading_id: 'TnpJ==%3D' })
  })

  test('by id a usage point outlives its subscription; by path it does not', () => {
    const feed = feedOf(
      ...['S1', 'S2'].map((subscription) => blockEntry([readingXml()], meterReadingPath('U1', 'M1', subscription))),
    )
    expect(new Set(read(feed).rows.block.map((block) => block.series_key)).size).toBe(1)
    const byPath = collect(reading({ timeZone: 'America/Los_Angeles', usagePointIdentity: 'path' }), feed)
    expect(byPath.rows.block.map((block) => block.usage_point_id)).toEqual([
      'Subscription/S1/UsagePoint/U1',
      'Subscription/S2/UsagePoint/U1',
    ])
    expect(new Set(byPath.rows.block.map((block) => block.series_key)).size).toBe(2)
  })

  test('blocks alone (function block 19) name their series', () => {
    const { rows, summary } = read(feedOf(blockEntry([readingXml()])))
    expect(rows.block[0]).toMatchObject({
      meter_reading_href: `${resourceBase}/${meterReadingPath()}`,
      usage_point_id: 'U1',
      meter_reading_id: 'M1',
      rejected: false,
    })
    expect(summary.entriesByKind).toEqual({ IntervalBlock: 1 })
  })

  test('a MeterReading that names a collection of blocks elsewhere owns those blocks, before or after them', () => {
    const owner = entryOf({
      self: `${meterReadingPath()}/`,
      related: ['IntervalBlock/', 'ReadingType/T1'],
      content: '<e:MeterReading/>',
    })
    const block = entryOf({ self: 'IntervalBlock/7', up: 'IntervalBlock', content: blockXml(readingXml()) })
    for (const feed of [feedOf(owner, block), feedOf(block, owner)])
      expect(read(feed).rows.block[0]).toMatchObject({ usage_point_id: 'U1', meter_reading_id: 'M1', rejected: false })
  })

  test('a block that names no MeterReading, and that none names, is quarantined', () => {
    const block = entryOf({ self: 'IntervalBlock/7', up: 'IntervalBlock', content: blockXml(readingXml()) })
    const unlinked = entryOf({ content: blockXml(readingXml()) })
    const { rows, summary } = read(feedOf(block, unlinked))
    expect(rows.block.map((row) => row.rejected)).toEqual([true, true])
    expect(rows.quarantine.map((row) => [row.rule, row.fragment])).toEqual([
      ['BLOCK_UNIDENTIFIED', unlinked],
      ['BLOCK_UNIDENTIFIED', block],
    ])
    expect(summary.quarantined).toBe(2)
  })

  test('several blocks in one content share its links, which may come after it', () => {
    const links = `<a:link rel="up" href="${resourceBase}/${meterReadingPath()}/IntervalBlock"/>`
    const entry = `<a:entry><a:content>${blockXml(readingXml())}${blockXml(readingXml({ start: hour(1) }))}</a:content><a:published>2025-11-04T01:00:00.5-08:00</a:published>${links}</a:entry>`
    const { readings, rows } = read(feedOf(entry))
    expect(readings.map((r) => r.block)).toEqual([0, 1])
    expect(rows.block.map((row) => [row.meter_reading_id, row.published_at])).toEqual([
      ['M1', '2025-11-04T09:00:00.500000Z'],
      ['M1', '2025-11-04T09:00:00.500000Z'],
    ])
  })

  test('one MeterReading href with two ReadingTypes: two series, blocks belong to the nearest before them', () => {
    const feed = feedOf(
      readingTypeEntry('T1'),
      readingTypeEntry('T19', { ...wattHours, flowDirection: 19 }),
      meterReadingEntry(meterReadingPath(), 'T1'),
      blockEntry([readingXml({ value: 1 })]),
      meterReadingEntry(meterReadingPath(), 'T19'),
      blockEntry([readingXml({ value: 2 })]),
    )
    const { rows } = read(feed)
    const typeOf = new Map(
      rows.meter_reading.map((row) => [String(row['series_key']), row['reading_type_id']] as const),
    )
    expect(rows.meter_reading.map((row) => row['reused'])).toEqual([true, true])
    expect(rows.block.map((block) => typeOf.get(block.series_key))).toEqual(['T1', 'T19'])
    expect(rows.quarantine.map((row) => [row.rule, row.severity])).toEqual([['METER_READING_REUSED', 'warn']])
    expect(rows.block.some((block) => block.rejected)).toBe(false)
    const alone = read(feedOf(meterReadingEntry(meterReadingPath(), 'T1')))
    expect(typeOf.has(String(alone.rows.meter_reading[0]?.['series_key']))).toBe(false)
  })

  test('what is said twice in the same words is one row', () => {
    const twice = [readingTypeEntry('T1'), usagePointEntry(), meterReadingEntry()]
    const { rows } = read(feedOf(...twice, ...twice, blockEntry([readingXml()])))
    expect([rows.reading_type.length, rows.usage_point.length, rows.meter_reading.length]).toEqual([1, 1, 1])
    expect(rows.meter_reading[0]?.['reused']).toBe(false)
  })

  test('a ReadingType defined twice: what differs is NULL, wherever it stands', () => {
    const types = [
      readingTypeEntry('T1', { ...wattHours, accumulationBehaviour: 4 }),
      readingTypeEntry('T1', { ...wattHours, accumulationBehaviour: 2, uom: 38 }, '2025-11-05T00:00:00Z'),
    ]
    for (const order of [types, types.toReversed()]) {
      const { rows } = read(feedOf(...order))
      expect(rows.reading_type).toHaveLength(1)
      expect(rows.reading_type[0]).toMatchObject({
        conflict: true,
        accumulation_behaviour: null,
        uom: null,
        flow_direction: 1,
        published_at: '2025-11-05T00:00:00.000000Z',
      })
      expect(rows.quarantine.map((row) => [row.rule, row.severity])).toEqual([['READING_TYPE_CONFLICT', 'warn']])
    }
  })

  test('unknown codes are kept and counted; a power of ten may be any Int16, or missing', () => {
    const { rows } = read(
      feedOf(
        readingTypeEntry('T1', { uom: 999, flowDirection: 77, powerOfTenMultiplier: 7 }),
        readingTypeEntry('T2', { uom: 72, flowDirection: 1 }),
      ),
    )
    expect(rows.reading_type.map((row) => [row['uom'], row['flow_direction'], row['power_of_ten']])).toEqual([
      [999, 77, 7],
      [72, 1, null],
    ])
    expect(rows.drift.map((row) => row.name).sort()).toEqual([
      'flowDirection 77',
      'powerOfTenMultiplier missing',
      'uom 999',
    ])
  })
})

describe('dates', () => {
  test.each<[string, string | null]>([
    ['2019-12-18T20:10:30.95Z', '2019-12-18T20:10:30.950000Z'],
    ['2024-09-04T08:02:15.281809Z', '2024-09-04T08:02:15.281809Z'],
    ['2024-09-04T08:02:15.2818091234Z', '2024-09-04T08:02:15.281809Z'],
    ['2016-07-07T02:36:29', '2016-07-07T02:36:29.000000Z'],
    ['2016-07-07T02:36:29+05:30', '2016-07-06T21:06:29.000000Z'],
    ['2016-02-30T00:00:00Z', null],
    ['yesterday', null],
  ])('%s', (published, expected) => {
    expect(read(feedOf(blockEntry([readingXml()], meterReadingPath(), published))).rows.block[0]?.published_at).toBe(
      expected,
    )
  })

  test('none at all: NULL', () => {
    expect(read(feedOf(blockEntry([readingXml()], meterReadingPath(), null))).rows.block[0]?.published_at).toBeNull()
  })
})
