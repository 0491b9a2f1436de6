/** `gc`: removes what no manifest names any more, after a grace period in which those who read older views can finish. */
import { dirname } from 'node:path/posix'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { garbageOf, type Needed } from './garbage.ts'
import { isAlive } from './live-process.ts'
import { manifestNumbers, readManifest } from './manifest.ts'
import { namedFiles } from './named-files.ts'
import { formatPath, parsePath } from './paths.ts'
import { ensurePersonalViews } from './personal-views.ts'
import { takePublishLock } from './publish-lock.ts'
import { openRoots, type Storage, type StoredFile } from './storage.ts'
import { ensureViews } from './views.ts'

export interface GarbageOptions {
  readonly roots: LakeRoots
  /** How long a file stays after the last manifest that named it was replaced. */
  readonly graceMs: number
  /** True: nothing is removed, only named. */
  readonly dryRun: boolean
  readonly now?: () => Date
  /** Told of every file as it is removed. */
  readonly onRemove?: (done: number, total: number) => void
}

export interface GarbageFile extends StoredFile {
  readonly root: 'lake' | 'pii'
}

export interface CollectedGarbage {
  readonly files: readonly GarbageFile[]
  /** False: the pii root cannot be read or written by this user, and was left as it is. */
  readonly tookPersonal: boolean
}

/** A process that takes no lock may be writing what is younger: a load, a download. */
const inWorkMs = 3_600_000
/** The lock is given back after so long: publishers wait twice as long for it before they go ahead. */
const turnMs = 60_000
const waitMs = 120_000

/**
 * Removes, of both roots, what no manifest of the grace period names, manifests older than it, and what dead processes left. Safe beside
 * loads, publishers and readers, and to repeat after a kill at any point. Raises LAKE_MISSING, LAKE_CORRUPT (nothing is removed
 * then), LAKE_CONTENDED, LAKE_NOT_WRITABLE.
 */
export async function collectGarbage(options: GarbageOptions): Promise<CollectedGarbage> {
  const { roots, dryRun, onRemove } = options
  const { lake, pii } = openRoots(roots)
  if (dryRun) return await planGarbage(options, lake, pii)
  // a lake that is not there is not begun
  if ((await manifestNumbers(lake)).length === 0) throw nothingPublished(lake)
  // what readers open names files of the newest manifest, before any others go
  await ensureViews(roots)
  await ensurePersonalViews(roots).catch(() => undefined)
  const removed: GarbageFile[] = []
  let tookPersonal = true
  for (;;) {
    await using lock = await takePublishLock(lake.locate(formatPath({ kind: 'state', name: 'publish.lock' })), waitMs)
    if (!lock)
      throw new MeterlakeError(
        'LAKE_CONTENDED',
        `others are publishing in ${lake.root}; ${removed.length} files were removed`,
      )
    const untilMs = performance.now() + turnMs
    const plan = await planGarbage(options, lake, pii)
    tookPersonal = plan.tookPersonal
    const total = removed.length + plan.files.length
    let left = plan.files.length
    for (const file of plan.files) {
      if (performance.now() > untilMs) break
      const storage = file.root === 'pii' ? pii : lake
      await storage.remove(file.path)
      // not those that all loads share: one may just have made sure of it
      if (/^(?:current|staging|state\/scratch)\/./.test(file.path)) await storage.removeEmpty(dirname(file.path))
      removed.push(file)
      left -= 1
      onRemove?.(removed.length, total)
    }
    if (left === 0) return { files: removed, tookPersonal }
  }
}

/** What would go now, the lake's files first. */
async function planGarbage(options: GarbageOptions, lake: Storage, pii: Storage): Promise<CollectedGarbage> {
  const { graceMs, now = () => new Date() } = options
  const nowMs = now().getTime()
  const files = await lake.inventory()
  const { newest, kept, expired } = await readManifests(lake, files, nowMs - graceMs)
  const staged = new Set<string>()
  for (const { path } of files) {
    const parsed = parsePath(path)
    if (parsed?.kind === 'stage') staged.add(parsed.id)
  }
  const named = kept.flatMap(namedFiles)
  const needed = (root: 'lake' | 'pii'): Needed => ({
    named: new Set(named.filter((file) => file.root === root).map(({ ref }) => ref.path)),
    newest: newest.n,
    expired,
    staged,
    writtenBeforeMs: nowMs - graceMs,
    abandonedBeforeMs: nowMs - Math.max(graceMs, inWorkMs),
    isAlive,
  })
  const garbage: GarbageFile[] = garbageOf(files, needed('lake')).map((file) => ({ root: 'lake', ...file }))
  const personal = await pii.inventory().catch(() => undefined)
  if (personal) garbage.push(...garbageOf(personal, needed('pii')).map((file) => ({ root: 'pii' as const, ...file })))
  return { files: garbage, tookPersonal: personal !== undefined }
}

interface Manifests {
  readonly newest: Manifest
  /** The newest, and those that were the newest at some time since the grace began. */
  readonly kept: readonly Manifest[]
  readonly expired: ReadonlySet<number>
}

/** A manifest was the newest until the next one was written. */
async function readManifests(lake: Storage, files: readonly StoredFile[], graceBeganMs: number): Promise<Manifests> {
  const written = files
    .flatMap(({ path, writtenMs }) => {
      const parsed = parsePath(path)
      return parsed?.kind === 'manifest' ? [{ n: parsed.n, writtenMs }] : []
    })
    .sort((a, b) => a.n - b.n)
  const isExpired = (_: unknown, at: number) => (written[at + 1]?.writtenMs ?? Infinity) < graceBeganMs
  const expired = new Set(written.filter(isExpired).map(({ n }) => n))
  const kept: Manifest[] = []
  for (const { n } of written) {
    const manifest = expired.has(n) ? undefined : await readManifest(lake, n)
    if (manifest) kept.push(manifest)
  }
  const newest = kept.at(-1)
  if (newest) return { newest, kept, expired }
  throw nothingPublished(lake)
}

const nothingPublished = ({ root }: Storage) =>
  new MeterlakeError('LAKE_MISSING', `there is no manifest in ${root}, so nothing is removed`, { lake: root })
