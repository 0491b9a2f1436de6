/** Where chunks begin and end changes nothing: rows, offsets, errors. And the order of entries only what order means. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMeterlakeError } from '../../schemas/errors.ts'
import { type Collected, collect } from '../support/collecting-sink.ts'
import {
  blockEntry,
  feedOf,
  meterReadingEntry,
  meterReadingPath,
  november4_s,
  reading,
  readingTypeEntry,
  readingXml,
  usagePointEntry,
  wattHours,
} from '../support/small-feed.ts'
import { sharedPath } from '../support/shared.ts'

const samples = sharedPath('espi/samples')

const small = [
  '\ufeff<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- \u20ac -->',
  feedOf(
    readingTypeEntry('T1'),
    usagePointEntry('U1', '<e:readCycle>\u00e9&amp;\u{1f600}&#233;</e:readCycle>\r\n'),
    meterReadingEntry(),
    blockEntry([
      readingXml({ quality: [19, 17], value: '-12', rest: '<e:tou>6</e:tou>' }),
      readingXml({ start: november4_s + 3600, value: '<![CDATA[1]]>4<!-- x -->2' }).replaceAll('><', '>\r\n\t<'),
    ]),
    blockEntry([readingXml({ value: '' })]),
  ),
].join('')

/** What a feed gives, or how it was refused. */
function outcome(feed: Uint8Array, sizes: readonly number[]): unknown {
  try {
    return collect(reading(), feed, sizes)
  } catch (error) {
    if (isMeterlakeError(error)) return { code: error.code, details: error.details }
    throw error
  }
}

describe('chunks', () => {
  const bytes = Buffer.from(small)
  const whole = collect(reading(), bytes)
  const wholeText = JSON.stringify(whole)

  test('the small feed holds what it should', () => {
    expect(whole.readings.map((r) => r.value)).toEqual([-12, 142])
    expect(whole.rows.usage_point[0]?.['read_cycle']).toBe('\u00e9&\u{1f600}\u00e9')
    expect(whole.rows.quarantine.map((row) => row.rule)).toEqual(['READING_VALUE_MISSING'])
    for (const { byteOffset } of whole.readings)
      expect(bytes.toString('utf8', byteOffset, byteOffset + 18)).toBe('<e:IntervalReading')
  })

  test('every split in two', () => {
    const different: number[] = []
    for (let at = 1; at < bytes.length; at++)
      if (JSON.stringify(collect(reading(), bytes, [at, bytes.length])) !== wholeText) different.push(at)
    expect(different).toEqual([])
  })

  test('byte by byte, and in any other way', () => {
    expect(collect(reading(), bytes, [1])).toEqual(whole)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        expect(collect(reading(), bytes, sizes, 1)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  })

  test
    .skipIf(samples === undefined)
    .each([
      'pge-bulk-elec-hourly-2019-10-23.xml',
      'utilityapi-batch-kwh19.xml',
      'sce-bulk-intervalblock.xml',
      'gba-sdk-Gas.xml',
      'opower-style-elec-eemeter.xml',
    ])('%s, byte by byte and at random', (name) => {
    const sample = readFileSync(`${samples}/${name}`)
    const expected = collect(reading(), sample)
    expect(collect(reading(), sample, [1])).toEqual(expected)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        expect(collect(reading(), sample, sizes)).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  test('a broken feed is refused at the same byte however it comes', () => {
    const feed = Buffer.from(small.replace('</e:UsagePoint>', '</e:UsagePont>'))
    const expected = outcome(feed, [feed.length])
    expect(expected).toMatchObject({ code: 'FEED_NOT_WELL_FORMED' })
    for (const size of [1, 2, 3, 64, 1000]) expect(outcome(feed, [size])).toEqual(expected)
  })

  test('mutilated feeds are read or refused with a code, the same in any chunks', () => {
    const mutation = fc.tuple(
      fc.nat(bytes.length - 1),
      fc.nat(12),
      fc.oneof(
        fc.constantFrom(
          '',
          '<',
          '>',
          '</',
          '"',
          '&',
          ']]>',
          '<!--',
          '-->',
          '<![CDATA[',
          '\r',
          'x',
          '<?p?>',
          '<e:x>',
          '0',
        ),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ),
    )
    const codes = new Set<unknown>()
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 300 }), ([at, cut, insert], size) => {
        const feed = Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), bytes.subarray(at + cut)])
        const expected = outcome(feed, [feed.length])
        codes.add((expected as { code?: string }).code)
        expect(outcome(feed, [size])).toEqual(expected)
      }),
      { numRuns: 400 },
    )
    expect(codes.size).toBeGreaterThan(1)
  })
})

const byText = (a: string, b: string) => (a < b ? -1 : 1)

const placeless = (all: readonly object[]) =>
  all.map((row) => JSON.stringify({ ...row, byte_offset: 0, byte_from: 0, byte_to: 0, block_seq: 0 })).sort(byText)

/** What a feed says, without what depends on where in the file it says it. */
function meaning({ readings, rows }: Collected): Record<string, string[]> {
  const said = readings.map((r) => {
    const block = rows.block[r.block]
    return [block?.series_key, block?.rejected, r.start_s, r.duration_s, r.value].join(',')
  })
  const tables = Object.entries(rows).map(([table, all]) => [table, placeless(all)] as const)
  return { readings: said.sort(byText), ...Object.fromEntries(tables) }
}

describe('entries', () => {
  const east = meterReadingPath('U1', 'M1')
  const west = meterReadingPath('U1', 'M19')
  const entries = [
    readingTypeEntry('T1'),
    readingTypeEntry('T19', { ...wattHours, flowDirection: 19 }),
    usagePointEntry(),
    meterReadingEntry(east, 'T1'),
    meterReadingEntry(west, 'T19'),
    blockEntry([readingXml({ value: 11 }), readingXml({ start: november4_s + 3600, value: 12 })], east),
    blockEntry([readingXml({ value: 21 })], west),
    blockEntry([readingXml({ start: november4_s + 86_400, value: 13 })], east),
    blockEntry([readingXml({ value: '' })], west),
  ]
  test('in any order they mean the same', () => {
    const expected = meaning(collect(reading(), feedOf(...entries)))
    expect(expected.readings).toHaveLength(4)
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (order) => {
        expect(meaning(collect(reading(), feedOf(...order)))).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })
})
