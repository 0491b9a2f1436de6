/** Whatever comes in whatever order: the marts as of each commit are what the marts said after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'

// the evening before the clock goes back, so that hours of two days and a repeated one are touched
const base = Date.parse('2026-11-01T05:00:00Z') / 1000
const hourS = 3600

const block = fc.record({
  usagePoint: fc.constantFrom('a', 'b'),
  meterReading: fc.constantFrom('del', 'rec', 'net'),
  /** Publication, hours after the base; null: not sent. Often not the order in which they come. */
  published: fc.option(fc.integer({ min: 0, max: 5 }), { nil: null, freq: 6 }),
  fromHour: fc.integer({ min: 0, max: 5 }),
  nReadings: fc.integer({ min: 1, max: 8 }),
  duration: fc.constantFrom(900, 900, hourS, hourS, 7200),
  value: fc.integer({ min: -1, max: 2 }),
  quality: fc.constantFrom(null, 8, 17, 19),
})
type Block = typeof block extends fc.Arbitrary<infer T> ? T : never
/** By commit its feeds, by feed its blocks. */
const commits = fc.array(fc.array(fc.array(block, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }), {
  minLength: 3,
  maxLength: 5,
})

function feedOf(blocks: readonly Block[], salt: string): Feed {
  return {
    salt,
    readingTypes: [
      { id: 'del', flow: 1 },
      { id: 'rec', flow: 19 },
      { id: 'net', flow: 4 },
    ],
    meterReadings: blocks.map(({ usagePoint, meterReading: id }) => ({ usagePoint, id, readingType: id })),
    blocks: blocks.map(({ usagePoint, meterReading, published, fromHour, nReadings, duration, value, quality }) => ({
      usagePoint,
      meterReading,
      published: published === null ? null : new Date((base + published * hourS) * 1000).toISOString(),
      readings: Array.from({ length: nReadings }, (_, at) => ({
        start: base + fromHour * hourS + at * duration,
        duration,
        value: value * 100,
        quality,
      })),
    })),
  }
}

const marts = [
  ['mart.load_hourly', 'usage_point_id, hour_start_at'],
  ['mart.load_system_hourly', 'hour_start_at'],
] as const

async function tell(roots: LakeRoots, asOf = ''): Promise<string> {
  const told = []
  for (const [mart, order] of marts)
    told.push(
      await queryRows({
        roots,
        sql: `SELECT * FROM ${asOf === '' ? mart : `${mart}_asof(${asOf})`} ORDER BY ${order}`,
      }),
    )
  return JSON.stringify(told, null, 1)
}

test('as of each commit is what was said after it', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(commits, async (all) => {
      const dir = await mkdtemp(join(tmpdir(), 'meterlake-as-of-'))
      try {
        const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
        const told: { at: string; text: string }[] = []
        for (const [n, feeds] of all.entries()) {
          const at = new Date((base + (n + 10) * 86_400) * 1000).toISOString()
          for (const [nth, blocks] of feeds.entries()) await stageFeed(roots, feedOf(blocks, `${n} ${nth}`))
          await publishStaged({ roots, timeZone, now: () => new Date(at) })
          told.push({ at, text: await tell(roots) })
        }
        for (const { at, text } of told) expect(await tell(roots, `TIMESTAMPTZ '${at}'`)).toBe(text)
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    }),
    { numRuns: 3 },
  )
})
