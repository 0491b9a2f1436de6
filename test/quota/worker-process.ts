/** One worker process of one client, with the product's own custodian, turns and error translation: `node worker-process.ts SETTINGS`. */
import { cancellationSignal } from '@temporalio/activity'
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker'
import { failureInterceptors } from '../../activities/failures.ts'
import { startHeartbeat } from '../../activities/heartbeat.ts'
import { quotaTurns } from '../../activities/quota-turns.ts'
import { installRuntime } from '../../bin/temporal-runtime.ts'
import { type Custodian, openCustodian } from '../../custodian/custodian.ts'
import { silentLog } from '../../custodian/log.ts'
import { type ProfileOverrides, resolveProfile } from '../../custodian/profile.ts'
import { fileTokenStore } from '../../custodian/token-store.ts'
import { taskQueues } from '../../schemas/orchestration.ts'
import { stickyQueueScheduleToStartTimeout } from '../../temporal.config.ts'

export interface WorkerSettings {
  readonly address: string
  readonly taskQueue: string
  readonly bundle: WorkflowBundleOption
  readonly clientId: string
  readonly clientSecret: string
  readonly certificate: { readonly cert: string; readonly key: string; readonly ca: string }
  readonly tokens: string
  readonly overrides: ProfileOverrides
  /** Of this worker for the queue; the belt beside the quota entity. */
  readonly perSecond: number
}

export interface QuotaActivities {
  /** One request: a token if there is none, else ReadServiceStatus. */
  askStatus(): Promise<void>
}

const askStatus = (custodian: Custodian) => async (): Promise<void> => {
  using _heartbeat = startHeartbeat(null, 500)
  const options = { signal: cancellationSignal() }
  if ((await custodian.currentToken()) === undefined) await custodian.refreshToken(options)
  else await custodian.serviceStatus(options)
}

async function run(settings: WorkerSettings): Promise<void> {
  const profile = resolveProfile('pge', settings.overrides)
  const { clientId, clientSecret } = settings
  await using custodian = await openCustodian({
    profile,
    credentials: { alias: `c${clientId}`, clientId, clientSecret: () => clientSecret, bulkId: '50916' },
    certificate: settings.certificate,
    tokenStore: fileTokenStore(settings.tokens),
    turns: quotaTurns({ clientAlias: `c${clientId}`, profile }),
    log: silentLog,
  })
  installRuntime(silentLog)
  const connection = await NativeConnection.connect({ address: settings.address })
  const interceptors = { activity: [failureInterceptors] }
  const workers = [
    await Worker.create({
      connection,
      taskQueue: taskQueues.orchestrate,
      workflowBundle: settings.bundle,
      stickyQueueScheduleToStartTimeout,
    }),
    await Worker.create({
      connection,
      taskQueue: settings.taskQueue,
      activities: { askStatus: askStatus(custodian) } satisfies QuotaActivities,
      interceptors,
      maxConcurrentActivityTaskExecutions: 4,
      shutdownGraceTime: '8 seconds',
      maxTaskQueueActivitiesPerSecond: settings.perSecond,
    }),
  ]
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.shutdown()
  })
  process.send?.('ready')
  await Promise.all(workers.map(async (worker) => worker.run()))
  await connection.close()
  process.disconnect?.()
}

const [, , settings] = process.argv
if (settings !== undefined) await run(JSON.parse(settings) as WorkerSettings)
