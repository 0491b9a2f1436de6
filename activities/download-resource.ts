/** One request for one resource, and its bytes into the archive. */
import { rm } from 'node:fs/promises'
import { activityInfo, cancellationSignal, log } from '@temporalio/activity'
import { isMeterlakeError } from '../schemas/errors.ts'
import type { DownloadOutcome, IngestResourceInput, NotifiedResource } from '../schemas/ingest.ts'
import type { Deps, RawOrigin } from './deps.ts'
import { openDownloadReceipt } from './download-receipt.ts'
import { countPackage } from './metrics.ts'
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
      countPackage(resource.feed, 'downloaded', raw.bytes)
      log.info('package archived', { sha256: raw.sha256, bytes: raw.bytes, transaction: feed.transaction })
      return { status: 'downloaded', raw }
    } catch (error) {
      const code = isMeterlakeError(error) ? error.code : undefined
      const status = code === 'NO_DATA' ? 'no_data' : code === 'NOT_READY' ? 'not_ready' : undefined
      if (status === undefined) throw error
      countPackage(resource.feed, status, 0)
      return { status }
    }
  }

const originOf = ({ url, correlationId, feed }: NotifiedResource): RawOrigin => ({
  sourceName: new URL(url).pathname,
  correlationId,
  isCustomer: feed === 'customer' || feed === 'program',
})
