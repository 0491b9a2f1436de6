/** All batches of a commit: while one is merged, the one before it is written, on a connection and a thread of its own, and the files of the one before that are made durable. */
import type { CurrentFile, VersionFile } from '../schemas/manifest.ts'
import type { CommitSession } from './commit-session.ts'
import type { Database } from './database.ts'
import { gatherChannels } from './dimensions.ts'
import { type CountsByLoad, mergeBatch, type MergedBatch } from './merge-batch.ts'
import type { OverlaySlice } from './overlay.ts'
import type { Unit } from './plan-units.ts'
import { copyUnits, keepUnits, writeHistory } from './write-batch.ts'

export interface MergedFiles {
  readonly history: readonly VersionFile[]
  /** What stands in the manifest for all units. */
  readonly current: readonly CurrentFile[]
  /** Units whose files were written anew. */
  readonly rewritten: readonly Unit[]
  /** What goes into the overlay, in the order of the days. */
  readonly overlay: readonly OverlaySlice[]
}

/** Schemas for the tables of a batch: that being merged and that being written. */
const slots = ['batch_even', 'batch_odd'] as const

const enter = (db: Database, slot: string) => db.run(`SET search_path = '${slot},main'`)

/**
 * Merges the units batch by batch and writes them; adds to `counts`. Two batches are in memory at a time. `beside`: the same
 * session on another connection.
 */
export async function mergeBatches(
  session: CommitSession,
  beside: CommitSession,
  units: readonly Unit[],
  backDays: number,
  counts: CountsByLoad,
  onProgress: (done: number, total: number) => void,
): Promise<MergedFiles> {
  const { db } = session
  const batches = [...Map.groupBy(units, (unit) => unit.batch).values()]
  const history: VersionFile[] = []
  const current: CurrentFile[] = []
  const rewritten: Unit[] = []
  const overlay: OverlaySlice[] = []
  let writing = Promise.resolve()
  let keeping = Promise.resolve()
  const write = async (slot: string, merged: MergedBatch): Promise<void> => {
    await enter(beside.db, slot)
    const copied = await copyUnits(beside, merged)
    rewritten.push(...copied.files.keys())
    if (copied.overlay) overlay.push(copied.overlay)
    await beside.db.run(`DROP SCHEMA ${slot} CASCADE`)
    await keeping
    keeping = keepUnits(session, copied).then((files) => void current.push(...files))
    // awaited at the next turn
    keeping.catch(() => undefined)
  }
  try {
    for (const [done, batch] of batches.entries()) {
      onProgress(done, batches.length)
      const slot = slots[done % 2 === 0 ? 0 : 1]
      await db.run(`CREATE SCHEMA ${slot}`)
      await enter(db, slot)
      const merged = await mergeBatch(session, batch, backDays, counts)
      await gatherChannels(session)
      history.push(...(await writeHistory(session, merged)))
      await writing
      writing = write(slot, merged)
      writing.catch(() => undefined)
    }
    await writing
    await keeping
  } finally {
    await writing.catch(() => undefined)
    await keeping.catch(() => undefined)
    await enter(db, 'main')
  }
  return { history, current, rewritten, overlay }
}
