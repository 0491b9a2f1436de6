/** From the spool to Temporal: starts one workflow a notification, however long Temporal is away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { Spool } from '../custodian/spool.ts'
import type { IngestNotificationInput, ReceivedNotification } from '../schemas/ingest.ts'
import { taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { Log } from './temporal-runtime.ts'

export interface ForwarderOptions {
  readonly spool: Spool
  /** With a lazy connection: the server need not be there. */
  readonly client: Client
  readonly log: Log
  /** Called once a workflow exists for the notification; `isNew` is false where it did already. */
  readonly onStarted?: ((received: ReceivedNotification, isNew: boolean) => void) | undefined
  /** How often the spool is looked at without being woken. */
  readonly pollIntervalMs?: number
}

export interface Forwarder extends AsyncDisposable {
  /** Something was spooled: look now. */
  wake(): void
}

/** Temporal answers a start in milliseconds; five seconds without an answer is an absence. */
const startDeadlineMs = 5_000
const firstBackoffMs = 500
const longestBackoffMs = 30_000

/** A malformed body is recorded as one; older ones were, by an earlier run. */
const recordBadWithinMs = 86_400_000

/** Forwards until disposed of: what is spooled and not started stays spooled, and is started when Temporal is back. */
export function startForwarder(options: ForwarderOptions): Forwarder {
  const stop = new AbortController()
  let wakeUp = Promise.withResolvers<void>()
  const wake = (): void => {
    wakeUp.resolve()
  }
  const pause = async (durationMs: number): Promise<void> => {
    const timer = new AbortController()
    await Promise.race([wakeUp.promise, sleep(durationMs, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
    wakeUp = Promise.withResolvers()
  }
  const running = forwardUntil(stop.signal, options, pause)
  return {
    wake,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      wake()
      await running
    },
  }
}

async function forwardUntil(
  signal: AbortSignal,
  options: ForwarderOptions,
  pause: (durationMs: number) => Promise<void>,
): Promise<void> {
  const { spool, log, pollIntervalMs = 5_000 } = options
  const recordedBad = new Set<string>()
  let backoffMs = firstBackoffMs
  while (!signal.aborted) {
    try {
      const forwarded = await forwardBatch(options, signal)
      await recordBad(options, recordedBad)
      if (backoffMs > firstBackoffMs) log.info({}, 'Temporal is back: notifications go on')
      backoffMs = firstBackoffMs
      if (forwarded === 0) await pause(pollIntervalMs)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.warn({ reason, backoffMs, spool: spool.directory }, 'notifications wait in the spool')
      await pause(backoffMs)
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
    }
  }
}

/** Starts what is new, oldest first; answers how many. Throws where Temporal does not answer. */
async function forwardBatch(options: ForwarderOptions, signal: AbortSignal): Promise<number> {
  const { spool } = options
  const claimed = [...(await spool.claim(50))]
  const count = claimed.length
  try {
    for (let received = claimed.shift(); received !== undefined; received = claimed.shift()) {
      if (signal.aborted) return releaseAll(spool, [received, ...claimed])
      try {
        await start(options, received)
        await spool.finish(received.notificationId)
      } catch (error) {
        spool.release(received.notificationId)
        throw error
      }
    }
    return count
  } finally {
    releaseAll(spool, claimed)
  }
}

function releaseAll(spool: Spool, received: readonly ReceivedNotification[]): number {
  for (const { notificationId } of received) spool.release(notificationId)
  return 0
}

/** A body that is no BatchList has a run too: it ends with its row in ops.notification. */
async function recordBad(options: ForwarderOptions, recorded: Set<string>): Promise<void> {
  const since = Date.now() - recordBadWithinMs
  for (const received of await options.spool.list('bad')) {
    if (recorded.has(received.notificationId) || Date.parse(received.receivedAt) < since) continue
    await start(options, received)
    recorded.add(received.notificationId)
  }
}

/** The id is made of the content: a list that came before has its run already. */
async function start({ client, log, onStarted }: ForwarderOptions, received: ReceivedNotification): Promise<void> {
  const { notificationId, receivedAt, spoolPath } = received
  const input: IngestNotificationInput = { received: { notificationId, receivedAt, spoolPath } }
  const isNew = await client.withDeadline(Date.now() + startDeadlineMs, async () =>
    client.workflow
      .start(workflowNames.ingestNotification, {
        workflowId: workflowIds.notification(notificationId),
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        taskQueue: taskQueues.orchestrate,
        args: [input],
      })
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return false
          throw error
        },
      ),
  )
  log.info({ notificationId, isNew }, 'notification forwarded')
  onStarted?.(received, isNew)
}
