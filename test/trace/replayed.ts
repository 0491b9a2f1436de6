/** A lake built anew in this process, and what two lakes say to those who ask. */
import { join } from 'node:path'
import { openFeedReader } from '../../espi/feed-reader.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { Database } from '../../warehouse/database.ts'
import { type Difference, lakeDifferences } from '../../warehouse/lake-difference.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { openLocalScratch } from '../../warehouse/local-scratch.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { ensurePersonalViews } from '../../warehouse/personal-views.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { type LostLoad, rebuildLake, type RebuildSteps, seedLake } from '../../warehouse/rebuild-lake.ts'
import { planReplay, type ReplayPlan } from '../../warehouse/replay-plan.ts'
import { stageLoad } from '../../warehouse/stage.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { queryRows } from '../support/query-rows.ts'
import { timeZone } from './traced-lake.ts'

export const builtIn = (dir: string, name = 'rebuilt'): LakeRoots => ({
  lake: join(dir, name, 'lake'),
  pii: join(dir, name, 'pii'),
})

/** Loads and publishes here, instead of in processes of their own. */
export const stepsHere = (to: LakeRoots): RebuildSteps => ({
  load: async (request) => {
    await stageLoad({
      roots: to,
      request,
      profile: { name: 'pge', timeZone, usagePointIdentity: 'id' },
      openReader: openFeedReader,
      parser: 'meterlake test',
      isKnown: (hash) => isKnownLoad(to, hash),
      signal: new AbortController().signal,
    })
  },
  publish: async (knownAt) =>
    (await publishStaged({ roots: to, timeZone, now: () => knownAt, deferViews: true })).commit,
})

async function withEngine<T>(effect: (db: Database) => Promise<T>): Promise<T> {
  await using local = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 256, scratch: local.path })
  return await effect(db)
}

export const planOf = ({ lake, pii }: LakeRoots): Promise<ReplayPlan> =>
  withEngine((db) => {
    const roots = openRoots({ lake, pii })
    return planReplay(db, roots.lake, roots.pii)
  })

/** Rebuilds all of a lake, or what came after a commit of it, and its views. */
export async function rebuild(from: LakeRoots, to: LakeRoots, after = 0): Promise<readonly LostLoad[]> {
  const plan = await planOf(from)
  if (after > 0) await seedLake(from, to, after)
  const lost = await rebuildLake({
    from,
    to,
    takesPersonal: true,
    timeZone,
    commits: plan.commits.filter(({ n }) => n > after),
    steps: stepsHere(to),
    version: 'test',
    width: 1,
  })
  await ensureViews(to)
  await ensurePersonalViews(to)
  return lost
}

export async function differencesOf(here: LakeRoots, there: LakeRoots): Promise<readonly Difference[]> {
  const [one, other] = await Promise.all([here, there].map((roots) => readNewestManifest(openRoots(roots).lake)))
  if (!one || !other) throw new Error('one of them has no manifest')
  return await withEngine((db) =>
    lakeDifferences(db, { roots: here, manifest: one }, { roots: there, manifest: other }, { withPersonal: true }),
  )
}

/** What only says how fast and by whom a feed was read. */
const circumstances = `EXCLUDE (parser, load_s, n_markup_runs, slow_bytes)`

const views = [
  'core.interval',
  'core.interval_version',
  'core.usage_point',
  'core.usage_point_attribute',
  'core.reading_type',
  'core.tou_code',
  'core.usage_summary',
  'core.usage_summary_line',
  'core.authorization',
  'mart.load_hourly',
  'mart.bill_recon',
  'mart.revision_delta',
  'ops.quarantine',
  'ops.drift',
  'ops.notification',
  'ops.request',
]

/** Answers of the views: as they are, and as of each commit and each of the moments. Keyed by what was asked. */
export async function answersOf(roots: LakeRoots, published: readonly string[] = []): Promise<Record<string, unknown>> {
  const ask = async (sql: string) => {
    const [row] = await queryRows({
      roots,
      sql: `SELECT count(*)::INTEGER AS n, sum(hash(t)::HUGEINT)::VARCHAR AS sum FROM (${sql}) t`,
    })
    return row
  }
  const known = await queryRows({
    roots,
    sql: `SELECT DISTINCT strftime(known_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS moment FROM ops.load ORDER BY moment`,
  })
  const moments = known.map((row) => String(row['moment']))
  const queries = [
    ...views,
    ...moments.map((at) => `core.interval_asof('${at}')`),
    ...moments.map((at) => `mart.load_hourly_asof('${at}')`),
    ...published.map((at) => `core.interval_as_published('${at}')`),
  ].map((source) => `SELECT * FROM ${source}`)
  queries.push(`SELECT * ${circumstances} FROM ops.load`)
  const answers: Record<string, unknown> = {}
  for (const query of queries) answers[query] = await ask(query)
  return answers
}
