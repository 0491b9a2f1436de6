import { expect, test } from 'vitest'
import { dayFile } from '../support/day-file.ts'
import { maxSeriesKey, planUnits, reachDays, unitLimits } from '../../warehouse/plan-units.ts'
import { planBundles } from '../../warehouse/spread-incoming.ts'

const reach = (backDays: number) => ({ backDays, minDurationS: 3600 })

test('days are gathered into batches by rows, in day order', () => {
  const units = planUnits(
    [
      { dt: '2026-01-03', rows: 60, series: 1 },
      { dt: '2026-01-01', rows: 60, series: 1 },
      { dt: '2026-01-02', rows: 30, series: 1 },
    ],
    [dayFile('2026-01-01', 10)],
    reach(0),
    { ...unitLimits, batchRows: 100, fileRows: 1000 },
  )
  expect(units.map(({ dt, batch, unit }) => [dt, batch, unit])).toEqual([
    ['2026-01-01', 0, 0],
    ['2026-01-02', 0, 1],
    ['2026-01-03', 1, 2],
  ])
  expect(units[0]?.existing?.rows).toBe(10)
})

test('a day that grows too large is split into ranges that cover all keys and no key twice', () => {
  const units = planUnits([{ dt: '2026-01-01', rows: 900, series: 1 }], [dayFile('2026-01-01', 700)], reach(0), {
    ...unitLimits,
    batchRows: 400,
    fileRows: 500,
  })
  expect(units).toHaveLength(4)
  expect(units.every(({ split }) => split)).toBe(true)
  expect(units[0]?.keyMin).toBe(0n)
  for (const [at, unit] of units.entries()) expect(unit.keyMax + 1n).toBe(units[at + 1]?.keyMin ?? maxSeriesKey + 1n)
})

test('late is what is not newer than the day itself and the days that may reach into it', () => {
  const current = [
    dayFile('2026-01-01', 1, '2026-01-05T00:00:00.000000Z'),
    dayFile('2026-01-02', 1, '2026-01-03T00:00:00.000000Z'),
  ]
  const lateUntil = (back: number) =>
    planUnits([{ dt: '2026-01-02', rows: 1, series: 1 }], current, reach(back))[0]?.lateUntil
  expect(lateUntil(0)).toBe('2026-01-03T00:00:00.000000Z')
  expect(lateUntil(1)).toBe('2026-01-05T00:00:00.000000Z')
  expect(reachDays(900, 3600)).toBe(1)
  expect(reachDays(86_400, 86_400)).toBe(0)
  expect(reachDays(null, 0)).toBe(0)
})

test('bundles hold about equally many readings: small days together, a large one in ranges of its keys', () => {
  const days = [
    { dt: '2026-01-03', rows: 400, series: 1 },
    { dt: '2026-01-01', rows: 40, series: 1 },
    { dt: '2026-01-02', rows: 50, series: 1 },
    { dt: '2026-01-04', rows: 10, series: 1 },
  ]
  const bundles = planBundles(days, 5)
  expect(bundles.map(({ dt, first, parts }) => [dt, first, parts])).toEqual([
    ['2026-01-01', 0, 1],
    ['2026-01-02', 0, 1],
    ['2026-01-03', 1, 4],
    ['2026-01-04', 5, 1],
  ])
  for (const { parts, width } of bundles) expect(maxSeriesKey / width).toBeLessThanOrEqual(BigInt(parts))
  expect(maxSeriesKey / (bundles[2]?.width ?? 1n)).toBe(3n)
})
