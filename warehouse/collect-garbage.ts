/** `gc`: removes what no manifest names any more, after a grace period in which those who read older views can finish. */
import { dirname } from 'node:path/posix'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { finishErasures } from './finish-erasures.ts'
import { type CollectedGarbage, type GarbageFile, nothingPublished, planGarbage } from './garbage-plan.ts'
import { manifestNumbers } from './manifest.ts'
import { formatPath } from './paths.ts'
import { ensurePersonalViews } from './personal-views.ts'
import { takePublishLock } from './publish-lock.ts'
import { openRoots } from './storage.ts'
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

/** The lock is given back after so long: publishers wait twice as long for it before they go ahead. */
const turnMs = 60_000
const waitMs = 120_000

/**
 * Removes, of both roots, what no manifest of the grace period names, manifests older than it, and what dead processes left. Safe beside
 * loads, publishers and readers, and to repeat after a kill at any point. Raises LAKE_MISSING, LAKE_CORRUPT (nothing is removed
 * then), LAKE_CONTENDED, LAKE_NOT_WRITABLE.
 */
export async function collectGarbage(options: GarbageOptions): Promise<CollectedGarbage> {
  const { roots, graceMs, dryRun, now = () => new Date(), onRemove } = options
  const { lake, pii } = openRoots(roots)
  if (dryRun) return await planGarbage(lake, pii, graceMs, now().getTime())
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
    await finishErasures(roots)
    const untilMs = performance.now() + turnMs
    const plan = await planGarbage(lake, pii, graceMs, now().getTime())
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
