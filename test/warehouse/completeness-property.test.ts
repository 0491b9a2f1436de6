/** mart.completeness_daily over generated fleets with random holes equals a plain count of what was staged; mart.gap its missing runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { dayOfIso, isoOfDay, localDayOf, startOfDay_s } from '../../sim/pacific-day.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageRoster } from '../../warehouse/stage-roster.ts'
import { queryRows } from '../support/query-rows.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'

const days = 4
const qualities = [17, 19, 8, 14, 0, 10] as const

interface Interval {
  readonly start_s: number
  readonly quality: number
}
interface Channel {
  readonly flow: number
  readonly length_s: number
  /** What came of it, in order. */
  readonly came: readonly Interval[]
}
interface UsagePoint {
  readonly id: string
  readonly channels: readonly Channel[]
  /** Its first and last day of the roster, since 1970; null: no such bound. Absent: not on it. */
  readonly listed?: { readonly from: number | null; readonly to: number | null }
}

/** A channel of the days from `first` on: a span of them, less some holes. */
const channelFrom = (first: number) =>
  fc
    .record({
      flow: fc.constantFrom(1, 19, 4),
      length_s: fc.constantFrom(900, 1800, 3600),
      bounds: fc.tuple(fc.nat(), fc.nat()),
      holes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 60 })), { maxLength: 4 }),
      shift: fc.nat(qualities.length - 1),
    })
    .map(({ flow, length_s, bounds, holes, shift }): Channel => {
      const all = (startOfDay_s(first + days) - startOfDay_s(first)) / length_s
      const [from, to] = [
        Math.min(...bounds.map((bound) => bound % all)),
        Math.max(...bounds.map((bound) => bound % all)),
      ]
      const isHole = (nth: number) =>
        holes.some(([start, length]) => nth >= start % all && nth < (start % all) + length)
      const ordinals = Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((nth) => !isHole(nth))
      const came = ordinals.map((nth) => ({
        start_s: startOfDay_s(first) + nth * length_s,
        quality: qualities[(nth + shift) % qualities.length] ?? 17,
      }))
      return { flow, length_s, came }
    })

const boundFrom = (first: number) => fc.option(fc.nat(days - 1).map((day) => first + day))
const pointFrom = (first: number) =>
  fc.record(
    {
      // of 1 and 4 one: the one may take the place of the other
      channels: fc
        .uniqueArray(channelFrom(first), { maxLength: 2, selector: ({ flow }) => flow === 19 })
        .map((channels) => channels.filter(({ came }) => came.length > 0)),
      listed: fc
        .tuple(boundFrom(first), boundFrom(first))
        .map(([from, to]) => ({ from, to: from !== null && to !== null ? Math.max(from, to) : to })),
    },
    { requiredKeys: ['channels'] },
  )

const fleets = fc.record({
  // both clock changes, and a plain week
  points: fc
    .constantFrom(...['2026-03-06', '2026-10-30', '2026-05-01'].map(dayOfIso))
    .chain((first) => fc.array(pointFrom(first), { minLength: 1, maxLength: 4 }))
    .map((points) => points.map((point, at): UsagePoint => ({ id: `U${at}`, ...point }))),
  hasRoster: fc.boolean(),
})

/** Whether a channel of a usage point that is on the roster should have an interval that begins then. */
function isExpected(start_s: number, channel: Channel, point: UsagePoint, begin: number): boolean {
  const first_s = channel.came[0]?.start_s ?? 0
  const last_s = channel.came.at(-1)?.start_s ?? 0
  const { from, to } = point.listed ?? { from: null, to: null }
  const [firstDay, day, lastDay] = [localDayOf(first_s), localDayOf(start_s), localDayOf(last_s)]
  if (day < begin || (from !== null && day < from) || (to !== null && day > to)) return false
  // service ends at any time of its last day
  if (day === to && day === lastDay) return start_s <= last_s && (start_s >= first_s || isEarly())
  return start_s >= first_s || isEarly()

  /** What came first of all is missed from the first day of the roster on, where service did not begin on that day. */
  function isEarly(): boolean {
    const earliest = Math.min(...point.channels.map(({ came }) => localDayOf(came[0]?.start_s ?? 0)))
    return from !== null && Math.max(firstDay, begin) === Math.max(earliest, begin) && firstDay !== from
  }
}

/** `usage point | flow | day | expected by | expected | came | missing | estimated`. */
function plainCount(points: readonly UsagePoint[], hasRoster: boolean): string[] {
  const held = points.flatMap(({ channels }) =>
    channels.flatMap(({ came }) => came.map(({ start_s }) => localDayOf(start_s))),
  )
  if (held.length === 0) return []
  // the lake begins with the first day that holds a tenth of the readings of its fullest one
  const counts = new Map(held.map((day) => [day, held.filter((other) => other === day).length]))
  const full = Math.max(...counts.values()) / 10
  const begin = Math.min(...held.filter((day) => (counts.get(day) ?? 0) >= full))
  const lines: string[] = []
  for (let day = Math.min(...held); day <= Math.max(...held); day += 1)
    for (const point of points) {
      for (const channel of point.channels) {
        const came = channel.came.filter(({ start_s }) => localDayOf(start_s) === day)
        let expected = 0
        for (let s = startOfDay_s(day); s < startOfDay_s(day + 1); s += channel.length_s) {
          const first_s = channel.came[0]?.start_s ?? 0
          if (hasRoster ? point.listed !== undefined && isExpected(s, channel, point, begin) : s >= first_s)
            expected += 1
        }
        const by = expected === 0 ? '-' : hasRoster ? 'roster' : 'history'
        const estimated = came.filter(({ quality }) => quality === 8).length
        const cells = [by, expected, came.length, expected === 0 ? 0 : expected - came.length, estimated]
        if (expected > 0 || came.length > 0) lines.push([point.id, channel.flow, isoOfDay(day), ...cells].join(' | '))
      }
      const { from = null, to = null } = point.listed ?? {}
      const hours = (startOfDay_s(day + 1) - startOfDay_s(day)) / 3600
      // silent: hours of every day from its first one on; without one it would begin with the roster, which is later than all of this
      if (
        hasRoster &&
        point.channels.length === 0 &&
        from !== null &&
        Math.max(from, begin) <= day &&
        (to ?? day) >= day
      )
        lines.push([point.id, '-', isoOfDay(day), 'roster', hours, 0, hours, 0].join(' | '))
    }
  return lines.sort()
}

async function stageFleet(roots: LakeRoots, points: readonly UsagePoint[]): Promise<void> {
  const series = points.flatMap(({ id, channels }) =>
    channels.map((channel) => ({ ...channel, id, name: `m${channel.flow}` })),
  )
  await stageFeed(roots, {
    readingTypes: [1, 19, 4].map((flow) => ({ id: `t${flow}`, flow })),
    meterReadings: series.map(({ id, name, flow }) => ({ usagePoint: id, id: name, readingType: `t${flow}` })),
    blocks: series.map(({ id, name, length_s, came }) => ({
      usagePoint: id,
      meterReading: name,
      published: '2026-11-05T10:00:00Z',
      readings: came.map(({ start_s, quality }) => ({ start: start_s, duration: length_s, value: 250, quality })),
    })),
  })
}

const dateOf = (day: number | null) => (day === null ? '' : isoOfDay(day))

async function stageListed(roots: LakeRoots, file: string, points: readonly UsagePoint[]): Promise<void> {
  const rows = points.flatMap(({ id, listed }) => (listed ? [`${id},${dateOf(listed.from)},${dateOf(listed.to)}`] : []))
  await writeFile(file, ['usage_point_id,from_date,to_date', ...rows, 'later,2999-01-01,'].join('\n'))
  await stageRoster({ roots, file, asOf: '2026-12-31', now: new Date() })
}

test('completeness equals a plain count', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fleets, async ({ points, hasRoster }) => {
      const dir = await mkdtemp(join(tmpdir(), 'meterlake-completeness-'))
      const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
      try {
        await stageFleet(roots, points)
        if (hasRoster) await stageListed(roots, join(dir, 'roster.csv'), points)
        await publishStaged({ roots, timeZone, now: () => new Date('2027-01-01T00:00:00Z') })
        const found = await queryRows({
          roots,
          sql: `SELECT concat_ws(' | ', usage_point_id, coalesce(flow_direction::VARCHAR, '-'), local_date, coalesce(expected_by, '-'),
              n_expected, n_intervals, n_missing, n_estimated) AS line FROM mart.completeness_daily`,
        })
        expect(found.map(({ line }) => String(line)).sort()).toEqual(plainCount(points, hasRoster))
        const [sums] = await queryRows({
          roots,
          sql: `SELECT coalesce(sum(n_intervals), 0)::INTEGER AS missing, (SELECT coalesce(sum(n_missing), 0)::INTEGER FROM mart.completeness_daily) AS lacking
            FROM mart.gap WHERE status = 'open'`,
        })
        expect(sums?.['missing']).toBe(sums?.['lacking'])
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    }),
    { numRuns: 10 },
  )
})
