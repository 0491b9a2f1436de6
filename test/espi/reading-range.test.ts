/** An IntervalReading found again in the bytes from an offset on. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { blockEntry, november4_s, readingXml } from '../support/small-feed.ts'

const any = () => true
const startsAt = (start: number) => (found: number) => found === start
const rangeOf = (xml: string, isWanted: Parameters<typeof findReading>[1]): string => {
  const bytes = Buffer.from(xml)
  const range = findReading(bytes, isWanted)
  return typeof range === 'string' ? range : bytes.toString('utf8', range.from, range.to)
}

describe('a reading at the first byte', () => {
  const reading = readingXml({ start: november4_s, value: 7, quality: [17] })

  test('ends with its own end tag, whatever comes after', () => {
    expect(rangeOf(`${reading}</e:IntervalBlock></a:content>`, any)).toBe(reading)
    expect(rangeOf(`${reading}\u0000 not XML any more <<`, any)).toBe(reading)
  })

  test.each([
    [
      'another prefix',
      `<ns0:IntervalReading><ns0:timePeriod><ns0:duration>900</ns0:duration><ns0:start>5</ns0:start></ns0:timePeriod></ns0:IntervalReading>`,
    ],
    [
      'comments and CDATA in numbers',
      `<IntervalReading><timePeriod><duration>9<!-- > -->00</duration><start><![CDATA[5]]></start></timePeriod></IntervalReading>`,
    ],
    [
      'CR LF within tags',
      `<IntervalReading\r\n>\r\n<timePeriod\r\n><duration>900</duration><start> 5\r\n</start></timePeriod></IntervalReading\r\n>`,
    ],
    [
      'characters of several bytes',
      `<IntervalReading note="\u00e9\u{1f600}"><!-- \u00e9 --><timePeriod><duration>900</duration><start>5</start></timePeriod></IntervalReading>`,
    ],
    [
      'milliseconds',
      `<IntervalReading><timePeriod><duration>900</duration><start>1762243200000</start></timePeriod></IntervalReading>`,
    ],
  ])('%s', (what, xml) => {
    const start = what === 'milliseconds' ? 1_762_243_200 : 5
    expect(rangeOf(`${xml}<rest>`, (found, duration) => found === start && duration === 900)).toBe(xml)
  })

  test('is not taken for another: a start elsewhere in it is none of its time', () => {
    const foreign =
      '<IntervalReading><other><start>5</start></other><timePeriod><start>6</start></timePeriod></IntervalReading>'
    expect(rangeOf(foreign, startsAt(5))).toBe('none')
    expect(rangeOf(foreign, startsAt(6))).toBe(foreign)
  })
})

describe('an entry at the first byte', () => {
  const readings = [0, 3600, 7200].map((later) => readingXml({ start: november4_s + later, value: later }))
  const entry = blockEntry(readings)

  test('gives the reading that is wanted, and none where it has ended without', () => {
    for (const [at, reading] of readings.entries())
      expect(rangeOf(`${entry}<a:entry>`, startsAt(november4_s + at * 3600))).toBe(reading)
    expect(rangeOf(`${entry}<a:entry>${readingXml({ start: 5 })}`, startsAt(5))).toBe('none')
  })

  test('cut anywhere: the same reading, or that more is needed', () => {
    const bytes = Buffer.from(entry)
    const whole = findReading(bytes, startsAt(november4_s + 3600))
    const to = typeof whole === 'string' ? 0 : whole.to
    fc.assert(
      fc.property(fc.nat(bytes.length), (length) => {
        const found = findReading(bytes.subarray(0, length), startsAt(november4_s + 3600))
        expect(found).toEqual(length >= to ? whole : 'more')
      }),
      { numRuns: 300 },
    )
  })
})

test('what is no element throws', () => {
  expect(() => findReading(Buffer.from('</a:entry><x/>'), any)).toThrow(/\S/)
  expect(() => findReading(Buffer.from('<a><b></a>'), any)).toThrow(/tag/)
})
