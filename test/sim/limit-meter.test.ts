/** The custodian's own count of what is too much: the very request that is one too many, and days over both changes of the clock. */
import { describe, expect, test } from 'vitest'
import { createLimitMeter, type SimulatedLimits } from '../../sim/limit-meter.ts'

const at = (iso: string) => Date.parse(iso)
const noonMs = at('2026-11-22T20:00:00Z')
const open = (limits: SimulatedLimits = {}) => createLimitMeter({ enforce: true, ...limits })

test('two requests of the vendor less than 1,000 ms apart, over all its clients', () => {
  const meter = open()
  expect(meter.arrive('a', noonMs)).toBeUndefined()
  expect(meter.arrive('b', noonMs + 1_000)).toBeUndefined()
  expect(meter.arrive('a', noonMs + 1_999)).toBe(1)
  expect(meter.counts(noonMs + 2_000)).toMatchObject({
    requests: 3,
    violations: { spacing: 1, hour: 0, day: 0 },
    shortestGapMs: 999,
  })
})

test('the 2,001st in any hour of a client: told how long to wait', () => {
  const meter = open()
  for (let n = 0; n < 2_000; n += 1) expect(meter.arrive('a', noonMs + n * 1_100)).toBeUndefined()
  const nextMs = noonMs + 2_000 * 1_100
  expect(meter.arrive('b', nextMs)).toBeUndefined()
  // What is refused counts too: until the second is an hour ago.
  expect(meter.arrive('a', nextMs + 1_000)).toBe(Math.ceil(3_600 + 1.1 - 2_201))
  expect(meter.arrive('a', nextMs + 1_000 + 1_400_100)).toBeUndefined()
  expect(meter.counts(nextMs).violations).toEqual({ spacing: 0, hour: 1, day: 0 })
})

describe('the 20,001st in a day of a client, which starts at 17:00 Pacific', () => {
  test.each([
    ['winter', '2026-11-22T01:00:00Z', 24],
    ['the clock goes forward', '2026-03-08T01:00:00Z', 23],
    ['the clock goes back', '2026-11-01T00:00:00Z', 25],
  ])('%s', (_, startsAt, hours) => {
    const meter = open({ perHour: 100_000 })
    const startMs = at(startsAt)
    const endMs = startMs + hours * 3_600_000
    expect(meter.arrive('a', startMs - 1_000)).toBeUndefined()
    for (let n = 0; n < 20_000; n += 1) {
      if (meter.arrive('a', startMs + n * 4_000) !== undefined) throw new Error(`the ${n + 1}st is refused`)
    }
    expect(meter.arrive('a', endMs - 1_000)).toBe(1)
    expect(meter.arrive('a', endMs)).toBeUndefined()
    expect(meter.counts(endMs).violations).toEqual({ spacing: 0, hour: 0, day: 1 })
  })
})
