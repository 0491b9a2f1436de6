/** The custodian's day: 17:00 Pacific, over both changes of the clock. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quotaDayOf } from '../../activities/quota-day.ts'

const at = (iso: string) => Date.parse(iso)
const pacific = (nowMs: number) => quotaDayOf(nowMs, 'America/Los_Angeles', '17:00')
const hours = (ms: number) => ms / 3_600_000

describe('days of the custodian', () => {
  test.each([
    ['2026-03-07T20:00:00Z', '2026-03-07T01:00:00Z', 24],
    ['2026-03-08T01:00:00Z', '2026-03-08T01:00:00Z', 23],
    ['2026-03-08T23:59:59Z', '2026-03-08T01:00:00Z', 23],
    ['2026-03-09T00:00:00Z', '2026-03-09T00:00:00Z', 24],
    ['2026-11-01T08:59:00Z', '2026-11-01T00:00:00Z', 25],
    ['2026-11-02T01:00:00Z', '2026-11-02T01:00:00Z', 24],
  ])('%s is in the day from %s, of %i hours', (now, start, length) => {
    const { startsAtMs, endsAtMs } = pacific(at(now))
    expect([new Date(startsAtMs).toISOString(), hours(endsAtMs - startsAtMs)]).toEqual([
      new Date(start).toISOString(),
      length,
    ])
  })

  test('a start that the clock leaps over is where the leap ends; one that comes twice is the first', () => {
    const spring = quotaDayOf(at('2026-03-08T15:00:00Z'), 'America/Los_Angeles', '02:30')
    expect(new Date(spring.startsAtMs).toISOString()).toBe('2026-03-08T10:30:00.000Z')
    const autumn = quotaDayOf(at('2026-11-01T15:00:00Z'), 'America/Los_Angeles', '01:30')
    expect(new Date(autumn.startsAtMs).toISOString()).toBe('2026-11-01T08:30:00.000Z')
  })

  test('days follow each other without gap, everywhere', () => {
    const zones = ['America/Los_Angeles', 'UTC', 'Asia/Kolkata', 'Australia/Lord_Howe']
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
        fc.constantFrom(...zones),
        fc.constantFrom('00:00', '02:30', '17:00', '23:59'),
        (now, zone, start) => {
          const day = quotaDayOf(now.getTime(), zone, start)
          expect(day.startsAtMs).toBeLessThanOrEqual(now.getTime())
          expect(day.endsAtMs).toBeGreaterThan(now.getTime())
          expect(quotaDayOf(day.endsAtMs, zone, start).startsAtMs).toBe(day.endsAtMs)
        },
      ),
      { numRuns: 200 },
    )
  })
})
