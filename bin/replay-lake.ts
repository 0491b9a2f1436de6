/** `meterlake replay`: the lake built anew from its archive, compared with the published one, and published if asked to. */
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { scanEntries } from '../espi/entry-spans.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { Database } from '../warehouse/database.ts'
import { type Difference, lakeDifferences } from '../warehouse/lake-difference.ts'
import { openLocalScratch } from '../warehouse/local-scratch.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { ensurePersonalViews } from '../warehouse/personal-views.ts'
import { publishReplay } from '../warehouse/publish-replay.ts'
import { type Erasing, type LostLoad, type RebuildSteps, rebuildLake, seedLake } from '../warehouse/rebuild-lake.ts'
import type { ReplayCommit } from '../warehouse/replay-commit.ts'
import { planReplay, type ReplayPlan } from '../warehouse/replay-plan.ts'
import { openRoots, type Storage } from '../warehouse/storage.ts'
import { openTombstones } from '../warehouse/tombstones.ts'
import { ensureViews } from '../warehouse/views.ts'
import { feedProfile } from './feed-profile.ts'
import type { Progress } from './progress.ts'
import { readerOptions, runLakeJob } from './run-lake-job.ts'
import { version } from './version.ts'

export interface ReplayRequest {
  readonly config: Config
  readonly roots: LakeRoots
  /** Folder the rebuilt lake is kept in, as `lake` and `pii`; absent: a scratch folder, removed at the end. */
  readonly to: string | undefined
  /** Commits of this moment and later; what came before is taken as it is. */
  readonly since: Date | undefined
  readonly compare: boolean
  readonly publish: boolean
  /** For files of which the archive does not say it. */
  readonly profile: 'pge' | 'espi' | undefined
  readonly progress: Progress
  readonly signal: AbortSignal
}

export interface Replayed {
  readonly plan: ReplayPlan
  /** Commits that were made again. */
  readonly commits: number
  readonly lost: readonly LostLoad[]
  /** Undefined: they were not compared. */
  readonly differences: readonly Difference[] | undefined
  /** The commit it was published as; null: it was not. */
  readonly published: number | null
  readonly built: LakeRoots
}

const attempts = 8

/** Rebuilds, compares, publishes. Throws LAKE_MISSING, LAKE_CONTENDED, LAKE_*, USAGE, what a load process throws but FEED_*. */
export async function replayLake(request: ReplayRequest): Promise<Replayed> {
  const { roots, since, publish, progress } = request
  const { lake, pii } = openRoots(roots)
  await using local = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: local.path })
  let plan = await planReplay(db, lake, pii)
  const erasing = await erasingOf(pii, plan)
  if (plan.commits.length === 0)
    throw new MeterlakeError('LAKE_MISSING', `there is nothing to replay in ${roots.lake}`, { lake: roots.lake })
  await using place = await openPlace(request, plan)
  const { built } = place
  const base = since === undefined ? 0 : baseOf(plan, since)
  const target = openRoots(built).lake
  if (base > 0 && (await readNewestManifest(target)) === undefined) await seedLake(roots, built, base)
  const lost = await rebuild(request, plan, base, place, erasing)
  if (request.to !== undefined) {
    await ensureViews(built)
    await ensurePersonalViews(built)
  }

  const differences = request.compare ? await compare(roots, built, plan, progress) : undefined
  let published: number | undefined
  if (publish) {
    if (lost.length > 0) throw incomplete(lost)
    for (let attempt = 0; attempt < attempts && published === undefined; attempt += 1) {
      const rebuilt = await readNewestManifest(target)
      if (!rebuilt) throw new Error('the rebuilt lake has no manifest')
      const replayed = plan.manifest?.n ?? 0
      published = await publishReplay({ roots, built, rebuilt, replayed, version, now: () => new Date() })
      if (published !== undefined) break
      // somebody published meanwhile: that too
      plan = await planReplay(db, lake, pii)
      const late = await rebuild(request, plan, rebuilt.n, place, erasing)
      if (late.length > 0) throw incomplete(late)
    }
    if (published === undefined)
      throw new MeterlakeError('LAKE_CONTENDED', `other publishers won ${attempts} times at ${roots.lake}`)
  }
  return { plan, commits: plan.commits.length - base, lost, differences, published: published ?? null, built }
}

export const incomplete = (lost: readonly LostLoad[]) =>
  new MeterlakeError(
    'LAKE_CORRUPT',
    `${lost.length} loads cannot be made again, and nothing was published: ${lost[0]?.loadId}, ${lost[0]?.reason}`,
    { loads: lost.length },
  )

export interface Place extends AsyncDisposable {
  readonly built: LakeRoots
  /** False: there is no place for personal data, which never lies under the root of the lake. */
  readonly takesPersonal: boolean
}

/** Where the rebuilt lake rests. */
export async function openPlace({ roots, to }: Pick<ReplayRequest, 'roots' | 'to'>, plan: ReplayPlan): Promise<Place> {
  if (to !== undefined) {
    const built = { lake: join(to, 'lake'), pii: join(to, 'pii') }
    if (
      [built.lake, built.pii].some((path) =>
        [roots.lake, roots.pii].map((root) => resolve(root)).includes(resolve(path)),
      )
    )
      throw new MeterlakeError('USAGE', `--to ${to} is where the lake is: name another folder`)
    return { built, takesPersonal: true, [Symbol.asyncDispose]: async () => undefined }
  }
  const { lake, pii } = openRoots(roots)
  const isPersonal =
    plan.commits.some(({ loads }) => loads.some(({ root }) => root === 'pii')) ||
    (plan.manifest?.pii.raw.length ?? 0) > 0
  const scratch = await lake.scratch()
  // not ours to write: then nothing of it is made again either
  const personal = isPersonal ? await pii.scratch().catch(() => undefined) : undefined
  return {
    takesPersonal: personal !== undefined,
    built: { lake: scratch.file('lake'), pii: personal?.file('pii') ?? scratch.file('pii') },
    [Symbol.asyncDispose]: async () => {
      await scratch[Symbol.asyncDispose]()
      await personal?.[Symbol.asyncDispose]()
    },
  }
}

/** The last commit before a moment; 0: none. */
function baseOf({ commits, lost }: ReplayPlan, since: Date): number {
  if (lost !== null)
    throw new MeterlakeError('USAGE', `--since needs the ledger, and that is lost (${lost}): replay without it`)
  return commits.findLast(({ knownAt }) => knownAt !== null && Date.parse(knownAt) < since.getTime())?.n ?? 0
}

/** What was erased stays erased, whatever the archive holds. */
async function erasingOf(pii: Storage, { manifest }: ReplayPlan): Promise<Erasing | undefined> {
  const tombstones = await openTombstones(pii, manifest)
  return tombstones && { tombstones, scan: scanEntries }
}

const bytesOf = ({ loads }: ReplayCommit) => loads.reduce((sum, { bytes }) => sum + bytes, 0)

/** What a rebuilding needs to know of a request. */
export type RebuildRequest = Pick<ReplayRequest, 'config' | 'roots' | 'profile' | 'progress' | 'signal'>

/** Makes the commits after this number again. */
export async function rebuild(
  request: RebuildRequest,
  plan: ReplayPlan,
  after: number,
  { built, takesPersonal }: Place,
  erasing: Erasing | undefined,
): Promise<readonly LostLoad[]> {
  const { config, roots, profile, progress, signal } = request
  const commits = plan.commits.filter(({ n }) => n > after)
  const timeZone = plan.timeZone ?? feedProfile(config, profile).timeZone
  const steps: RebuildSteps = {
    load: async (feed, load) => {
      const read = { ...profileOf(load.profile, request), timeZone }
      await runLakeJob(
        { kind: 'load', roots: built, profile: read, request: feed, ...readerOptions(config) },
        { signal },
      )
    },
    publish: async (knownAt) => {
      const job = { kind: 'publish', roots: built, timeZone, knownAt: knownAt.toISOString(), deferViews: true } as const
      return (await runLakeJob(job, { signal })).commit
    },
  }
  progress.start(
    'replaying',
    commits.reduce((sum, commit) => sum + bytesOf(commit), 0),
    commits.length,
    'commit',
  )
  const width = Math.min(availableParallelism(), 4)
  return await rebuildLake({
    from: roots,
    to: built,
    takesPersonal,
    timeZone,
    commits,
    erasing,
    steps,
    version,
    width,
    signal,
    onCommit: (commit) =>
      progress.finish(
        `commit ${commit.n}`,
        bytesOf(commit),
        `${commit.loads.length} ${commit.loads.length === 1 ? 'load' : 'loads'}`,
      ),
  })
}

function profileOf(name: string | null, { config, profile }: RebuildRequest) {
  const configured = feedProfile(config, profile)
  if (name === null || configured.name === name) return configured
  if (name === 'pge' || name === 'espi') return { ...feedProfile(config, name), name }
  throw new MeterlakeError(
    'USAGE',
    `a load was read with the profile ${name}: give the configuration that has it (--config)`,
  )
}

async function compare(
  roots: LakeRoots,
  built: LakeRoots,
  plan: ReplayPlan,
  progress: Progress,
): Promise<readonly Difference[] | undefined> {
  const rebuilt = await readNewestManifest(openRoots(built).lake)
  if (plan.lost !== null || !plan.manifest || !rebuilt) return undefined
  progress.start('comparing', 0, 0)
  const withPersonal = rebuilt.pii.raw.length > 0
  // rows of customers are spilled under pii only
  await using scratch = withPersonal ? await openRoots(built).pii.scratch() : await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 512, scratch: scratch.path })
  return await lakeDifferences(
    db,
    { roots, manifest: plan.manifest },
    { roots: built, manifest: rebuilt },
    { withPersonal, onTable: (done, total) => progress.share(done, total) },
  )
}
