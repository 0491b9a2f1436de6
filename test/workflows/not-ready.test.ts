/** A notified package that is still being prepared (202): its notification goes on without it, and it is asked for until it is there. */
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import type {
  IngestProgress,
  NotificationOutcome,
  ReceivedNotification,
  ResourceOutcome,
} from '../../schemas/ingest.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { PullInput, PullOutcome } from '../../schemas/pull.ts'
import { batchList, bulkUrl, error, scriptDeps, type Script, type ScriptedDeps } from '../support/scripted-deps.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>

beforeAll(async () => {
  ;[temporal, bundle] = await Promise.all([startTestTemporal(), bundleWorkflows(silentLog)])
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
})

interface Bench extends AsyncDisposable {
  readonly scripted: ScriptedDeps
  notify(
    urls: readonly string[],
  ): Promise<{ received: ReceivedNotification; result: () => Promise<NotificationOutcome> }>
  /** The run of one URL of a notification. */
  run(received: ReceivedNotification, url: string): ReturnType<TestTemporal['client']['workflow']['getHandle']>
}

async function open(script: Script): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const scripted = stack.use(await scriptDeps(script))
  const { address, namespace, client } = temporal
  const { deps } = scripted
  stack.use(
    await startWorker({ connection: { address }, namespace, deps, log: silentLog, bundle, shutdownGraceMs: 100 }),
  )
  const owned = stack.move()
  return {
    scripted,
    notify: async (urls) => {
      const received = await scripted.spoolBody(batchList(urls))
      const handle = await client.workflow.start(workflowNames.ingestNotification, {
        workflowId: workflowIds.notification(received.notificationId),
        taskQueue: taskQueues.orchestrate,
        args: [{ received }],
      })
      return { received, result: async () => (await handle.result()) as NotificationOutcome }
    },
    run: ({ notificationId }, url) =>
      client.workflow.getHandle(workflowIds.resource(notificationId, createHash('sha256').update(url).digest('hex'))),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

const notYet = error('NOT_READY', { retryAfterMs: 300 })

test('the others go on, it is asked for again and loaded; the notification says what it lacks', async () => {
  const [late, there] = [`late-${randomUUID()}`, randomUUID()]
  await using bench = await open({ downloads: { [late]: [notYet, notYet, notYet, late] } })
  const { received, result } = await bench.notify([bulkUrl(late), bulkUrl(there)])
  expect(await result()).toMatchObject({
    status: 'partial',
    resources: [{ status: 'not_ready', waits: true }, { status: 'loaded' }],
  })
  expect(bench.scripted.notifications).toMatchObject([
    { status: 'partial', resources: 2, loaded: 1, message: '1 still being prepared' },
  ])
  expect((await bench.run(received, bulkUrl(late)).result()) as ResourceOutcome).toMatchObject({ status: 'loaded' })
  expect(bench.scripted.requests.get(late)).toBe(4)
  expect(bench.scripted.ledger.size).toBe(2)
})

test('the pull that asked for it is told when it is there', async () => {
  const late = `late-${randomUUID()}`
  await using bench = await open({ downloads: { [late]: [notYet, notYet, late] } })
  const { deps, requestRecords } = bench.scripted
  const window = { from: '2026-01-01', to: '2026-01-31' }
  const target = { feed: 'usage', by: 'published', window } as const
  const pull = await temporal.client.workflow.start<(input: PullInput) => Promise<PullOutcome>>(
    workflowNames.pullFeed,
    {
      workflowId: workflowIds.pull(deps.clientAlias, target),
      taskQueue: taskQueues.orchestrate,
      args: [{ ...target, clientAlias: deps.clientAlias, reason: 'pull', asks: 1, notifyWithinMs: 60_000 }],
    },
  )
  await expect.poll(() => requestRecords.length, { timeout: 60_000 }).toBe(1)
  await bench.notify([bulkUrl(late)])
  expect(await pull.result()).toMatchObject({ status: 'answered', asked: 1, loaded: 1 })
})

test('while it waits it says so, and an operator has it asked for at once', async () => {
  const late = `late-${randomUUID()}`
  const long = error('NOT_READY', { retryAfterMs: 3_600_000 })
  await using bench = await open({ downloads: { [late]: [long, long, late] } })
  const { received, result } = await bench.notify([bulkUrl(late)])
  expect(await result()).toMatchObject({ status: 'partial' })
  const run = bench.run(received, bulkUrl(late))
  await expect.poll(() => bench.scripted.requests.get(late), { timeout: 60_000 }).toBe(2)
  expect(await run.query<IngestProgress>(messageNames.progress)).toEqual({ step: 'waiting' })
  await run.executeUpdate(messageNames.retryNow)
  expect((await run.result()) as ResourceOutcome).toMatchObject({ status: 'loaded' })
  expect(bench.scripted.requests.get(late)).toBe(3)
})

test('a URL without correlationID asks for something new each time: one request, the custodian notifies', async () => {
  await using bench = await open({ downloads: { '': [notYet] } })
  const url = bulkUrl('').replace(/\?.*$/, `?published-min=2026-01-01T08:00:00Z&x=${randomUUID()}`)
  const { result } = await bench.notify([url])
  expect(await result()).toEqual({ status: 'ingested', resources: [{ status: 'not_ready' }] })
  expect(bench.scripted.requests.get('')).toBe(1)
})
