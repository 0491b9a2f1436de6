import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays, dayCount, daysOf, type DayWindow, isDay } from '../../schemas/calendar-day.ts'
import { halves, monthWindows, unsettled, widened } from '../../workflows/request-windows.ts'

const day = fc.integer({ min: 0, max: 4000 }).map((n) => addDays('2020-01-01', n))
const window = fc
  .tuple(day, fc.integer({ min: 0, max: 900 }))
  .map(([from, n]): DayWindow => ({ from, to: addDays(from, n) }))

test('days', () => {
  expect(isDay('2024-02-29')).toBe(true)
  for (const wrong of ['2026-02-29', '2026-2-1', '2026-13-01', '2026-01-01T00:00:00Z', ''])
    expect(isDay(wrong)).toBe(false)
  expect(dayCount({ from: '2026-03-07', to: '2026-03-09' })).toBe(3)
  expect(daysOf({ from: '2026-02-28', to: '2026-03-01' })).toEqual(['2026-02-28', '2026-03-01'])
})

test('readings of a day are asked for with the 29 before it; changes are not', () => {
  const one = { from: '2026-03-01', to: '2026-03-01' }
  expect(widened(one, 'published')).toEqual({ from: '2026-01-31', to: '2026-03-01' })
  expect(widened(one, 'updated')).toBe(one)
  fc.assert(
    fc.property(window, (its) => {
      const wide = widened(its, 'published')
      expect(wide.to).toBe(its.to)
      expect(wide.from <= its.from).toBe(true)
      expect(dayCount(wide)).toBe(Math.max(30, dayCount(its)))
    }),
  )
})

test('halves hold every day once, and end at single days', () => {
  expect(halves({ from: '2026-01-01', to: '2026-01-01' })).toBeUndefined()
  fc.assert(
    fc.property(window, (its) => {
      const pieces: DayWindow[] = []
      const split = (part: DayWindow): void => {
        const both = halves(part)
        if (both === undefined) pieces.push(part)
        else for (const half of both) split(half)
      }
      split(its)
      expect(pieces.map(({ from }) => from)).toEqual([...daysOf(its)].reverse())
    }),
  )
})

test('months: the latest first, whole calendar months inside, every day once', () => {
  expect(monthWindows({ from: '2026-01-15', to: '2026-04-02' }, 1)).toEqual([
    { from: '2026-04-01', to: '2026-04-02' },
    { from: '2026-03-01', to: '2026-03-31' },
    { from: '2026-02-01', to: '2026-02-28' },
    { from: '2026-01-15', to: '2026-01-31' },
  ])
  fc.assert(
    fc.property(window, fc.integer({ min: 1, max: 12 }), (range, months) => {
      expect([...monthWindows(range, months)].reverse().flatMap(daysOf)).toEqual(daysOf(range))
    }),
  )
})

test('what is settled is not asked for again, also where it was asked for in pieces', () => {
  const windows = monthWindows({ from: '2026-01-01', to: '2026-04-30' }, 1)
  const settled = [
    { from: '2026-03-16', to: '2026-03-31' },
    { from: '2026-03-01', to: '2026-03-15' },
    { from: '2026-02-01', to: '2026-02-20' },
  ]
  expect(unsettled(windows, settled)).toEqual([windows[0], { from: '2026-02-21', to: '2026-02-28' }, windows[3]])
  expect(unsettled(windows, windows)).toEqual([])
  fc.assert(
    fc.property(window, fc.array(window, { maxLength: 5 }), (range, done) => {
      const gone = new Set(done.flatMap(daysOf))
      const left = unsettled(monthWindows(range, 2), done)
      expect([...left].reverse().flatMap(daysOf)).toEqual(daysOf(range).filter((its) => !gone.has(its)))
    }),
  )
})
