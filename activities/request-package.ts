/** One ad hoc request to the custodian. */
import { rm } from 'node:fs/promises'
import { cancellationSignal } from '@temporalio/activity'
import { sentWindow } from '../custodian/request-window.ts'
import type { PackageAnswer, PackageRequest } from '../schemas/pull.ts'
import type { Deps } from './deps.ts'
import { startHeartbeat } from './heartbeat.ts'

/**
 * One HTTP request an attempt, with our transaction; both dates of a window, in Zulu. A feed that comes at once goes into the archive.
 * Fails with TOKEN_EXPIRED, REQUEST_REFUSED, RATE_LIMITED, CUSTODIAN_UNAVAILABLE, CERTIFICATE_REFUSED, ….
 */
export const requestPackage =
  (deps: Deps) =>
  async ({ feed, by, window, transaction }: PackageRequest): Promise<PackageAnswer> => {
    using _heartbeat = startHeartbeat(null)
    const sent = window === null ? undefined : sentWindow(window, deps.profile.timeZone, new Date())
    const bounds =
      sent === undefined
        ? {}
        : by === 'updated'
          ? { updatedMin: sent.min, updatedMax: sent.max }
          : { publishedMin: sent.min, publishedMax: sent.max }
    const signal = cancellationSignal()
    const directory = deps.incomingDir
    const answer = await deps.custodian.requestBulk({ feed, ...bounds, transaction, directory, signal })
    if (answer.status !== 'ready') return { status: answer.status, transaction: answer.transaction, raw: null }
    const origin = { sourceName: `ad hoc ${feed}`, correlationId: null, isCustomer: feed !== 'usage' }
    const raw = await deps.lake.archive(answer.feed, origin, signal)
    await rm(answer.feed.path, { force: true })
    return { status: 'ready', transaction: answer.transaction, raw }
  }
