/** mart.finality_daily: since when the readings of a day are of revenue quality, against every version replayed in order. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'

const day = Date.parse('2026-05-01T07:00:00Z') / 1000
const commitAt = (n: number): string => new Date((day + (n + 1) * 86_400) * 1000).toISOString()

/** What a commit brings: hours from the first of the day, all of one quality. */
interface Sent {
  /** Hour of publication after the day's start, 0…9. */
  readonly published: number
  readonly from: number
  readonly n: number
  readonly quality: number | null
  readonly value: number
  readonly duration?: number
}

async function commitAll(roots: LakeRoots, commits: readonly Sent[]): Promise<void> {
  for (const [n, { published, from, n: count, quality, value, duration = 3600 }] of commits.entries()) {
    const readings = Array.from({ length: count }, (_, at): FeedReading => ({
      start: day + from * 3600 + at * duration,
      duration,
      value,
      quality,
    }))
    await stageFeed(roots, {
      salt: String(n),
      readingTypes: [{ id: 'wh' }],
      meterReadings: [{ usagePoint: 'p', id: 'm', readingType: 'wh' }],
      blocks: [
        {
          usagePoint: 'p',
          meterReading: 'm',
          published: new Date((day + published * 3600) * 1000).toISOString(),
          readings,
        },
      ],
    })
    await publishStaged({ roots, timeZone, now: () => new Date(commitAt(n)), deferViews: n < commits.length - 1 })
  }
}

async function withLake<T>(commits: readonly Sent[], effect: (roots: LakeRoots) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-finality-'))
  try {
    const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
    await commitAll(roots, commits)
    return await effect(roots)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const toldOf = (commits: readonly Sent[], more = '') =>
  withLake(commits, (roots) =>
    queryRows({
      roots,
      sql: `SELECT n_intervals::INTEGER AS n, n_revenue::INTEGER AS revenue,
        strftime(timezone('UTC', first_revenue_at), '%Y-%m-%dT%H:%M:%S.000Z') AS at ${more} FROM mart.finality_daily`,
    }),
  )

test('by hand: 17 becomes 19 in parts, then is corrected and stays 19', async () => {
  const first: Sent = { published: 0, from: 0, n: 24, quality: 17, value: 1 }
  const half: Sent = { published: 1, from: 0, n: 12, quality: 19, value: 1 }
  const rest: Sent = { published: 2, from: 12, n: 12, quality: 19, value: 1 }
  expect(await toldOf([first, half])).toEqual([{ n: 24, revenue: 12, at: null }])
  const corrected: Sent = { published: 3, from: 5, n: 2, quality: 19, value: 7 }
  const key = ', usage_point_id, meter_reading_id, flow_direction, local_date::VARCHAR AS day, days_to_revenue'
  expect(await toldOf([first, half, rest, corrected], key)).toEqual([
    {
      n: 24,
      revenue: 24,
      at: commitAt(2),
      usage_point_id: 'p',
      meter_reading_id: 'm',
      flow_direction: 1,
      day: '2026-05-01',
      days_to_revenue: 3,
    },
  ])
  // published before what is known: it was never in force; and hours taken back to 17
  const late: Sent = { published: 0, from: 0, n: 24, quality: 19, value: 3 }
  expect(await toldOf([{ ...first, published: 5 }, late])).toEqual([{ n: 24, revenue: 0, at: null }])
  expect(
    await toldOf([
      { ...first, quality: 19 },
      { ...half, quality: 17 },
    ]),
  ).toEqual([{ n: 24, revenue: 12, at: null }])
}, 60_000)

test('a filter on local_date reaches the files', async () => {
  await withLake([{ published: 0, from: 0, n: 30, quality: 19, value: 1 }], async (roots) => {
    const sql = `EXPLAIN SELECT * FROM mart.finality_daily WHERE local_date = DATE '2026-05-02'`
    const plan = JSON.stringify(await queryRows({ roots, sql }))
    expect(plan.slice(plan.lastIndexOf('WINDOW'))).toMatch(/local_date\s*=\s*'2026-05-02'/)
  })
})

test('an hour that turns into quarters is of revenue quality when its quarters are', async () => {
  const hours: Sent = { published: 0, from: 0, n: 2, quality: 19, value: 4 }
  const quarters: Sent = { published: 1, from: 0, n: 8, quality: 17, value: 1, duration: 900 }
  expect(await toldOf([hours, quarters])).toEqual([{ n: 8, revenue: 0, at: null }])
  expect(await toldOf([hours, quarters, { ...quarters, published: 2, quality: 19 }])).toEqual([
    { n: 8, revenue: 8, at: commitAt(2) },
  ])
}, 60_000)

/** The same the slow way: after each commit the hours in force; the last of those there now to have been of revenue quality. */
function replayed(commits: readonly Sent[]): unknown {
  const hours = new Map<number, { published: number; quality: number | null; since: number | null }>()
  for (const [n, { published, from, n: count, quality }] of commits.entries())
    for (let hour = from; hour < from + count; hour += 1) {
      const held = hours.get(hour)
      if (held && held.published > published) continue
      hours.set(hour, { published, quality, since: held?.since ?? (quality === 19 ? n : null) })
    }
  const all = [...hours.values()]
  const revenue = all.filter(({ quality }) => quality === 19)
  const at = revenue.length < all.length ? null : commitAt(Math.max(...all.map(({ since }) => since ?? 0)))
  return { n: all.length, revenue: revenue.length, at }
}

test('whatever comes in whatever order', async () => {
  const sent = fc.record({
    published: fc.integer({ min: 0, max: 4 }),
    from: fc.integer({ min: 0, max: 2 }),
    n: fc.integer({ min: 1, max: 3 }),
    quality: fc.constantFrom(null, 17, 19, 19, 19),
    value: fc.integer({ min: 0, max: 2 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 1, maxLength: 6 }), async (commits) => {
      expect(await toldOf(commits)).toEqual([replayed(commits)])
    }),
    { numRuns: 4 },
  )
}, 120_000)
