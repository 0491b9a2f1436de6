/** Dimensions as of each commit say what they said after it: their answers are kept after every commit. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'

/** What a feed says of one usage point, published at a minute; null: its entries carry no date. */
interface Said {
  readonly minute: number | null
  readonly what: 'A' | 'B' | 'C'
}

const publishedAt = (minute: number | null): string | null =>
  minute === null ? null : `2026-03-05T00:${String(minute).padStart(2, '0')}:00Z`

let salt = 0

function feedOf({ minute, what }: Said): Feed {
  const at = { published_at: publishedAt(minute), byte_offset: 10 }
  return {
    salt: String((salt += 1)),
    readingTypes: [{ id: 'rt', defaultQuality: { A: 17, B: 18, C: 19 }[what] }],
    ...(minute === null ? {} : { published: String(at.published_at) }),
    rows: {
      usage_point: [{ usage_point_id: 'U', href: '/U', tariff_profile: what, ...at }],
      tou_code: [{ kind: 'tou', code: 1, name: what, ...at }],
      usage_summary: [{ summary_id: 'S', usage_point_id: 'V', href: '/S', lines_digest: what, ...at }],
      usage_summary_line: [{ summary_id: 'S', line: 1, note: what, amount: 1, ...at }],
      usage_point_agreement: [{ usage_point_id: 'U', agreement_key: `k${what}`, customer_class: what, ...at }],
      usage_point_place: [{ usage_point_id: 'W', city: what, ...at }],
    },
  }
}

const names = [
  'core.usage_point',
  'core.usage_point_attribute',
  'core.reading_type',
  'core.tou_code',
  'core.usage_summary',
  'core.usage_summary_line',
] as const

/** All rows of each, as text. */
async function tell(roots: LakeRoots, asOf?: string): Promise<Record<string, unknown>> {
  const rowsOf = (name: string) =>
    `(SELECT string_agg(x::VARCHAR, ' ' ORDER BY x::VARCHAR) FROM ${asOf === undefined ? name : `${name}_asof(TIMESTAMPTZ '${asOf}')`} x)`
  const [told] = await queryRows({
    roots,
    sql: `SELECT ${names.map((name) => `${rowsOf(name)} AS "${name}"`).join(', ')}`,
  })
  return told ?? {}
}

const commitAt = (n: number): string => new Date(Date.UTC(2026, 3, 1 + n)).toISOString()

type Told = readonly Record<string, unknown>[]

/** Commits groups of feeds. Answers what was told after each commit, and what the macros tell of that moment at the end. */
async function commitAll(groups: readonly (readonly Said[])[]): Promise<{ answers: Told; asOf: Told }> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-dimensions-asof-'))
  try {
    const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
    const answers: Record<string, unknown>[] = []
    for (const [n, group] of groups.entries()) {
      for (const said of group) await stageFeed(roots, feedOf(said))
      await publishStaged({ roots, timeZone, now: () => new Date(commitAt(n)) })
      answers.push(await tell(roots))
    }
    const asOf: Record<string, unknown>[] = []
    for (const n of answers.keys()) asOf.push(await tell(roots, commitAt(n)))
    const before = new Date(Date.parse(commitAt(0)) - 1).toISOString()
    expect(await tell(roots, before)).toEqual(Object.fromEntries(names.map((name) => [name, null])))
    expect(await columns(roots, '_asof(now())')).toEqual(await columns(roots, ''))
    return { answers, asOf }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const columns = (roots: LakeRoots, suffix: string) => {
  const parts = names.map((name) => `SELECT '${name}', column_name, column_type FROM (DESCRIBE FROM ${name}${suffix})`)
  return queryRows({ roots, sql: parts.join(' UNION ALL ') })
}

test('as of each commit is what was said after it: more commits than a table has files before it is made compact', async () => {
  const minutes = [5, 6, 7, 2, 1, 3, null, 8, 4, 9, 30]
  const said = minutes.map((minute, at): Said[] => [{ minute, what: at === 3 || at === 9 ? 'B' : 'A' }])
  const { answers, asOf } = await commitAll(said)
  expect(asOf).toEqual(answers)
  // one said in vain (3 comes before what is in force), one that changed it
  const codes = answers.map((answer) => /'?name'?: (\w)/.exec(String(answer['core.tou_code']))?.[1])
  expect(codes.join('')).toBe('AAAAAAAAABA')
}, 60_000)

test('whatever is said in whatever order', async () => {
  const said = fc.record({
    minute: fc.option(fc.integer({ min: 0, max: 9 }), { nil: null, freq: 8 }),
    what: fc.constantFrom('A', 'B', 'C'),
  })
  const group = fc.array(said, { minLength: 1, maxLength: 2 })
  await fc.assert(
    fc.asyncProperty(fc.array(group, { minLength: 2, maxLength: 10 }), async (groups) => {
      const { answers, asOf } = await commitAll(groups)
      expect(asOf).toEqual(answers)
    }),
    { numRuns: 4 },
  )
}, 300_000)
