/** A lake built anew from the archive of another, commit by commit. The other is only read. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { ScanEntries } from '../schemas/entry-span.ts'
import type { LoadRequest } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { stageAlias } from './alias-decisions.ts'
import { stageAuthorizations } from './authorizations.ts'
import { type BlankedRaw, blankRaw, replaceRaw } from './blank-raw.ts'
import { createManifest, emptyManifest, nextKnownAt, readManifest, readNewestManifest } from './manifest.ts'
import { namedFiles } from './named-files.ts'
import { formatPath, loadIdOf } from './paths.ts'
import { readIndex } from './raw-archive.ts'
import type { RawIndex } from './raw-index.ts'
import type { ReplayCommit, ReplayLoad } from './replay-commit.ts'
import { stageNotification } from './stage-notification.ts'
import { stageRequest } from './stage-request.ts'
import { stageRosterAgain } from './stage-roster.ts'
import { openRoots, type Storage } from './storage.ts'
import type { Tombstones } from './tombstones.ts'

/** What is done in processes of their own. */
export interface RebuildSteps {
  /** Stages one archived feed in the lake that is built. A feed that is refused (FEED_*) is staged as failed, and raised. */
  load(request: LoadRequest, load: ReplayLoad): Promise<void>
  /** Commits what is staged there; answers the commit's number, null where nothing was. */
  publish(knownAt: Date): Promise<number | null>
}

export interface RebuildOptions {
  readonly from: LakeRoots
  readonly to: LakeRoots
  /** False: feeds under the pii root are left out. */
  readonly takesPersonal: boolean
  readonly timeZone: string
  readonly commits: readonly ReplayCommit[]
  /** What is not to come back; absent: nothing was ever erased. */
  readonly erasing?: Erasing | undefined
  readonly steps: RebuildSteps
  readonly version: string
  /** Loads staged side by side. */
  readonly width: number
  readonly onCommit?: (commit: ReplayCommit) => void
  readonly signal?: AbortSignal
}

/** What is blanked in the archive of the lake that is built. */
export interface Erasing {
  readonly tombstones: Tombstones
  readonly scan: ScanEntries
  /** Told of each feed of which something was blanked; `before`: SHA-256 of what was archived. */
  readonly onBlanked?: (blanked: BlankedRaw, root: 'lake' | 'pii', before: string) => void
}

/** A load that could not be made again, and why. */
export interface LostLoad {
  readonly loadId: string
  readonly reason: string
}

/**
 * Makes the commits again on what `to` holds already, each under its number and moment; where it was stopped before, it goes on.
 * Answers the loads whose bytes are not at hand. Raises LAKE_*, USAGE where `to` holds another lake, the signal's reason.
 */
export async function rebuildLake(options: RebuildOptions): Promise<readonly LostLoad[]> {
  const { commits, signal } = options
  const source = openRoots(options.from)
  const target = openRoots(options.to)
  const lost: LostLoad[] = []
  const begun = await readNewestManifest(target.lake)
  if (begun) mustBeOfThese(begun, commits, target.lake)
  const before = begun?.n ?? 0
  if (options.takesPersonal && commits.some(({ loads }) => loads.some(({ root }) => root === 'pii')))
    await takeKey(source.pii, target.pii)
  for (const commit of commits) {
    signal?.throwIfAborted()
    const requests = await adoptAll(commit.loads, source, target, lost, options)
    if (commit.n <= before) {
      options.onCommit?.(commit)
      continue
    }
    await stageCommit(commit, requests, options)
    const isErased = (usagePointId: string) => options.erasing?.tombstones.isAbout(usagePointId) === true
    for (const stage of commit.aliases) if (!isErased(stage.usagePointId)) await stageAlias(target.lake, stage)
    const stagedAt = commit.knownAt ?? ''
    for (const roster of commit.rosters)
      await stageRosterAgain(source.lake, target.lake, { ...roster, commit: commit.n, stagedAt }, isErased)
    const knownAt = new Date(commit.knownAt ?? 0)
    const n = (await options.steps.publish(knownAt)) ?? (await commitNothing(target.lake, knownAt, options))
    if (n !== commit.n)
      throw new MeterlakeError(
        'USAGE',
        `${target.lake.root} holds another lake: its commit ${n} should be ${commit.n}`,
        {},
      )
    options.onCommit?.(commit)
  }
  return lost
}

/** What the folder holds already must have been begun by a replay of the same lake. */
function mustBeOfThese({ n, loads }: Manifest, commits: readonly ReplayCommit[], lake: Storage): void {
  const last = commits.findLast((commit) => commit.n <= n)
  const planned = new Set(last?.loads.map(({ sha256 }) => loadIdOf(sha256)))
  const isBefore = last === undefined && n < (commits[0]?.n ?? 0)
  if (isBefore || (last?.n === n && loads.every((id) => planned.has(id)))) return
  throw new MeterlakeError('USAGE', `${lake.root} holds another lake: name an empty folder`, {})
}

type Roots = ReturnType<typeof openRoots>
type Requested = readonly (readonly [LoadRequest, ReplayLoad])[]

/** The archived files of a commit in the archive of the lake that is built, as requests to load them. */
async function adoptAll(
  loads: readonly ReplayLoad[],
  source: Roots,
  target: Roots,
  lost: LostLoad[],
  { takesPersonal, erasing }: RebuildOptions,
): Promise<Requested> {
  const requests: [LoadRequest, ReplayLoad][] = []
  for (const load of loads) {
    const { sha256, root, source: origin, sourceName, notificationId, correlationId, receivedAt } = load
    // not ours to read, not there, not whole
    const isTaken = root === 'lake' || takesPersonal
    const index = isTaken ? await readIndex(source[root], sha256).catch(() => undefined) : undefined
    if (!index) {
      lost.push({
        loadId: loadIdOf(sha256),
        reason: `${formatPath({ kind: 'raw', sha256 })} under ${source[root].root} is not at hand`,
      })
      continue
    }
    if (!erasing || !(await adoptBlanked(index, source[root], target[root], erasing, root)))
      for (const kind of ['raw', 'raw_index'] as const) {
        const path = formatPath({ kind, sha256 })
        await target[root].adopt(source[root].locate(path), path)
      }
    const path = target[root].locate(formatPath({ kind: 'raw', sha256 }))
    const raw = { sha256, bytes: load.bytes, path, root, kind: index.kind, receivedAt }
    requests.push([{ raw, source: origin, sourceName, notificationId, correlationId }, load])
  }
  return requests
}

/** Writes an archived file without what is to be erased; false where it holds nothing of it. */
async function adoptBlanked(
  index: RawIndex,
  source: Storage,
  target: Storage,
  { tombstones, scan, onBlanked }: Erasing,
  root: 'lake' | 'pii',
): Promise<boolean> {
  await using scratch = await target.scratch()
  const blanked = await blankRaw({
    path: source.locate(formatPath({ kind: 'raw', sha256: index.sha256 })),
    index,
    scan,
    rangesOf: (span) => tombstones.rangesOf(span, index.receivedAt),
    scratch,
    at: new Date().toISOString(),
  })
  if (!blanked) return false
  await replaceRaw(target, blanked)
  onBlanked?.(blanked, root, index.erased?.sha256 ?? index.sha256)
  return true
}

async function stageCommit(
  commit: ReplayCommit,
  requests: Requested,
  { to, steps, width, signal }: RebuildOptions,
): Promise<void> {
  const waiting = requests.values()
  const worker = async () => {
    // the iterator is shared: each worker takes the next
    for (const [request, load] of waiting) {
      signal?.throwIfAborted()
      try {
        await steps.load(request, load)
      } catch (error) {
        if (!isMeterlakeError(error) || !error.code.startsWith('FEED_')) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  for (const record of commit.notifications) await stageNotification(to, record)
  for (const record of commit.requests) await stageRequest(to, record)
  for (const { observedAt, rows } of commit.authorizations) await stageAuthorizations(to, observedAt, rows)
}

/** A commit that brings nothing, so that those after it keep their numbers. */
async function commitNothing(lake: Storage, knownAt: Date, { timeZone, version }: RebuildOptions): Promise<number> {
  const parent = (await readNewestManifest(lake)) ?? emptyManifest(timeZone, version)
  const n = parent.n + 1
  await createManifest(lake, { ...parent, n, knownAt: nextKnownAt(parent.knownAt, knownAt), loads: [] })
  return n
}

/** The same secret: else every opaque key would be another. */
async function takeKey(source: Storage, target: Storage): Promise<void> {
  const path = formatPath({ kind: 'state', name: 'customer.key' })
  const secret = await source.get(path).catch(() => undefined)
  if (secret) await target.putIfAbsent(path, secret)
}

/**
 * Begins the lake that is built with a manifest of the other as it is, all its files with it. Raises USAGE where one of them is gone:
 * files that newer manifests do not name are kept for some days only.
 */
export async function seedLake(from: LakeRoots, to: LakeRoots, n: number): Promise<Manifest> {
  const source = openRoots(from)
  const target = openRoots(to)
  const manifest = await readManifest(source.lake, n)
  const gone = (path: string) =>
    new MeterlakeError(
      'USAGE',
      `${path}, of commit ${n}, is not there any more: replay without --since, or since a later moment`,
      {},
    )
  if (!manifest) throw gone(formatPath({ kind: 'manifest', n }))
  for (const { root, kind, ref } of namedFiles(manifest)) {
    const paths = kind === 'raw' ? [ref.path, formatPath({ kind: 'raw_index', sha256: ref.sha256 })] : [ref.path]
    for (const path of paths) {
      if ((await source[root].size(path).catch(() => undefined)) === undefined) throw gone(path)
      await target[root].adopt(source[root].locate(path), path)
    }
  }
  await takeKey(source.pii, target.pii)
  await createManifest(target.lake, manifest)
  return manifest
}
