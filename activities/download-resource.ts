/** One request for one resource, and its bytes into the archive. */
import { rm } from 'node:fs/promises'
import { activityInfo, cancellationSignal } from '@temporalio/activity'
import { isMeterlakeError } from '../schemas/errors.ts'
import type { DownloadOutcome, IngestResourceInput, NotifiedResource } from '../schemas/ingest.ts'
import type { Deps, RawOrigin } from './deps.ts'
import { openDownloadReceipt } from './download-receipt.ts'
import { startHeartbeat } from './heartbeat.ts'

/**
 * One HTTP request an attempt. What an earlier attempt of the same run archived, whose answer got lost, is not asked for again.
 * Heartbeats carry `{ bytes }`. Fails with TOKEN_EXPIRED, RATE_LIMITED, CUSTODIAN_UNAVAILABLE, BODY_INCOMPLETE, RESOURCE_GONE, ….
 */
export const downloadResource =
  (deps: Deps) =>
  async ({ resource, retry }: IngestResourceInput): Promise<DownloadOutcome> => {
    const { workflowExecution } = activityInfo()
    const run = `${workflowExecution?.workflowId ?? ''}/${workflowExecution?.runId ?? ''}${retry === undefined ? '' : `#${retry}`}`
    const receipt = openDownloadReceipt(deps.incomingDir, run)
    const archived = await receipt.read()
    if (archived !== undefined) return { status: 'downloaded', raw: archived }
    using heartbeat = startHeartbeat({ bytes: 0 })
    try {
      const feed = await deps.custodian.download({
        resource,
        directory: deps.incomingDir,
        signal: cancellationSignal(),
        onProgress: ({ bytes }) => {
          heartbeat.report({ bytes })
        },
      })
      const raw = await deps.lake.archive(feed, originOf(resource), cancellationSignal())
      await receipt.write(raw)
      await rm(feed.path, { force: true })
      return { status: 'downloaded', raw }
    } catch (error) {
      if (isMeterlakeError(error) && error.code === 'NO_DATA') return { status: 'no_data' }
      if (isMeterlakeError(error) && error.code === 'NOT_READY') return { status: 'not_ready' }
      throw error
    }
  }

const originOf = ({ url, correlationId, feed }: NotifiedResource): RawOrigin => ({
  sourceName: new URL(url).pathname,
  correlationId,
  isCustomer: feed === 'customer',
})
