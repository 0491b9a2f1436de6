/** Commits what is staged, until the loads asked for are in the ledger. */
import { cancellationSignal, log } from '@temporalio/activity'
import { MeterlakeError } from '../schemas/errors.ts'
import type { PublishedLoad, PublishRequest } from '../schemas/ingest.ts'
import type { Deps } from './deps.ts'
import { countLoads } from './metrics.ts'
import { startHeartbeat } from './heartbeat.ts'

/**
 * One commit takes all that is staged, so the next in the queue often finds its loads published and does nothing. Without
 * `loadIds` it commits once. Answers the loads in the order asked for. Fails with LAKE_CONTENDED, LAKE_DISK_FULL, …, INTERNAL where a
 * load is neither staged nor in the ledger.
 */
export const publishLake =
  (deps: Deps) =>
  async ({ loadIds }: PublishRequest): Promise<readonly PublishedLoad[]> => {
    using heartbeat = startHeartbeat({ phase: 'merge', done: 0, total: 0 })
    const commit = async () => {
      const done = await deps.runLakeJob(
        { kind: 'publish', roots: deps.roots, timeZone: deps.profile.timeZone },
        {
          signal: cancellationSignal(),
          onProgress: ({ phase, done, total }) => {
            heartbeat.report({ phase, done, total })
          },
        },
      )
      countLoads(done.loads)
      if (done.commit !== null) {
        log.info('committed', { commit: done.commit, loads: done.loads.map(({ loadId }) => loadId) })
      }
      return done
    }
    if (loadIds.length === 0) return (await commit()).loads
    for (;;) {
      const published = await findAll(deps, loadIds)
      if (published !== undefined) return published
      const { commit: number } = await commit()
      if (number !== null) continue
      // Nothing was staged: another process may have committed ours meanwhile.
      const late = await findAll(deps, loadIds)
      if (late !== undefined) return late
      throw new MeterlakeError('INTERNAL', `loads ${loadIds.join(', ')} are neither staged nor in the ledger`)
    }
  }

async function findAll(deps: Deps, loadIds: readonly string[]): Promise<readonly PublishedLoad[] | undefined> {
  const ledger = await deps.lake.published(loadIds)
  const loads = loadIds.map((loadId) => ledger.get(loadId)).filter((load) => load !== undefined)
  return loads.length === loadIds.length ? loads : undefined
}
