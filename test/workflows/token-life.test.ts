import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isFresh, renewAt } from '../../schemas/token-life.ts'

test('an hour is renewed six minutes early, five minutes half a minute, ten seconds at half', () => {
  expect(renewAt(3_600_000, 0)).toBe(3_240_000)
  expect(renewAt(300_000, 0)).toBe(270_000)
  expect(renewAt(10_000, 0)).toBe(5_000)
})

test('any life: usable from the start, never after its end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000_000 }), fc.integer({ min: 0, max: 2e12 }), (lifeMs, nowMs) => {
      const at = renewAt(nowMs + lifeMs, nowMs)
      expect(isFresh(at, nowMs)).toBe(true)
      expect(isFresh(at, nowMs + lifeMs)).toBe(false)
    }),
  )
})

test('a token that came expired is not handed out', () => {
  expect(isFresh(renewAt(1_000, 2_000), 2_000)).toBe(false)
})
