import { expect, test } from 'vitest'
import { dayFile } from '../support/day-file.ts'
import type { CurrentFile } from '../../schemas/manifest.ts'
import { overlayLimits, overlayRowsMost, planOverlay } from '../../warehouse/plan-overlay.ts'
import { planUnits, type TouchedDay } from '../../warehouse/plan-units.ts'

const day = (ordinal: number) => new Date(Date.UTC(2024, 0, 1 + ordinal)).toISOString().slice(0, 10)
const files = (count: number, rows: number) => Array.from({ length: count }, (_, at) => dayFile(day(at), rows))
const touched = (count: number, rows: number): TouchedDay[] =>
  Array.from({ length: count }, (_, at) => ({ dt: day(at), rows, series: rows }))
const plan = (
  days: readonly TouchedDay[],
  current: readonly CurrentFile[],
  standing: ReadonlyMap<string, number> = new Map(),
  reachedInto: ReadonlySet<string> = new Set(),
) => planOverlay(days, reachedInto, current, standing, 50_000_000, overlayLimits)

test('a few corrections on each of many days stay beside; a new day and one that changes much are written', () => {
  const days = [
    ...touched(1000, 10),
    { dt: day(1000), rows: 5_000, series: 5_000 },
    { dt: day(1001), rows: 9, series: 9 },
  ]
  const { beside, folded } = plan(days, files(1001, 45_000))
  expect(beside.size).toBe(1000)
  expect(beside.has(dayFile(day(1000), 1).path)).toBe(false)
  expect(folded).toEqual([])
})

test('a day or two are written anew: that costs less than a lake with an overlay', () => {
  expect(plan(touched(2, 10), files(1000, 1_000)).beside.size).toBe(0)
  // unless they are large
  expect(plan(touched(2, 10), files(1000, 300_000)).beside.size).toBe(2)
})

test('a day into which a reading of another day reaches is written: it may lose rows of any series', () => {
  const { beside } = plan(touched(40, 10), files(40, 45_000), new Map(), new Set([day(7)]))
  expect(beside.size).toBe(39)
  expect(beside.has(dayFile(day(7), 1).path)).toBe(false)
})

test('what a day has beside already counts: at a twentieth of its rows it is written', () => {
  const standing = new Map([[day(3), 2_245]])
  expect(plan(touched(40, 10), files(40, 45_000), standing).beside.size).toBe(39)
})

test('beyond its share of the lake the fullest days are folded, until half is left', () => {
  expect(overlayRowsMost(50_000_000, overlayLimits)).toBe(500_000)
  expect(overlayRowsMost(1_000, overlayLimits)).toBe(100_000)
  expect(overlayRowsMost(10_000_000_000, overlayLimits)).toBe(2_000_000)
  const standing = new Map(Array.from({ length: 1000 }, (_, at) => [day(at), at < 300 ? 1_200 : 300] as const))
  const { folded } = plan([], files(1000, 45_000), standing)
  // 570,000 rows: the 267 fullest days go
  expect(folded).toHaveLength(267)
  expect(folded.every((dt) => (standing.get(dt) ?? 0) === 1_200)).toBe(true)
  expect(plan([], files(1000, 45_000), new Map([[day(1), 499_999]])).folded).toEqual([])
})

test('units beside are whole files, in batches of their own by the series that come; a folded day is written', () => {
  const current = files(100, 45_000)
  const units = planUnits(
    touched(100, 10),
    current,
    { backDays: 0, minDurationS: 3600 },
    { batchRows: 90_000, fileRows: 1_000_000, overlay: overlayLimits },
    { beside: new Set(current.slice(1).map(({ path }) => path)), folded: [day(50)] },
  )
  const written = units.filter(({ beside }) => !beside)
  expect(written.map(({ dt, forced }) => [dt, forced])).toEqual([
    [day(0), false],
    [day(50), true],
  ])
  const beside = units.filter((unit) => unit.beside)
  expect(beside).toHaveLength(98)
  // 98 × (10 + 10 × 24) rows
  expect(new Set(beside.map(({ batch }) => batch))).toEqual(new Set([(written.at(-1)?.batch ?? 0) + 1]))
  expect(new Set(units.map(({ unit }) => unit)).size).toBe(100)
})
