/** Three worker processes, two client ids, one vendor: nothing arrives that the custodian would call too much, and little time is lost. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporalLogger } from '../../bin/temporal-runtime.ts'
import { silentLog } from '../../custodian/log.ts'
import type { ProfileOverrides } from '../../custodian/profile.ts'
import { messageNames, taskQueues, workflowIds } from '../../schemas/orchestration.ts'
import type { QuotaUsage } from '../../schemas/quota.ts'
import { ensureCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'
import type { askMany } from './load-workflow.ts'
import type { WorkerSettings } from './worker-process.ts'

const workerFile = fileURLToPath(new URL('worker-process.ts', import.meta.url))
const clients = [
  { clientId: '00123', clientSecret: 'simulated-secret' },
  { clientId: '00456', clientSecret: 'other-secret' },
] as const

let temporal: TestTemporal
let folder: string
let bundle: WorkerSettings['bundle']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-quota-'))
  temporal = await startTestTemporal()
  const workflowsPath = fileURLToPath(new URL('load-workflow.ts', import.meta.url))
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: temporalLogger(silentLog) })
  const codePath = join(folder, 'workflows.js')
  await writeFile(codePath, code)
  bundle = { codePath }
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

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

/** A custodian with these limits, and workers for its two clients: two of the first, one of the second. */
async function openSite(name: string, limits: SimulatedCustodianOptions['limits'], ours: ProfileOverrides['limits']) {
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
  const settingsOf = (client: (typeof clients)[number]): WorkerSettings => ({
    ...client,
    address: temporal.address,
    taskQueue: `${name}-${client.clientId}`,
    bundle,
    certificate: { cert, key, ca: certificates.ca },
    tokens: join(folder, name),
    overrides,
    perSecond: ours?.perSecond ?? 1,
  })
  const start = async (client: (typeof clients)[number]) => startWorker(settingsOf(client))
  const ask = async (client: (typeof clients)[number], load: { requests: number; atOnce: number; withinMs: number }) =>
    temporal.client.workflow.execute<typeof askMany>('askMany', {
      workflowId: `${name}-${client.clientId}`,
      taskQueue: taskQueues.orchestrate,
      args: [{ taskQueue: `${name}-${client.clientId}`, ...load }],
    })
  const owned = stack.move()
  return { custodian, overrides, start, ask, [Symbol.asyncDispose]: async () => owned.disposeAsync() }
}

/**
 * How long a request may be on its way. Test machines stall for longer than the default covers; answers come in a few
 * milliseconds, so that it costs nothing while they do not.
 */
const marginMs = 800

const none = { spacing: 0, hour: 0, day: 0 }

test('one a second: no two requests closer, four fifths of the rate used, across a restart', async () => {
  await using site = await openSite('real', {}, { perSecond: 1, marginMs })
  await using _first = await site.start(clients[0])
  await using second = await site.start(clients[0])
  await using _third = await site.start(clients[1])
  const asked = [
    site.ask(clients[0], { requests: 16, atOnce: 6, withinMs: 100_000 }),
    site.ask(clients[1], { requests: 14, atOnce: 4, withinMs: 100_000 }),
  ]
  await expect.poll(() => site.custodian.requests.length, { timeout: 60_000 }).toBeGreaterThan(12)
  await second[Symbol.asyncDispose]()
  await using _again = await site.start(clients[0])
  expect(await Promise.all(asked)).toEqual([
    { answered: 16, refused: 0 },
    { answered: 14, refused: 0 },
  ])
  const counts = site.custodian.limitCounts()
  expect(counts.violations, `shortest distance ${counts.shortestGapMs} ms`).toEqual(none)
  expect(counts.requests).toBe(30)
  const seconds = ((counts.lastAt_ms ?? 0) - (counts.firstAt_ms ?? 0)) / 1_000
  expect((counts.requests - 1) / seconds).toBeGreaterThanOrEqual(0.8)
  const entity = temporal.client.workflow.getHandle(workflowIds.apiQuota('real'))
  const usage = await entity.query<QuotaUsage>(messageNames.usage)
  expect(Object.values(usage.clients).map(({ hour }) => hour)).toEqual([expect.any(Number), expect.any(Number)])
}, 150_000)

test('so many an hour, so many a day, each client by itself, and a worker killed: all of it used, none too much', async () => {
  const [perHour, hourMs, perDay] = [20, 6_000, 44]
  // Not at the time of the test: the day would be over.
  const hour = Number(
    new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', hour: 'numeric', hourCycle: 'h23' }).format(),
  )
  const dayStartsAtHour = hour === 16 || hour === 17 ? 20 : 17
  await using site = await openSite(
    'fast',
    { spacingMs: 50, perHour, hourMs, perDay, dayStartsAtHour },
    {
      perSecond: 20,
      marginMs,
      perHourPerClient: perHour,
      hourMs,
      perDayPerClient: perDay,
      dayStartsAtLocal: `${dayStartsAtHour}:00`,
    },
  )
  await using _first = await site.start(clients[0])
  await using second = await site.start(clients[0])
  await using _third = await site.start(clients[1])
  const asked = [
    site.ask(clients[0], { requests: 50, atOnce: 8, withinMs: 40_000 }),
    site.ask(clients[1], { requests: 15, atOnce: 4, withinMs: 40_000 }),
  ]
  await expect.poll(() => site.custodian.requests.length, { timeout: 60_000 }).toBeGreaterThan(20)
  second.kill('SIGKILL')
  const [first, other] = await Promise.all(asked)
  const { violations, clients: used } = site.custodian.limitCounts()
  expect(violations).toEqual(none)
  expect(other).toEqual({ answered: 15, refused: 0 })
  expect(used[clients[1].clientId]?.requests).toBe(15)
  // The killed process took its moments along.
  expect(used[clients[0].clientId]?.requests).toBeGreaterThanOrEqual(perDay * 0.8)
  expect(used[clients[0].clientId]?.requests).toBeLessThanOrEqual(perDay)
  expect((first?.answered ?? 0) + (first?.refused ?? 0)).toBe(50)
}, 150_000)
