import { cancellationSignal, log } from '@temporalio/activity'
import type { LoadRequest, StagedLoad } from '../schemas/ingest.ts'
import type { Deps } from './deps.ts'
import { startHeartbeat } from './heartbeat.ts'

/**
 * Bytes → rows → staging, in a child process that ends with this activity. Heartbeats carry `{ phase, done, total }` (bytes).
 * Fails with FEED_*, LOAD_CRASHED, LAKE_DISK_FULL, ….
 */
export const loadFeed =
  (deps: Deps) =>
  async (request: LoadRequest): Promise<StagedLoad> => {
    using heartbeat = startHeartbeat({ phase: 'read', done: 0, total: request.raw.bytes })
    const { name, timeZone, usagePointIdentity } = deps.profile
    const { staged } = await deps.runLakeJob(
      { kind: 'load', roots: deps.roots, profile: { name, timeZone, usagePointIdentity }, request },
      {
        signal: cancellationSignal(),
        onProgress: ({ phase, done, total }) => {
          heartbeat.report({ phase, done, total })
        },
      },
    )
    const { loadId, outcome, readings, quarantined } = staged
    log.info('staged', { loadId, outcome, readings, quarantined, notificationId: request.notificationId })
    return staged
  }
