import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { type UnitLimits, unitLimits } from '../../warehouse/plan-units.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { publishForms } from '../support/publish-forms.ts'
import { queryRows } from '../support/query-rows.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { type Feed, type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'
import { type ReadingEvent, replay } from './naive-timeline.ts'
import { integerOf, textOf } from '../../warehouse/row-values.ts'

// 22:00 local: spans of several hours reach into the next day
const origin = Date.parse('2026-03-02T06:00:00Z') / 1000
const dims = {
  readingTypes: [{ id: 'rt' }],
  meterReadings: [{ usagePoint: 'U', id: 'M', readingType: 'rt' }],
} as const

const reading = fc
  .tuple(fc.constantFrom(900, 3600, 14_400), fc.nat(15), fc.integer({ min: 1, max: 2 }))
  .map(([duration, slot, value]): FeedReading => {
    const count = 14_400 / duration
    return { start: origin + (slot % count) * duration, duration, value }
  })
const feed = fc.record({
  published: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
  readings: fc.array(reading, { minLength: 1, maxLength: 8 }),
})
const publishedAt = (minute: number | null) => (minute === null ? null : `2026-03-05T00:0${minute}:00.000Z`)

type Sent = { readonly published: string | null; readonly readings: readonly FeedReading[] }

async function withLake(effect: (roots: LakeRoots) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-publish-'))
  try {
    await effect({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const feedOf = ({ published, readings }: Sent, salt: number): Feed => ({
  ...dims,
  salt: String(salt),
  blocks: [{ usagePoint: 'U', meterReading: 'M', published, readings }],
})

/** Stages and commits groups of feeds; answers every reading as an event. */
async function commitAll(
  roots: LakeRoots,
  groups: readonly (readonly Sent[])[],
  limits: UnitLimits,
): Promise<ReadingEvent[]> {
  const events: ReadingEvent[] = []
  let salt = 0
  for (const group of groups) {
    const staged: { loadId: string; sent: Sent }[] = []
    for (const sent of group) staged.push({ loadId: await stageFeed(roots, feedOf(sent, (salt += 1))), sent })
    const { commit } = await publishStaged({ roots, timeZone, limits, deferViews: true })
    for (const { loadId, sent } of staged)
      for (const [offset, one] of sent.readings.entries())
        events.push({
          ...one,
          duration: one.duration ?? 3600,
          published: sent.published,
          commit: commit ?? 0,
          loadId,
          offset,
        })
  }
  await ensureViews(roots)
  return events
}

const answer = async (roots: LakeRoots, source: string): Promise<string[]> => {
  const rows = await queryRows({
    roots,
    sql: `SELECT (epoch_us(start_at) // 1000000) || ' ' || duration_s || ' ' || value || ' ' || coalesce(strftime(published_at, '%Y-%m-%dT%H:%M:%S.%gZ'), '-') AS line FROM ${source}`,
  })
  return rows.map((row) => textOf(row, 'line')).sort()
}

/** A file that says first what was known and then otherwise; what comes late may fall between the two. */
const repeatThenChange = [
  [{ published: null, readings: [{ start: origin, duration: 14_400, value: 1 }] }],
  [{ published: 1, readings: [1, 2].map((value) => ({ start: origin, duration: 14_400, value })) }],
  [{ published: null, readings: [{ start: origin, duration: 14_400, value: 2 }] }],
]

const { beside, fold } = publishForms
const forms: readonly UnitLimits[] = [
  unitLimits,
  // in several batches that are written while the next is merged
  { ...unitLimits, batchRows: 2, fileRows: 4 },
  beside,
  { ...beside, batchRows: 2, fileRows: 4, overlay: { ...beside.overlay, files: 2 } },
  // folded beyond four rows
  { ...fold, batchRows: 3, overlay: { ...fold.overlay, files: 1, rowsMost: 4 } },
]

test('current, as-of and as-published answers equal a replay of every reading, in any order of commits', async () => {
  const groups = fc.array(fc.array(feed, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(groups, fc.constantFrom(...forms), (sets, limits) =>
      withLake(async (roots) => {
        const sent = sets.map((group) =>
          group.map(({ published, readings }) => ({ published: publishedAt(published), readings })),
        )
        const events = await commitAll(roots, sent, limits)
        const current = replay(events)
        expect(await answer(roots, 'core.interval')).toEqual(current)
        expect((await readNewestManifest(openRoots(roots).lake))?.totals.readings).toBe(current.length)
        const commits = await queryRows({
          roots,
          sql: `SELECT DISTINCT commit_id::INTEGER AS n, strftime(known_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS at FROM ops.load`,
        })
        for (const row of commits)
          expect(
            await answer(roots, `core.interval_asof('${textOf(row, 'at')}')`),
            `as of commit ${integerOf(row, 'n')}`,
          ).toEqual(replay(events.filter((event) => event.commit <= integerOf(row, 'n'))))
        for (const minute of [1, 2, 3, 4, 5, 6]) {
          const at = publishedAt(minute) ?? ''
          expect(await answer(roots, `core.interval_as_published('${at}')`), `as published ${minute}`).toEqual(
            replay(events.filter((event) => (event.published ?? '') <= at)),
          )
        }
      }),
    ),
    {
      numRuns: Number(process.env['PROPERTY_RUNS'] ?? 10),
      examples: [[repeatThenChange, unitLimits]],
    },
  )
}, 600_000)
