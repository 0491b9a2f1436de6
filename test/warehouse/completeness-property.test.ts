/** mart.completeness_daily over generated fleets with random holes equals a plain count of what was staged; mart.gap its missing runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays } from '../../schemas/calendar-day.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageRoster } from '../../warehouse/stage-roster.ts'
import { isoOfDay, startOfDay_s } from '../../sim/pacific-day.ts'
import { queryRows } from '../support/query-rows.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'

/** First days from which the days are counted: both clock changes and a plain week. */
const firstDays = ['2026-03-06', '2026-10-30', '2026-05-01'].map((date) => Date.parse(`${date}T00:00:00Z`) / 86_400_000)
const dayCount = 4

interface Channel {
  readonly flow: 1 | 19 | 4
  readonly length_s: 900 | 1800 | 3600
  /** Ordinals of the intervals that came, of all there are in the days. */
  readonly came: ReadonlySet<number>
  readonly quality: (nth: number) => number
}
interface UsagePoint {
  readonly id: string
  readonly channels: readonly Channel[]
  /** Days of the roster, by ordinal; null: not on it; a bound of null is open. */
  readonly listed: { readonly from: number | null; readonly to: number | null } | null
}

const qualities = [17, 19, 8, 14, 0, 10] as const
const channel = fc
  .record({
    flow: fc.constantFrom(1, 19, 4),
    length_s: fc.constantFrom(900, 1800, 3600),
    from: fc.nat(), // where it begins and ends, and which runs are left out
    to: fc.nat(),
    holes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 60 })), { maxLength: 4 }),
    salt: fc.nat(qualities.length - 1),
  })
  .map(({ flow, length_s, from, to, holes, salt }) => ({ flow, length_s, from, to, holes, salt }) as const)

const fleet = fc.record({
  first: fc.constantFrom(...firstDays),
  hasRoster: fc.boolean(),
  points: fc.array(
    fc.record({
      channels: fc.uniqueArray(channel, { minLength: 0, maxLength: 2, selector: ({ flow }) => (flow === 19 ? 19 : 1) }),
      listed: fc.option(
        fc
          .tuple(fc.option(fc.nat(dayCount - 1)), fc.option(fc.nat(dayCount - 1)))
          .map(([from, to]) => ({ from, to: from !== null && to !== null && to < from ? from : to })),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

/** `usage point | flow | day | expected by | expected, came, missing, estimated`. */
function plainCount(points: readonly UsagePoint[], first: number, hasRoster: boolean): string[] {
  const begin_s = startOfDay_s(first)
  const dayOf = (s: number) =>
    Array.from({ length: dayCount }, (_, day) => day).findLast((day) => startOfDay_s(first + day) <= s) ?? 0
  const starts = points.flatMap(({ channels }) =>
    channels.flatMap(({ came, length_s }) => [...came].map((nth) => begin_s + nth * length_s)),
  )
  if (starts.length === 0) return []
  const days = starts.map(dayOf)
  const [oldest, newest] = [Math.min(...days), Math.max(...days)]
  const lines: string[] = []
  for (const { id, channels, listed } of points) {
    const sent = channels.filter(({ came }) => came.size > 0)
    const firstOf = ({ came, length_s }: Channel) => begin_s + Math.min(...came) * length_s
    const lastOf = ({ came, length_s }: Channel) => begin_s + (Math.max(...came) + 1) * length_s
    const earliestDay = Math.min(...sent.map((each) => dayOf(firstOf(each))))
    for (let day = oldest; day <= newest; day += 1) {
      const [from_s, to_s] = [startOfDay_s(first + day), startOfDay_s(first + day + 1)]
      const isListed =
        listed !== null &&
        (listed.from ?? 0) <= day &&
        day <= (listed.to ?? dayCount) &&
        (sent.length > 0 || listed.from !== null)
      const by = hasRoster ? (isListed ? 'roster' : '-') : 'history'
      for (const each of sent) {
        const [first_s, last_s] = [firstOf(each), lastOf(each)]
        let n = 0
        let came = 0
        let estimated = 0
        for (let s = from_s; s < to_s; s += each.length_s) {
          const nth = (s - begin_s) / each.length_s
          const has = each.came.has(nth)
          if (has) came += 1
          if (has && each.quality(nth) === 8) estimated += 1
          const isLead = listed?.from != null && dayOf(first_s) === earliestDay && dayOf(first_s) !== listed.from
          const isAfterFirst = s >= first_s || (by === 'roster' && isLead)
          const isBeforeLast = by !== 'roster' || listed?.to !== day || dayOf(last_s - 1) !== day || s < last_s
          if (by !== '-' && isAfterFirst && isBeforeLast) n += 1
        }
        if (n > 0 || came > 0)
          lines.push(
            [id, each.flow, isoOfDay(first + day), n > 0 ? by : '-', n, came, n > 0 ? n - came : 0, estimated].join(
              ' | ',
            ),
          )
      }
      if (sent.length === 0 && by === 'roster') {
        const n = (to_s - from_s) / 3600
        lines.push([id, '-', isoOfDay(first + day), by, n, 0, n, 0].join(' | '))
      }
    }
  }
  return lines.sort()
}

test('completeness equals a plain count', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fleet, async ({ first, hasRoster, points }) => {
      const begin_s = startOfDay_s(first)
      const end_s = startOfDay_s(first + dayCount)
      const fleetPoints = points.map(({ channels, listed }, at): UsagePoint => ({
        id: `U${at}`,
        listed,
        channels: channels.map(({ flow, length_s, from, to, holes, salt }) => {
          const all = (end_s - begin_s) / length_s
          const [a, b] = [from % all, to % all].sort((x, y) => x - y)
          const came = new Set(Array.from({ length: (b ?? 0) - (a ?? 0) + 1 }, (_, nth) => (a ?? 0) + nth))
          for (const [start, length] of holes)
            for (let nth = 0; nth < length; nth += 1) came.delete((start % all) + nth)
          return { flow, length_s, came, quality: (nth) => qualities[(nth + salt) % qualities.length] ?? 17 }
        }),
      }))
      const dir = await mkdtemp(join(tmpdir(), 'meterlake-completeness-'))
      const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
      try {
        const blocks = fleetPoints.flatMap(({ id, channels }) =>
          channels
            .filter(({ came }) => came.size > 0)
            .map(({ flow, length_s, came, quality }) => ({
              usagePoint: id,
              meterReading: `m${flow}`,
              published: '2026-11-05T10:00:00Z',
              readings: [...came]
                .sort((x, y) => x - y)
                .map((nth) => ({
                  start: begin_s + nth * length_s,
                  duration: length_s,
                  value: 250,
                  quality: quality(nth),
                })),
            })),
        )
        await stageFeed(roots, {
          readingTypes: [1, 19, 4].map((flow) => ({ id: `t${flow}`, flow })),
          meterReadings: blocks.map(({ usagePoint, meterReading }) => ({
            usagePoint,
            id: meterReading,
            readingType: `t${meterReading.slice(1)}`,
          })),
          blocks,
        })
        const listed = fleetPoints.flatMap(({ id, listed: days }) => {
          const date = (day: number | null | undefined) => (day == null ? '' : addDays(isoOfDay(first), day))
          return days === null ? [] : [`${id},${date(days.from)},${date(days.to)}`]
        })
        const file = join(dir, 'roster.csv')
        await writeFile(file, ['usage_point_id,from_date,to_date', ...listed, 'none,2999-01-01,', ''].join('\n'))
        // valid after all days: a silent usage point without a first day is not expected before
        if (hasRoster) await stageRoster({ roots, file, asOf: '2026-12-31', now: new Date() })
        await publishStaged({ roots, timeZone, now: () => new Date('2027-01-01T00:00:00Z') })
        const found = await queryRows({
          roots,
          sql: `SELECT concat_ws(' | ', usage_point_id, coalesce(flow_direction::VARCHAR, '-'), local_date, coalesce(expected_by, '-'),
              n_expected, n_intervals, n_missing, n_estimated) AS line FROM mart.completeness_daily`,
        })
        expect(found.map(({ line }) => String(line)).sort()).toEqual(plainCount(fleetPoints, first, hasRoster))
        expect(
          await queryRows({
            roots,
            sql: `SELECT (SELECT coalesce(sum(n_missing), 0) FROM mart.completeness_daily) = coalesce(sum(n_intervals), 0) AS same
              FROM mart.gap WHERE status = 'open'`,
          }),
        ).toEqual([{ same: true }])
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    }),
    { numRuns: 12 },
  )
})
