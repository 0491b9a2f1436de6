import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOfIso, isoOfDay, lengthOfDay_s, localDayOf, startOfDay_s } from '../../sim/pacific-day.ts'

const format = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Los_Angeles',
  dateStyle: 'short',
  timeStyle: 'medium',
})
const local = (time_s: number): string => format.format(new Date(time_s * 1000))

test('every local day from 2008 to 2040 starts and ends where the zone database says', () => {
  const wrong: string[] = []
  for (let day = dayOfIso('2008-01-01'); day < dayOfIso('2040-01-01'); day += 1) {
    const start = local(startOfDay_s(day))
    if (start !== `${isoOfDay(day)} 00:00:00`) wrong.push(`${isoOfDay(day)} starts at ${start}`)
  }
  expect(wrong).toEqual([])
  expect(lengthOfDay_s(dayOfIso('2026-03-08'))).toBe(82_800)
  expect(lengthOfDay_s(dayOfIso('2026-11-01'))).toBe(90_000)
  expect(lengthOfDay_s(dayOfIso('2026-11-02'))).toBe(86_400)
})

test('any instant belongs to the local day the zone database says', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2008) / 1000, max: Date.UTC(2040) / 1000 }), (time_s) => {
      expect(isoOfDay(localDayOf(time_s))).toBe(local(time_s).slice(0, 10))
    }),
  )
})

test('what is no date is refused', () => {
  for (const text of ['2026-02-30', '2026-1-1', '', 'yesterday', '2026-01-01T00:00:00Z']) {
    expect(() => dayOfIso(text)).toThrow(RangeError)
  }
})
