/** A rebuilt lake in the place of the published one: its files beside those there are, then one manifest that names them. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import { sha256Of } from './commit-session.ts'
import { createManifest, manifestNumbers, nextKnownAt, readManifest } from './manifest.ts'
import { namedFiles } from './named-files.ts'
import { formatPath } from './paths.ts'
import { ensurePersonalViews } from './personal-views.ts'
import { holdPublishLock } from './publish-lock.ts'
import { openRoots } from './storage.ts'
import { ensureViews } from './views.ts'

export interface PublishReplayOptions {
  readonly roots: LakeRoots
  readonly built: LakeRoots
  /** The newest manifest of the rebuilt lake. */
  readonly rebuilt: Manifest
  /** Number of the newest manifest when the replay was planned; 0: none could be read. */
  readonly replayed: number
  readonly version: string
  readonly now: () => Date
  /** Of an erasure: what is not to come back from this commit on. */
  readonly erased?: Pick<Manifest, 'tombstones'> & { readonly keyCheck: string }
  /** Asked under the lock, first and last: false lets nothing be published. */
  readonly isReady?: () => Promise<boolean>
}

/**
 * Publishes a rebuilt lake as the next commit, which brings no load. Answers its number; undefined where another commit came after the
 * one that was replayed: nothing is published then, replay that one too. What is no longer named stays for `gc`. A kill at any point
 * leaves the lake as it was, or as it is meant to be. Raises LAKE_*.
 */
export async function publishReplay(options: PublishReplayOptions): Promise<number | undefined> {
  const { lake } = openRoots(options.roots)
  await using _lock = await holdPublishLock(lake.locate(formatPath({ kind: 'state', name: 'publish.lock' })), 120_000)
  return await commitReplay(options)
}

/** The same, of a caller who holds the lock. */
export async function commitReplay(options: PublishReplayOptions): Promise<number | undefined> {
  const { roots, built, rebuilt, replayed } = options
  const { lake, pii } = openRoots(roots)
  const source = openRoots(built)
  const newest = (await manifestNumbers(lake)).at(-1) ?? 0
  // where no manifest can be read, none that can is to be displaced
  const parent = await readManifest(lake, newest).catch((error: unknown) => {
    if (replayed === 0) return undefined
    throw error
  })
  if ((parent?.n ?? 0) !== replayed || (await options.isReady?.()) === false) return undefined
  for (const { root, kind, ref } of namedFiles(rebuilt)) {
    const target = root === 'pii' ? pii : lake
    const from = source[root].locate(ref.path)
    const isNew = await target.adopt(from, ref.path)
    if (!isNew && kind !== 'raw') await mustBeSame(target.locate(ref.path), ref)
    if (kind === 'raw') {
      const index = formatPath({ kind: 'raw_index', sha256: ref.sha256 })
      await target.adopt(source[root].locate(index), index)
    }
  }
  // numbers of rebuilt commits stay theirs, also where there are more than there were manifests
  const n = Math.max(newest, rebuilt.n) + 1
  const knownAt = nextKnownAt(later(parent?.knownAt ?? '', rebuilt.knownAt), options.now())
  const tombstones = [...(parent?.tombstones ?? rebuilt.tombstones), ...(options.erased?.tombstones ?? [])]
  const keyCheck = options.erased?.keyCheck ?? rebuilt.pii.keyCheck ?? parent?.pii.keyCheck ?? null
  const manifest: Manifest = {
    ...rebuilt,
    n,
    knownAt,
    meterlake: options.version,
    loads: [],
    tombstones,
    pii: { ...rebuilt.pii, keyCheck },
  }
  if ((await options.isReady?.()) === false || !(await createManifest(lake, manifest))) return undefined
  await ensureViews(roots)
  await ensurePersonalViews(roots)
  return n
}

const later = (a: string, b: string): string => (a > b ? a : b)

/** Names of files are drawn by lot: one that is taken already must be of an earlier try of the same replay. */
async function mustBeSame(path: string, ref: FileRef): Promise<void> {
  if ((await sha256Of(path)) === ref.sha256) return
  throw new MeterlakeError('LAKE_CORRUPT', `${path} is there already, and is another: replay again`, { path: ref.path })
}
