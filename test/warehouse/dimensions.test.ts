/** What describes the feed: the version published last is in force, whatever the order of arrival, and only differing ones are kept. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { foldBeyond } from '../../warehouse/growing-table.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'

interface Said {
  /** Minute of `published`. */
  readonly minute: number
  readonly what: 'A' | 'B' | 'C'
}

const publishedAt = (minute: number) => `2026-03-05T00:${String(minute).padStart(2, '0')}:00Z`

/** A feed that says `what` of one thing of each kind; of the bill only the line differs. */
function feedOf({ minute, what }: Said, salt: number): Feed {
  const at = { published_at: publishedAt(minute), byte_offset: 10 }
  const quality = { A: 17, B: 18, C: 19 }[what]
  return {
    salt: String(salt),
    published: publishedAt(minute),
    readingTypes: [{ id: 'rt', defaultQuality: quality }],
    meterReadings: [{ usagePoint: 'U', id: 'M', readingType: `rt${what}` }],
    rows: {
      usage_point: [{ usage_point_id: 'U', href: '/U', tariff_profile: what, ...at }],
      tou_code: [{ kind: 'tou', code: 1, name: what, ...at }],
      usage_summary: [{ summary_id: 'S', usage_point_id: 'U', href: '/S', lines_digest: what, ...at }],
      usage_summary_line: [{ summary_id: 'S', line: 1, note: what, ...at }],
    },
  }
}

async function withLake(effect: (roots: LakeRoots) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-dimensions-'))
  try {
    await effect({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

let salt = 0

/** Commits groups of feeds; answers what was said last by (published, commit, load). */
async function commitAll(roots: LakeRoots, groups: readonly (readonly Said[])[]): Promise<string> {
  const said: { order: string; what: string }[] = []
  for (const [commit, group] of groups.entries()) {
    for (const one of group) {
      const loadId = await stageFeed(roots, feedOf(one, (salt += 1)))
      said.push({ order: `${String(one.minute).padStart(2, '0')} ${commit} ${loadId}`, what: one.what })
    }
    await publishStaged({ roots, timeZone, deferViews: true })
  }
  await ensureViews(roots)
  return said.sort((a, b) => (a.order < b.order ? -1 : 1)).at(-1)?.what ?? ''
}

const inForce = async (roots: LakeRoots): Promise<Record<string, unknown>> => {
  const sql = `SELECT (SELECT string_agg(tariff_profile) FROM core.usage_point) AS usage_point,
    (SELECT string_agg(name) FROM core.tou_code) AS tou_code,
    (SELECT string_agg(note) FROM core.usage_summary_line) AS line,
    (SELECT string_agg(chr(default_quality + 48)) FROM core.reading_type) AS reading_type`
  return (await queryRows({ roots, sql }))[0] ?? {}
}

const answer = (what: string) => ({ usage_point: what, tou_code: what, line: what, reading_type: what })

const kinds = [
  'usage_point',
  'meter_reading',
  'reading_type',
  'tou_code',
  'usage_summary',
  'usage_summary_line',
] as const

/** Those that are views by themselves. */
const described = kinds.filter((kind) => kind !== 'meter_reading')

async function storedRows(roots: LakeRoots): Promise<number[]> {
  const manifest = await readNewestManifest(openRoots(roots).lake)
  return kinds.map((kind) => manifest?.tables[kind].reduce((sum, file) => sum + file.rows, 0) ?? 0)
}

test('A at 1, A again at 3, then a late B of 2 leaves A', async () => {
  await withLake(async (roots) => {
    const a = { minute: 1, what: 'A' } as const
    await commitAll(roots, [[a], [{ ...a, minute: 3 }]])
    expect(await storedRows(roots)).toEqual(kinds.map(() => 1))
    await commitAll(roots, [[{ minute: 2, what: 'B' }]])
    expect(await inForce(roots)).toEqual(answer('A'))
    expect(await storedRows(roots)).toEqual(kinds.map(() => 3))
    await commitAll(roots, [[{ minute: 4, what: 'A' }], [{ minute: 2, what: 'B' }]])
    expect(await storedRows(roots)).toEqual(kinds.map(() => 3))
  })
}, 60_000)

/** Minute of publication of the rows in force after a commit for each minute, all of which say the same. */
async function since(minutes: readonly number[]): Promise<unknown> {
  const sets = minutes.map((minute): Said[] => [{ minute, what: 'A' }])
  const sql = described
    .map((table) => `SELECT '${table}' AS name, strftime(published_at, '%M') AS minute FROM core.${table}`)
    .join(' UNION ALL ')
  let rows: unknown
  await withLake(async (roots) => {
    await commitAll(roots, sets)
    rows = await queryRows({ roots, sql })
  })
  return rows
}

test('said twice, the same row is in force in either order of commits: from when it was first said', async () => {
  const first = described.map((name) => ({ name, minute: '01' }))
  expect(await since([1, 2])).toEqual(first)
  expect(await since([2, 1])).toEqual(first)
  expect(await since([3, 1, 2])).toEqual(first)
}, 60_000)

test('sent often, confirmed in few files', async () => {
  await withLake(async (roots) => {
    const often = Array.from({ length: foldBeyond + 3 }, (_, at): Said[] => [{ minute: 1 + at, what: 'A' }])
    await commitAll(roots, often)
    const manifest = await readNewestManifest(openRoots(roots).lake)
    expect(manifest?.tables.confirmation.length).toBeLessThan(10)
    expect(await storedRows(roots)).toEqual(kinds.map(() => 1))
    await commitAll(roots, [[{ minute: foldBeyond, what: 'B' }]])
    expect(await inForce(roots)).toEqual(answer('A'))
  })
}, 120_000)

test('the version published last is in force, in any order of commits', async () => {
  const said = fc.record({ minute: fc.integer({ min: 1, max: 5 }), what: fc.constantFrom('A', 'B', 'C') })
  const groups = fc.array(fc.array(said, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(groups, (sets) =>
      withLake(async (roots) => {
        const last = await commitAll(roots, sets)
        expect(await inForce(roots)).toEqual(answer(last))
      }),
    ),
    { numRuns: 12 },
  )
}, 600_000)
