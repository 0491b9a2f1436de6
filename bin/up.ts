/** All roles in one process tree: embedded (or configured) Temporal, worker, webhook with its forwarder. */
import { Client, Connection } from '@temporalio/client'
import type { WorkflowBundleOption } from '@temporalio/worker'
import { withInterceptors } from './client-interceptors.ts'
import type { Config } from '../schemas/config.ts'
import type { ReceivedNotification } from '../schemas/ingest.ts'
import { watchedFiles } from './certificate-files.ts'
import { openConfiguredTemporal, untilTemporal } from './configured-temporal.ts'
import { openIngestDeps } from './ingest-deps.ts'
import { openLog } from './log.ts'
import { ensureReconcileSchedule } from './reconcile-schedule.ts'
import { startGauges } from './operation-gauges.ts'
import { drainMs, listenAsRole, openRoleOperations, type RoleOperations } from './role-operations.ts'
import { untilAborted } from './stop-signal.ts'
import type { Log } from './temporal-runtime.ts'
import type { TemporalServer } from './temporal-server.ts'
import { type RunningWebhook, startWebhookRole } from './webhook.ts'
import { bundleWorkflows, startWorker } from './worker.ts'

/** What happens, as it happens; `startMeterlake` prints nothing itself. */
export interface MeterlakeCallbacks {
  /** A Temporal server is fetched, from where. */
  readonly onFetchTemporal?: (source: string) => void
  readonly onTemporal?: (server: Pick<TemporalServer, 'address' | 'namespace' | 'origin'>) => void
  readonly onWorker?: () => void
  readonly onWebhook?: (webhook: Pick<RunningWebhook, 'host' | 'port'>) => void
  /** A notification is durable on disk. */
  readonly onSpooled?: (received: ReceivedNotification) => void
  /** Its workflow exists; `isNew` is false where it did already. */
  readonly onNotification?: (received: ReceivedNotification, isNew: boolean) => void
}

export interface MeterlakeOptions extends MeterlakeCallbacks {
  readonly log: Log
  /** Gives the start up; afterwards dispose stops. */
  readonly signal?: AbortSignal
  /** Health and reloading of certificates; absent: neither. */
  readonly operations?: RoleOperations
  /** How long activities may go on after a stop was asked for; absent: the worker's own default. */
  readonly drainMs?: number
  /** Given, and Temporal is away: wait for it until the signal, and go on spooling. Else TEMPORAL_UNAVAILABLE. */
  readonly waitUntil?: AbortSignal
  /** Keep the daily reconcile on schedule. */
  readonly schedules?: boolean
  /** Workflow code bundled already. */
  readonly bundle?: WorkflowBundleOption
}

export interface Meterlake extends AsyncDisposable {
  /** For queries of progress and results of workflows. */
  readonly client: Client
  readonly temporal: Pick<TemporalServer, 'address' | 'namespace' | 'origin'>
  /** Absent where the configuration has no `[webhook]`. */
  readonly webhook: Pick<RunningWebhook, 'host' | 'port'> | undefined
  /** Rejects when the worker breaks; resolves when it was stopped. */
  readonly done: Promise<void>
}

/**
 * Starts everything; dispose stops it in order (webhook, worker, Temporal). The webhook listens first, so that a notification
 * that comes while Temporal starts is spooled. Throws CONFIG_INVALID, TEMPORAL_NOT_FOUND, TEMPORAL_UNAVAILABLE, CERTIFICATE_REFUSED, ….
 */
export async function startMeterlake(config: Config, options: MeterlakeOptions): Promise<Meterlake> {
  const { log, signal } = options
  const { metrics } = config.operations
  await using stack = new AsyncDisposableStack()
  const { deps, custodian } = stack.use(await openIngestDeps(config, log))
  const { operations } = options
  await operations?.watch('client certificate', watchedFiles(config).custodian, async () => custodian.reload())
  const webhook =
    config.webhook &&
    (await startWebhookRole(config, { log, onSpooled: options.onSpooled, onStarted: options.onNotification }))
  // Disposed of last to first: the webhook takes its place when it is complete, and until then here.
  await using unplaced = new AsyncDisposableStack()
  if (webhook) {
    unplaced.use(webhook)
    await operations?.watch('webhook certificate', watchedFiles(config).webhook, async () => webhook.reload())
    options.onWebhook?.(webhook)
  }
  // No native runtime yet: it would keep a process alive that no worker of it ever ran in.
  // Bundling takes as long as Temporal's start; whoever awaits it hears of a failure.
  const bundling = options.bundle === undefined ? bundleWorkflows(log) : Promise.resolve(options.bundle)
  bundling.catch(() => {})
  const opening = { log, ...(options.onFetchTemporal && { onFetch: options.onFetchTemporal }) }
  const temporal = stack.use(
    options.waitUntil === undefined
      ? await openConfiguredTemporal(config, { ...opening, ...(signal && { signal }) })
      : await untilTemporal(config, { ...opening, signal: options.waitUntil }),
  )
  options.onTemporal?.(temporal)
  const { connection, namespace } = temporal
  const clientConnection = Connection.lazy(withInterceptors({ ...connection }))
  stack.defer(async () => clientConnection.close())
  const worker = stack.use(
    await startWorker({
      connection,
      namespace,
      deps,
      log,
      metrics,
      bundle: await bundling,
      ...(options.drainMs !== undefined && { shutdownGraceMs: options.drainMs }),
    }),
  )
  const client = new Client({ connection: clientConnection, namespace })
  if (options.schedules === true) await ensureReconcileSchedule(client, deps.clientAlias, deps.profile.timeZone)
  signal?.throwIfAborted()
  options.onWorker?.()
  if (metrics !== undefined) stack.use(startGauges(config, client, log))
  operations?.health?.require('worker', worker.isRunning)
  operations?.health?.require('temporal', async () => {
    await clientConnection.workflowService.getSystemInfo({})
    return true
  })
  webhook?.forwardTo(connection)
  stack.use(unplaced.move())
  const resources = stack.move()
  return {
    client,
    temporal,
    webhook,
    done: worker.done,
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  }
}

/** `meterlake up`: until it is asked to stop, or the worker breaks. */
export async function runUp(config: Config): Promise<void> {
  const log = openLog(config)
  await using operations = await openRoleOperations(config, log)
  using stop = listenAsRole(log, operations)
  await using meterlake = await startMeterlake(config, {
    log,
    signal: stop.signal,
    waitUntil: stop.signal,
    operations,
    drainMs: drainMs(),
    schedules: true,
  })
  operations.health?.started()
  const { webhook } = meterlake
  log.info(
    { temporal: meterlake.temporal.address, webhook: webhook && `${webhook.host}:${webhook.port}` },
    'meterlake is up',
  )
  await Promise.race([meterlake.done, untilAborted(stop.signal)])
}
