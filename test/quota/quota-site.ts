/** A custodian that counts and enforces limits, worker processes of its two clients, a real Temporal server. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'
import { temporalLogger } from '../../bin/temporal-runtime.ts'
import { silentLog } from '../../custodian/log.ts'
import type { ProfileOverrides } from '../../custodian/profile.ts'
import { taskQueues } from '../../schemas/orchestration.ts'
import { ensureCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'
import { startTestTemporal } from '../support/temporal.ts'
import type { askMany } from './load-workflow.ts'
import type { WorkerSettings } from './worker-process.ts'

const workerFile = fileURLToPath(new URL('worker-process.ts', import.meta.url))

/** The two clients of the vendor. */
export const clients = [
  { clientId: '00123', clientSecret: 'simulated-secret' },
  { clientId: '00456', clientSecret: 'other-secret' },
] as const
type Client = (typeof clients)[number]

/** No violation. */
export const none = { spacing: 0, hour: 0, day: 0 }

/** The server and the workflow code that sites share. */
export async function openGround() {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'meterlake-quota-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const temporal = stack.use(await startTestTemporal())
  const workflowsPath = fileURLToPath(new URL('load-workflow.ts', import.meta.url))
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: temporalLogger(silentLog) })
  const codePath = join(folder, 'workflows.js')
  await writeFile(codePath, code)
  const owned = stack.move()
  return { folder, temporal, bundle: { codePath }, [Symbol.asyncDispose]: async () => owned.disposeAsync() }
}
export type Ground = Awaited<ReturnType<typeof openGround>>

async function startWorker(settings: WorkerSettings): Promise<ChildProcess & AsyncDisposable> {
  const child = fork(workerFile, [JSON.stringify(settings)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the worker ended')
    }),
  ])
  return Object.assign(child, {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  })
}

/** A custodian with these limits, and ways to start workers of its clients and to have them ask. */
export async function openSite(
  { folder, temporal, bundle }: Ground,
  name: string,
  limits: SimulatedCustodianOptions['limits'],
  ours: ProfileOverrides['limits'],
) {
  await using stack = new AsyncDisposableStack()
  const certificates = await ensureCertificates(join(folder, 'certificates'))
  const custodian = stack.use(
    await startSimulatedCustodian({
      certificates,
      moreClients: clients.slice(1),
      limits: { ...limits, enforce: true },
    }),
  )
  const overrides: ProfileOverrides = {
    name,
    endpoints: { token: custodian.tokenUrl, resource: custodian.resourceUrl },
    limits: ours,
  }
  const { cert, key } = certificates.client
  const settingsOf = (client: Client): WorkerSettings => ({
    ...client,
    address: temporal.address,
    taskQueue: `${name}-${client.clientId}`,
    bundle,
    certificate: { cert, key, ca: certificates.ca },
    tokens: join(folder, name),
    overrides,
    perSecond: ours?.perSecond ?? 1,
  })
  const start = async (client: Client) => startWorker(settingsOf(client))
  const ask = async (client: Client, load: { requests: number; atOnce: number; withinMs: number }) =>
    temporal.client.workflow.execute<typeof askMany>('askMany', {
      workflowId: `${name}-${client.clientId}`,
      taskQueue: taskQueues.orchestrate,
      args: [{ taskQueue: `${name}-${client.clientId}`, ...load }],
    })
  const owned = stack.move()
  return { custodian, overrides, start, ask, [Symbol.asyncDispose]: async () => owned.disposeAsync() }
}
