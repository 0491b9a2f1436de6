/** Role `worker`: takes workflow and activity tasks from the four queues. */
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import {
  bundleWorkflowCode,
  NativeConnection,
  Worker,
  type NativeConnectionOptions,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker'
import { withInterceptors } from './client-interceptors.ts'
import type { Deps } from '../activities/deps.ts'
import { failureInterceptors } from '../activities/failures.ts'
import { createActivities } from '../activities/index.ts'
import type { Config } from '../schemas/config.ts'
import { taskQueues } from '../schemas/orchestration.ts'
import { stickyQueueScheduleToStartTimeout, workerSlots } from '../temporal.config.ts'
import { watchedFiles } from './certificate-files.ts'
import { openConfiguredTemporal } from './configured-temporal.ts'
import { openIngestDeps } from './ingest-deps.ts'
import { openLog } from './log.ts'
import { ensureReconcileSchedule } from './reconcile-schedule.ts'
import { startGauges } from './operation-gauges.ts'
import { drainMs, listenAsRole, openRoleOperations } from './role-operations.ts'
import { untilAborted } from './stop-signal.ts'
import { installRuntime, type Log, temporalLogger } from './temporal-runtime.ts'

export interface WorkerRoleOptions {
  readonly connection: NativeConnectionOptions
  readonly namespace: string
  readonly deps: Deps
  readonly log: Log
  /** Bundled already; absent: bundled here (1–3 s). */
  readonly bundle?: WorkflowBundleOption
  /** How long activities may go on after a stop was asked for; then they are cancelled and tried again by the next worker. */
  readonly shutdownGraceMs?: number
  /** host:port of the Prometheus endpoint; absent: none. */
  readonly metrics?: string | undefined
  /** How the worker calls itself in histories; absent: pid@host. */
  readonly identity?: string
}

export interface RunningWorker extends AsyncDisposable {
  /** Every queue is polled. */
  readonly isRunning: () => boolean
  /** Resolves when the worker was stopped; rejects when it broke. */
  readonly done: Promise<void>
}

/** Cancelled activities get this long to end their child processes; then the worker gives up on them. */
const forceAfterGraceMs = 20_000

export const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url))

/** The workflow code as one script for the sandbox. */
export const bundleWorkflows = (log: Log) => bundleWorkflowCode({ workflowsPath, logger: temporalLogger(log) })

/** Connects and takes tasks until disposed of. Fails with the connection's error where the server does not answer. */
export async function startWorker(options: WorkerRoleOptions): Promise<RunningWorker> {
  installRuntime(options.log, options.metrics)
  const workflowBundle = options.bundle ?? (await bundleWorkflows(options.log))
  const connection = await NativeConnection.connect(options.connection)
  const workers: Worker[] = []
  try {
    for (const worker of workerOptions(options, workflowBundle))
      workers.push(await Worker.create({ connection, ...worker }))
  } catch (error) {
    await Promise.allSettled(workers.map(async (worker) => stopUnstarted(worker)))
    await connection.close()
    throw error
  }
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown()
  }
  const done = Promise.all(
    workers.map(async (worker) =>
      worker.run().finally(() => {
        // One that breaks takes the others along: half a worker would look alive.
        stop()
      }),
    ),
  ).then(() => {})
  // Whoever disposes of the worker hears of its end there; `done` is for those who wait on it.
  done.catch(() => {})
  return {
    isRunning: () => workers.every((worker) => worker.getState() === 'RUNNING'),
    done,
    [Symbol.asyncDispose]: async () => {
      stop()
      await Promise.allSettled([done])
      await connection.close()
    },
  }
}

/** `meterlake worker`: until it is asked to stop, or breaks. */
export async function runWorker(config: Config): Promise<void> {
  const log = openLog(config)
  await using operations = await openRoleOperations(config, log)
  using stop = listenAsRole(log, operations)
  await using ingest = await openIngestDeps(config, log)
  await operations.watch('client certificate', watchedFiles(config).custodian, async () => ingest.custodian.reload())
  await using temporal = await openConfiguredTemporal(config, { log, signal: stop.signal })
  const { namespace, connection } = temporal
  const { metrics } = config.operations
  await using worker = await startWorker({
    connection,
    namespace,
    deps: ingest.deps,
    log,
    metrics,
    shutdownGraceMs: drainMs(),
  })
  await using clients = new AsyncDisposableStack()
  const clientConnection = clients.adopt(await Connection.connect(withInterceptors({ ...connection })), async (open) =>
    open.close(),
  )
  const client = new Client({ connection: clientConnection, namespace })
  await ensureReconcileSchedule(client, ingest.deps.clientAlias, ingest.deps.profile.timeZone)
  await using _gauges = metrics === undefined ? undefined : startGauges(config, client, log)
  operations.health?.require('worker', worker.isRunning)
  operations.health?.started()
  log.info({ address: temporal.address, namespace }, 'worker runs')
  await Promise.race([worker.done, untilAborted(stop.signal)])
}

/** One worker a queue, so that each has its own slots and rate. Only the first holds workflows. */
function workerOptions(options: WorkerRoleOptions, workflowBundle: WorkflowBundleOption): WorkerOptions[] {
  const { namespace, deps } = options
  const shutdownGraceMs = options.shutdownGraceMs ?? 2_000
  const shared = {
    namespace,
    ...(options.identity !== undefined && { identity: options.identity }),
    activities: createActivities(deps),
    interceptors: { activity: [failureInterceptors] },
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownGraceMs + forceAfterGraceMs,
    // Heartbeats carry progress that people watch.
    maxHeartbeatThrottleInterval: '2 seconds',
  } satisfies Partial<WorkerOptions>
  return [
    {
      ...shared,
      ...workerSlots[taskQueues.orchestrate],
      taskQueue: taskQueues.orchestrate,
      workflowBundle,
      stickyQueueScheduleToStartTimeout,
    },
    {
      ...shared,
      ...workerSlots[taskQueues.custodian],
      taskQueue: taskQueues.custodian,
      maxTaskQueueActivitiesPerSecond: deps.profile.limits.perSecond,
      // A task that is handed over eagerly would pass the queue's rate by.
      maxEagerActivityReservationsPerWorkflowTask: 0,
    },
    { ...shared, ...workerSlots[taskQueues.load], taskQueue: taskQueues.load },
    { ...shared, ...workerSlots[taskQueues.publish], taskQueue: taskQueues.publish },
  ]
}

/** A worker that never ran still holds its slot of the native runtime: running it into an ended state frees it. */
async function stopUnstarted(worker: Worker): Promise<void> {
  await worker.runUntil(async () => {})
}
