/** Which files of a root nobody needs any more: a plan, made of what rests there and what manifests name. */
import { folders, parsePath } from './paths.ts'
import type { StoredFile } from './storage.ts'

/** What of a lake is needed, and as of when. */
export interface Needed {
  /** Files of this root that a manifest names which is the newest, or was within the grace. */
  readonly named: ReadonlySet<string>
  /** Number of the newest manifest. */
  readonly newest: number
  /** Numbers of manifests that ceased to be the newest longer ago than the grace. */
  readonly expired: ReadonlySet<number>
  /** Stages, of both roots, that wait for their commit. */
  readonly staged: ReadonlySet<string>
  /** What was written before this moment, and is named nowhere, is garbage; ms since 1970. */
  readonly writtenBeforeMs: number
  /** The same for what a process may be writing, that takes no lock: staging, half-written files. */
  readonly abandonedBeforeMs: number
  readonly isAlive: (pid: number) => boolean
}

/**
 * The files of a root that may go, manifests first: those that stay then name what is there. A file of a commit later than the newest
 * may be about to be named, one that is not ours is nobody's to remove, and what was received is kept whether or not it was loaded.
 */
export function garbageOf(files: readonly StoredFile[], needed: Needed): StoredFile[] {
  const paths = new Set(files.map(({ path }) => path))
  const stageWrittenMs = new Map<string, number>()
  for (const { path, writtenMs } of files) {
    const id = stageOf(path)
    if (id !== undefined) stageWrittenMs.set(id, Math.max(writtenMs, stageWrittenMs.get(id) ?? 0))
  }
  const isGarbage = ({ path, writtenMs }: StoredFile): boolean => {
    if (path.startsWith(`${folders.scratch}/`)) return !needed.isAlive(pidOf(path.slice(folders.scratch.length + 1)))
    if (path.startsWith(`${folders.incoming}/`)) return false
    if (/^state\/publish\.lock\.\d/.test(path)) return !needed.isAlive(pidOf(path.slice('state/publish.lock.'.length)))
    const isAbandoned = writtenMs < needed.abandonedBeforeMs
    if (/(?:^|\/)\.[0-9a-f]{16}\.tmp$/.test(path)) return isAbandoned
    const id = stageOf(path)
    if (id !== undefined)
      return !needed.staged.has(id) && (stageWrittenMs.get(id) ?? Infinity) < needed.abandonedBeforeMs
    const parsed = parsePath(path)
    switch (parsed?.kind) {
      case 'manifest':
        return needed.expired.has(parsed.n)
      case 'raw':
        // without its frame index it was never completely archived
        return isAbandoned && !needed.named.has(path) && !paths.has(path.replace(/\.xml\.zst$/, '.json'))
      case 'current':
      case 'overlay':
      case 'history':
      case 'receipts':
      case 'parked':
      case 'table':
      case 'personal_table':
        return writtenMs < needed.writtenBeforeMs && !needed.named.has(path) && parsed.commit <= needed.newest
      default:
        return false
    }
  }
  const garbage = files.filter(isGarbage)
  return [...garbage.filter(isManifest), ...garbage.filter((file) => !isManifest(file))]
}

const isManifest = ({ path }: StoredFile): boolean => parsePath(path)?.kind === 'manifest'

/** The folder of staging a path lies in. */
const stageOf = (path: string): string | undefined =>
  path.startsWith(`${folders.staging}/`) ? path.split('/')[1] : undefined

const pidOf = (name: string): number => Number.parseInt(name, 10)
