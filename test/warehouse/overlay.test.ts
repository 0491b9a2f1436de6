/** Corrections of past days stay beside the files of their days, and nobody who asks sees the difference. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { Manifest } from '../../schemas/manifest.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { overlayLimits } from '../../warehouse/plan-overlay.ts'
import { type UnitLimits, unitLimits } from '../../warehouse/plan-units.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { queryRows } from '../support/query-rows.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-overlay-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

const midnight = Date.parse('2026-01-01T08:00:00Z') / 1000
const meters = [1, 2, 3]
const days = 40
const beside: UnitLimits = {
  ...unitLimits,
  overlay: { ...overlayLimits, files: 3, sparseness: 5, worthFiles: 8, rowsMost: 100 },
}

/** Readings of all meters, or of one, at hours since the first midnight. */
function feed(published: string, hours: readonly number[], valueOf: (hour: number) => number, only?: number): Feed {
  const some = only === undefined ? meters : [only]
  return {
    readingTypes: [{ id: 'rt' }],
    meterReadings: meters.map((n) => ({ usagePoint: `U${n}`, id: 'M', readingType: 'rt' })),
    blocks: some.map((n) => ({
      usagePoint: `U${n}`,
      meterReading: 'M',
      published,
      readings: hours.map((hour) => ({ start: midnight + hour * 3600, value: valueOf(hour) })),
    })),
  }
}

const allHours = Array.from({ length: 24 * days }, (_, hour) => hour)
/** Noon of each day. */
const noons = Array.from({ length: days }, (_, day) => day * 24 + 12)

async function commit(one: Feed, limits = beside): Promise<Manifest> {
  await stageFeed(roots, one)
  await publishStaged({ roots, timeZone, limits })
  const manifest = await readNewestManifest(openRoots(roots).lake)
  if (!manifest) throw new Error('nothing was published')
  return manifest
}

const query = (sql: string) => queryRows({ roots, sql })
const sums = async () => {
  const [row] = await query(`SELECT count(*)::INTEGER AS n, sum(value)::INTEGER AS total,
    (SELECT sum(delivered_kwh * 1000)::INTEGER FROM mart.load_hourly) AS hourly,
    (SELECT sum(value)::INTEGER FROM core.interval_asof(now() + INTERVAL 1 DAY)) AS as_of FROM core.interval`)
  return row
}
const agreed = (n: number, total: number) => ({ n, total, hourly: total, as_of: total })
const paths = ({ current }: Manifest) => current.files.map(({ path }) => path)

test('corrections are one file; the files of their days stay, and every view shows what is in force', async () => {
  const first = await commit(feed('2026-03-01T00:00:00Z', allHours, () => 1))
  const corrected = await commit(feed('2026-03-02T00:00:00Z', noons, () => 10, 2))
  expect(paths(corrected)).toEqual(paths(first))
  expect(corrected.overlay.files.map(({ rows }) => rows)).toEqual([days])
  expect(corrected.totals.readings).toBe(3 * 24 * days)
  expect(await sums()).toEqual(agreed(3 * 24 * days, 3 * 24 * days + 9 * days))
  const [found] = await query(`SELECT count(*)::INTEGER AS n, min(usage_point_id) AS usage_point_id FROM core.interval
    WHERE value = 10 AND local_date BETWEEN '2026-01-05' AND '2026-01-09'`)
  expect(found).toEqual({ n: 5, usage_point_id: 'U2' })

  const again = await commit({ ...feed('2026-03-03T00:00:00Z', noons, () => 10, 2), salt: 'again' })
  expect(again.overlay).toEqual(corrected.overlay)
  const changed = await commit(feed('2026-03-04T00:00:00Z', noons, (hour) => (hour < 240 ? 1 : 20), 2))
  expect(changed.overlay.files.map(({ rows }) => rows)).toEqual([days, days])
  expect(await sums()).toEqual(agreed(3 * 24 * days, 3 * 24 * days + 19 * 30))
})

test('what is older than a correction changes nothing; a reading that was missing is added', async () => {
  const holes = allHours.filter((hour) => hour % 24 !== 12)
  await commit(feed('2026-03-01T00:00:00Z', holes, () => 1))
  await commit(feed('2026-03-03T00:00:00Z', noons, () => 10, 2))
  const late = await commit(feed('2026-03-02T00:00:00Z', noons, () => 7, 2))
  expect(late.overlay.files.map(({ rows }) => rows)).toEqual([days])
  expect([late.overlay.adds, late.totals.readings]).toEqual([days, 3 * 23 * days + days])
  expect(await sums()).toEqual(agreed(3 * 23 * days + days, 3 * 23 * days + 10 * days))
  const versions = await query('SELECT count(*)::INTEGER AS n FROM core.interval_version WHERE value IN (7, 10)')
  expect(versions).toEqual([{ n: 2 * days }])
})

test('a day that is written anew takes its corrections along; more files than there may be become one', async () => {
  await commit(feed('2026-03-01T00:00:00Z', allHours, () => 1))
  await commit(feed('2026-03-02T00:00:00Z', noons, () => 10, 2))
  const firstDay = Array.from({ length: 24 }, (_, hour) => hour)
  const written = await commit(feed('2026-03-03T00:00:00Z', firstDay, (hour) => (hour === 12 ? 10 : 2)))
  expect(written.overlay.files.map(({ rows }) => rows)).toEqual([days - 1])
  expect(written.current.files[0]?.path).toMatch(/^current\/dt=2026-01-01\/3-/)
  const total = 3 * 24 * days + 9 * days + 2 * 9 + 3 * 23
  expect(await sums()).toEqual(agreed(3 * 24 * days, total))
  const afternoons = (count: number) => noons.slice(5, 5 + count).map((hour) => hour + 3)
  const files: number[][] = []
  for (const count of [8, 9, 10]) {
    const made = await commit(feed(`2026-03-${count + 2}T00:00:00Z`, afternoons(count), () => count, 3))
    files.push(made.overlay.files.map(({ rows }) => rows))
  }
  expect(files).toEqual([[39, 8], [39, 8, 9], [49]])
  expect(await sums()).toEqual(agreed(3 * 24 * days, total + 10 * 9))
})

test('beyond its rows the overlay is folded into the days that have most of it', async () => {
  await commit(feed('2026-03-01T00:00:00Z', allHours, () => 1))
  await commit(feed('2026-03-02T00:00:00Z', noons, () => 10, 1))
  await commit(feed('2026-03-03T00:00:00Z', noons, () => 10, 2))
  // 80 and 40 are more than 100
  const folded = await commit(feed('2026-03-04T00:00:00Z', noons, () => 10, 3))
  const left = folded.overlay.files.reduce((sum, { rows }) => sum + rows, 0)
  expect(left).toBeLessThanOrEqual(50)
  expect(left).toBeGreaterThan(0)
  expect(paths(folded).filter((path) => path.includes('/4-')).length).toBe(35)
  expect(await sums()).toEqual(agreed(3 * 24 * days, 3 * 24 * days + 3 * 9 * days))
})

test('a small lake has none: its days are written anew', async () => {
  await commit(
    feed('2026-03-01T00:00:00Z', allHours, () => 1),
    unitLimits,
  )
  const corrected = await commit(
    feed('2026-03-02T00:00:00Z', noons.slice(0, 30), () => 10, 2),
    unitLimits,
  )
  expect(corrected.overlay.files).toEqual([])
  expect(await sums()).toEqual(agreed(3 * 24 * days, 3 * 24 * days + 9 * 30))
})
