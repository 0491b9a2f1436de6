/** The backfill's orchestration on a real Temporal server: window of children, cancel and resume, failures, a certificate refused. */
import { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { addDays, type DayWindow } from '../../schemas/calendar-day.ts'
import { messageNames, priorityKeys, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { BackfillInput, BackfillProgress } from '../../schemas/pull.ts'
import { error, scriptDeps, type Script, type ScriptedDeps } from '../support/scripted-deps.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
let scripted: ScriptedDeps
let answer: NonNullable<Script['onRequest']> = async () => 'no_data'
let owned: AsyncDisposableStack
/** What the ledger knows as settled. */
const settled: DayWindow[] = []

beforeAll(async () => {
  await using stack = new AsyncDisposableStack()
  temporal = stack.use(await startTestTemporal())
  scripted = stack.use(await scriptDeps({ settled, onRequest: async (request, n) => answer(request, n) }))
  const { address, namespace } = temporal
  const bundle = await bundleWorkflows(silentLog)
  stack.use(
    await startWorker({
      connection: { address },
      namespace,
      deps: scripted.deps,
      log: silentLog,
      bundle,
      shutdownGraceMs: 100,
    }),
  )
  owned = stack.move()
})
afterAll(async () => owned.disposeAsync())

const start = async (range: DayWindow, more: Partial<BackfillInput> = {}) => {
  const { clientAlias } = scripted.deps
  return temporal.client.workflow.start<(input: BackfillInput) => Promise<BackfillProgress>>(workflowNames.backfill, {
    workflowId: workflowIds.backfill(clientAlias),
    taskQueue: taskQueues.orchestrate,
    args: [{ clientAlias, range, monthsPerRequest: 1, inFlight: 2, asks: 1, notifyWithinMs: 60_000, ...more }],
    priority: { priorityKey: priorityKeys.backfill },
  })
}
const asked = (from: number): string[] =>
  scripted.bulkRequests.slice(from).map(({ publishedMax = '' }) => publishedMax.slice(0, 10))
const quarter = { from: '2026-01-01', to: '2026-03-31' }

test('never more in flight than allowed, the latest first; cancelled, then carried on with what is left', async () => {
  const hold = Promise.withResolvers<void>()
  let inFlight = 0
  let most = 0
  answer = async (_, n) => {
    inFlight += 1
    most = Math.max(most, inFlight)
    if (n > 1) await hold.promise
    inFlight -= 1
    return 'no_data'
  }
  const first = await start({ from: '2026-01-01', to: '2026-04-30' })
  await expect.poll(() => scripted.bulkRequests.length, { timeout: 60_000 }).toBe(3)
  const progress = await first.query<BackfillProgress>(messageNames.progress)
  expect(progress).toMatchObject({ status: 'running', windows: 4, finished: 1, noData: 1 })
  expect(progress.inFlight).toHaveLength(2)
  await first.cancel()
  hold.resolve()
  await expect(first.result()).rejects.toThrow(WorkflowFailedError)
  expect(most).toBeLessThanOrEqual(2)
  // Two at a time: the first two may overtake each other.
  expect(asked(0).slice(0, 2).sort()).toEqual(['2026-04-01', '2026-05-01'])

  settled.push(
    ...scripted.requestRecords.flatMap(({ status, window }) =>
      status === 'no_data' && window !== null ? [window] : [],
    ),
  )
  expect(settled.length).toBeGreaterThan(0)
  const from = scripted.bulkRequests.length
  const second = await start({ from: '2026-01-01', to: '2026-04-30' })
  expect(await second.result()).toMatchObject({ status: 'done', windows: 4, finished: 4 })
  expect(asked(from)).toHaveLength(4 - settled.length)
  const done = settled.map(({ to }) => to)
  for (const max of asked(from)) expect(done).not.toContain(addDays(max, -1))
  settled.splice(0)
})

test('a window that fails is named, the others go on; children give way to daily work', async () => {
  answer = async ({ publishedMax = '' }) =>
    publishedMax.startsWith('2026-03-01') ? error('REQUEST_REFUSED') : 'no_data'
  const handle = await start(quarter)
  expect(await handle.result()).toMatchObject({
    status: 'incomplete',
    finished: 3,
    noData: 2,
    failed: [{ from: '2026-02-01', to: '2026-02-28', code: 'REQUEST_REFUSED' }],
  })
  const child = temporal.client.workflow.getHandle(`${handle.workflowId}/2026-01-01_2026-01-31`)
  const description = await child.describe()
  expect(description.priority?.priorityKey).toBe(priorityKeys.backfill)
})

test('a certificate refused stops it: no further request can succeed', async () => {
  answer = async () => error('CERTIFICATE_REFUSED')
  const from = scripted.bulkRequests.length
  expect(await (await start(quarter, { inFlight: 1 })).result()).toMatchObject({ status: 'stopped', finished: 1 })
  expect(asked(from)).toHaveLength(1)
})
