/** Entries beside readings: bills, code names, local time; and what nobody knows. */
import { describe, expect, test } from 'vitest'
import { collect } from '../support/collecting-sink.ts'
import { entryOf, feedOf, meterFeed, november4_s, reading, readingXml } from '../support/small-feed.ts'

const read = (feed: string, chunkSizes?: readonly number[]) => collect(reading(), feed, chunkSizes)
const hour = (n: number) => november4_s + 3600 * n

const bill = (inner: string) =>
  feedOf(
    entryOf({
      self: 'Subscription/S1/UsagePoint/U1/UsageSummary/1',
      content: `<e:UsageSummary>${inner}</e:UsageSummary>`,
    }),
  )

const mapping = (kind: string, code: number, name: string) =>
  `<e:programIdMapping><e:tOUorCPPorConsumptionTier>${kind}</e:tOUorCPPorConsumptionTier><e:code>${code}</e:code><e:name>${name}</e:name></e:programIdMapping>`

describe('other entries', () => {
  test('tariff riders, alone or wrapped; charge source; unknown elements in other', () => {
    const rider = '<e:riderType>CARE</e:riderType><e:enrollmentStatus>enrolled</e:enrollmentStatus>'
    const expected = '[{"riderType":"CARE","enrollmentStatus":"enrolled","effectiveDate":null}]'
    const plain = read(
      bill(
        `<e:tariffRiderRefs>${rider}</e:tariffRiderRefs><e:novel><e:x>1</e:x><e:x>2</e:x></e:novel><e:billingChargeSource><e:agencyName>CCA &amp; Sons é</e:agencyName></e:billingChargeSource>`,
      ),
    ).rows
    expect(plain.usage_summary[0]).toMatchObject({ tariff_riders: expected, billing_charge_source: 'CCA & Sons é' })
    expect(JSON.parse(String(plain.usage_summary[0]?.['other']))).toEqual({ 'novel/x': '1', 'novel/x[2]': '2' })
    expect(plain.drift.map((row) => row.name)).toContain('feed/entry/content/UsageSummary/novel')
    const wrapped = read(
      bill(`<e:tariffRiderRefs><e:tariffRiderRef>${rider}</e:tariffRiderRef></e:tariffRiderRefs>`),
    ).rows
    expect(wrapped.usage_summary[0]?.['tariff_riders']).toBe(expected)
  })

  test('line items: negative amounts, periods, and nothing of a line lost', () => {
    const { rows } = read(
      bill(
        '<e:costAdditionalDetailLastPeriod><e:amount>-1200000</e:amount><e:note>Generation Credit</e:note><e:itemKind>6</e:itemKind><e:dateTime>9</e:dateTime><e:itemPeriod><e:duration>2505600</e:duration><e:start>1434006000</e:start></e:itemPeriod></e:costAdditionalDetailLastPeriod>',
      ),
    )
    expect(rows.usage_summary_line[0]).toMatchObject({
      line: 1,
      amount: -1_200_000,
      note: 'Generation Credit',
      item_kind: 6,
      period_start_at: '2015-06-11T07:00:00.000000Z',
      period_duration_s: 2_505_600,
    })
    expect(JSON.parse(String(rows.usage_summary[0]?.['other']))).toEqual({
      'costAdditionalDetailLastPeriod[1]/dateTime': '9',
    })
  })

  test('a bill that cannot be read is left out, with its bytes; the rest stays', () => {
    const { rows, summary } = read(bill('<e:billLastPeriod>lots</e:billLastPeriod>'))
    expect(rows.usage_summary).toEqual([])
    expect(rows.quarantine[0]).toMatchObject({
      rule: 'VALUE_MALFORMED',
      path: 'feed/entry/content/UsageSummary/billLastPeriod',
    })
    expect(rows.quarantine[0]?.fragment).toContain('>lots<')
    expect(summary.quarantined).toBe(1)
  })

  test('code names of all three kinds', () => {
    const { rows } = read(
      feedOf(
        entryOf({
          self: 'ProgramIdMapping/1',
          content: `<e:ProgramIdMappings>${mapping('tou', 1, 'SPK')}${mapping('cpp', 2, 'EVENT')}${mapping('consumptiontier', 3, 'T3')}</e:ProgramIdMappings>`,
        }),
      ),
    )
    expect(rows.tou_code.map((row) => [row['kind'], row['code'], row['name'], row['note']])).toEqual([
      ['tou', 1, 'SPK', null],
      ['cpp', 2, 'EVENT', null],
      ['consumptiontier', 3, 'T3', null],
    ])
  })

  test('local time parameters of another zone are said, not believed', () => {
    const { rows } = read(
      feedOf(
        entryOf({
          self: 'LocalTimeParameters/1',
          content:
            '<e:LocalTimeParameters><e:dstOffset>3600</e:dstOffset><e:tzOffset>28800</e:tzOffset></e:LocalTimeParameters>',
        }),
      ),
    )
    expect(rows.quarantine.map((row) => [row.rule, row.severity])).toEqual([['LOCAL_TIME_CONFLICT', 'warn']])
  })

  test('the same name in another namespace is another element', () => {
    const other = '<o:UsagePoint xmlns:o="urn:other"><o:status>1</o:status></o:UsagePoint>'
    const { rows, summary } = read(feedOf(entryOf({ self: 'Subscription/S1/UsagePoint/U1', content: other })))
    expect(rows.usage_point).toEqual([])
    expect(summary.entriesByKind).toEqual({ '{urn:other}UsagePoint': 1 })
    expect(rows.drift.map((row) => row.name)).toEqual([
      'feed/entry/content/{urn:other}UsagePoint',
      'feed/entry/content/{urn:other}UsagePoint/{urn:other}status',
    ])
  })

  test('elements, attributes and texts nobody knows are counted with the place they came first', () => {
    const feed = meterFeed(
      readingXml({ rest: '<e:novel/>' }),
      readingXml({ start: hour(1), rest: '<e:novel odd="1"/>' }),
      'stray',
    )
    const { rows } = read(feed)
    expect(rows.drift.map((row) => [row.kind, row.name, row.n, row.first_byte])).toEqual([
      ['element', 'feed/entry/content/IntervalBlock/IntervalReading/novel', 2, feed.indexOf('<e:novel')],
      ['attribute', 'feed/entry/content/IntervalBlock/IntervalReading/novel@odd', 1, feed.lastIndexOf('<e:novel')],
      ['element', 'feed/entry/content/IntervalBlock/text()', 1, feed.indexOf('<e:IntervalBlock')],
    ])
  })
})
