/** What gc would remove: files of both roots against the manifests that are still needed. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { garbageOf, type Needed } from './garbage.ts'
import { isAlive } from './live-process.ts'
import { readManifest } from './manifest.ts'
import { namedFiles } from './named-files.ts'
import { parsePath } from './paths.ts'
import { openRoots, type Storage, type StoredFile } from './storage.ts'

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

/** Removes at once what the newest manifest does not name, and all older ones. The caller holds the lock. */
export async function removeUnnamed(roots: LakeRoots): Promise<void> {
  const { lake, pii } = openRoots(roots)
  const { files } = await planGarbage(lake, pii, -Infinity)
  for (const { root, path } of files) await (root === 'pii' ? pii : lake).remove(path)
}

/** What would go now, the lake's files first. */
export async function planGarbage(
  lake: Storage,
  pii: Storage,
  graceMs: number,
  nowMs = Date.now(),
): Promise<CollectedGarbage> {
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

export const nothingPublished = ({ root }: Storage) =>
  new MeterlakeError('LAKE_MISSING', `there is no manifest in ${root}, so nothing is removed`, { lake: root })
