/** Ad hoc pulls on a real Temporal server: the custodian follows a script, notifications come early, twice, late or never. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { OutstandingRequest, PullInput, PullOutcome } from '../../schemas/pull.ts'
import { error, scriptDeps, type Script, type ScriptedDeps } from '../support/scripted-deps.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>

beforeAll(async () => {
  ;[temporal, bundle] = await Promise.all([startTestTemporal(), bundleWorkflows(silentLog)])
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
})

const january = { from: '2026-01-01', to: '2026-01-31' }
const usage = { feed: 'usage', by: 'published', window: january } as const

interface Bench extends AsyncDisposable {
  readonly scripted: ScriptedDeps
  start(input?: Partial<PullInput>): Promise<{ result(): Promise<PullOutcome>; cancel(): Promise<unknown> }>
  /** As the forwarder does it. */
  notify(correlationIds: readonly string[]): Promise<void>
  outstanding(): Promise<readonly OutstandingRequest[]>
}

async function open(script: Script): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const scripted = stack.use(await scriptDeps(script))
  const { deps } = scripted
  const { address, namespace, client } = temporal
  stack.use(
    await startWorker({ connection: { address }, namespace, deps, log: silentLog, bundle, shutdownGraceMs: 100 }),
  )
  const owned = stack.move()
  const { clientAlias } = deps
  return {
    scripted,
    start: async (more = {}) => {
      const input = { ...usage, clientAlias, reason: 'pull', asks: 3, notifyWithinMs: 60_000, ...more } as const
      return client.workflow.start<(input: PullInput) => Promise<PullOutcome>>(workflowNames.pullFeed, {
        workflowId: workflowIds.pull(clientAlias, input),
        taskQueue: taskQueues.orchestrate,
        args: [input],
      })
    },
    notify: async (correlationIds) => {
      const received = await scripted.spool(correlationIds)
      await client.workflow.start(workflowNames.ingestNotification, {
        workflowId: workflowIds.notification(received.notificationId),
        taskQueue: taskQueues.orchestrate,
        args: [{ received }],
      })
    },
    outstanding: async () =>
      client.workflow
        .getHandle(workflowIds.outstandingRequests(clientAlias))
        .query<readonly OutstandingRequest[]>(messageNames.outstanding),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

const rows = ({ requestRecords }: ScriptedDeps) => requestRecords.map(({ ask, status }) => `${ask} ${status}`)
const accepted = async (bench: Bench, n = 1): Promise<void> =>
  expect.poll(() => rows(bench.scripted).filter((row) => row.endsWith('accepted')).length, { timeout: 60_000 }).toBe(n)

describe('202, then the notification', () => {
  test('one request with our transaction and both dates in Zulu; the answer is recorded', async () => {
    await using bench = await open({})
    const pull = await bench.start()
    await accepted(bench)
    await bench.notify([randomUUID(), randomUUID()])
    expect(await pull.result()).toMatchObject({ status: 'answered', asked: 1, answered: 1, loaded: 2, code: null })
    const [request] = bench.scripted.bulkRequests
    expect(request).toMatchObject({
      feed: 'usage',
      publishedMin: '2026-01-01T08:00:00Z',
      publishedMax: '2026-02-01T07:59:59Z',
    })
    expect(request?.updatedMin).toBeUndefined()
    const [first, last] = bench.scripted.requestRecords
    const requestId = request?.transaction
    expect(first).toMatchObject({ status: 'accepted', requestId, transaction: 'theirs-1', window: january })
    expect(last).toMatchObject({ status: 'answered', requestId, resources: 2, loaded: 2 })
    expect(last?.notificationId).toMatch(/^[0-9a-f]{64}$/)
    await expect.poll(async () => (await bench.outstanding()).length, { timeout: 60_000 }).toBe(0)
  })

  test('the notification overtakes the 202, and comes twice', async () => {
    const its: { bench?: Bench } = {}
    await using bench = await open({
      onRequest: async () => {
        await its.bench?.notify(['early'])
        await its.bench?.notify(['early-again'])
        await sleep(3_000)
        return 'accepted'
      },
    })
    its.bench = bench
    const pull = await bench.start({ notifyWithinMs: 60_000 })
    expect(await pull.result()).toMatchObject({ status: 'answered', asked: 1, loaded: 1 })
    expect(bench.scripted.ledger.size).toBe(2)
  })

  test('never: asked again, then failed by name', async () => {
    await using bench = await open({})
    const pull = await bench.start({ asks: 2, notifyWithinMs: 1_000 })
    expect(await pull.result()).toMatchObject({ status: 'failed', asked: 2, failed: 1, code: 'REQUEST_UNANSWERED' })
    expect(rows(bench.scripted)).toEqual(['1 accepted', '1 unanswered', '2 accepted', '2 unanswered'])
    await expect.poll(async () => (await bench.outstanding()).length, { timeout: 60_000 }).toBe(0)
  })

  test('late: after it was asked for again, the answer counts all the same', async () => {
    await using bench = await open({})
    const pull = await bench.start({ asks: 2, notifyWithinMs: 15_000 })
    await accepted(bench, 2)
    await bench.notify([randomUUID()])
    expect(await pull.result()).toMatchObject({ status: 'answered', asked: 2, answered: 1 })
  })

  test('a daily package that comes meanwhile is not taken for the answer', async () => {
    const daily = { from: '2025-06-01', to: '2026-11-21' }
    await using bench = await open({ daysOf: (id) => (id.startsWith('daily') ? daily : january) })
    const pull = await bench.start()
    await accepted(bench)
    await bench.notify([`daily-${randomUUID()}`])
    await expect.poll(() => bench.scripted.notifications.length, { timeout: 60_000 }).toBe(1)
    expect(await bench.outstanding()).toHaveLength(1)
    await bench.notify([randomUUID()])
    expect(await pull.result()).toMatchObject({ status: 'answered', loaded: 1 })
  })

  test('its package parks: the request is answered and says so, the pull does not wait for an operator', async () => {
    await using bench = await open({ loadErrors: [error('FEED_NOT_WELL_FORMED')] })
    const pull = await bench.start()
    await accepted(bench)
    await bench.notify([randomUUID()])
    const message = '1 of 1 files failed: see the notification'
    expect(await pull.result()).toMatchObject({ status: 'answered', asked: 1, loaded: 0, code: null, message })
    expect(bench.scripted.requestRecords.at(-1)).toMatchObject({ status: 'answered', resources: 1, loaded: 0, message })
  })

  test('cancelled, nobody waits any more', async () => {
    await using bench = await open({})
    const pull = await bench.start()
    await accepted(bench)
    await pull.cancel()
    await expect(pull.result()).rejects.toThrow(WorkflowFailedError)
    await expect.poll(async () => (await bench.outstanding()).length, { timeout: 60_000 }).toBe(0)
  })
})

describe('other answers', () => {
  let answer: NonNullable<Script['onRequest']>
  let bench: Bench
  beforeAll(async () => {
    bench = await open({ onRequest: async (request, n) => answer(request, n) })
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
  })

  /** One pull whose requests are answered so: its outcome, the requests, the rows of ops.request. */
  async function pull(answering: typeof answer, input: Partial<PullInput> = {}) {
    answer = answering
    const { bulkRequests, requestRecords } = bench.scripted
    const [from, fromRow] = [bulkRequests.length, requestRecords.length]
    const outcome = await (await bench.start(input)).result()
    const records = requestRecords.slice(fromRow)
    return {
      outcome,
      requests: bulkRequests.slice(from),
      records,
      rows: records.map(({ ask, status }) => `${ask} ${status}`),
    }
  }

  test('204 is an answer', async () => {
    const { outcome, records } = await pull(async () => 'no_data')
    expect(outcome).toMatchObject({ status: 'no_data', asked: 1, noData: 1 })
    expect(records).toMatchObject([{ status: 'no_data', transaction: 'theirs-1' }])
  })

  test('too large a range is asked for in halves, down to what is taken', async () => {
    const nineDays = 9 * 86_400_000
    const { outcome, requests, rows } = await pull(async ({ publishedMin = '', publishedMax = '' }) =>
      Date.parse(publishedMax) - Date.parse(publishedMin) > nineDays ? 'too_large' : 'no_data',
    )
    expect(outcome).toMatchObject({ status: 'no_data', noData: 4, asked: 7 })
    expect(requests).toHaveLength(7)
    expect(rows.filter((row) => row.endsWith('split'))).toHaveLength(3)
  })

  test('a bill falls inside: a short range of readings is widened, one of changes is not', async () => {
    const window = { from: '2026-01-31', to: '2026-01-31' }
    const published = await pull(async () => 'no_data', { window })
    expect(published.requests).toMatchObject([
      { publishedMin: '2026-01-02T08:00:00Z', publishedMax: '2026-02-01T07:59:59Z' },
    ])
    const updated = await pull(async () => 'no_data', { window, by: 'updated' })
    expect(updated.requests).toMatchObject([{ updatedMin: '2026-01-31T08:00:00Z', updatedMax: '2026-02-01T07:59:59Z' }])
  })

  test('enrolment refused with a fresh token: not entitled, said once', async () => {
    const programs = { feed: 'program', by: null, window: null } as const
    const { outcome, requests, rows } = await pull(async () => error('TOKEN_EXPIRED'), programs)
    expect(outcome).toMatchObject({ status: 'not_entitled', asked: 1, code: null })
    expect(requests).toHaveLength(2)
    expect(rows).toEqual(['1 not_entitled'])
  })

  test('changes refused: the readings of the days instead', async () => {
    const { outcome, rows } = await pull(
      async ({ updatedMin }) => (updatedMin === undefined ? 'no_data' : error('REQUEST_REFUSED')),
      { by: 'updated' },
    )
    expect(outcome).toMatchObject({ status: 'no_data', asked: 2, failed: 0 })
    expect(rows).toEqual(['1 failed', '1 no_data'])
  })

  test('changes refused of each half: the readings of each half, once', async () => {
    const { requests } = await pull(
      async ({ updatedMin, updatedMax = '' }) =>
        updatedMin === undefined
          ? 'no_data'
          : updatedMin < '2026-01-02' && updatedMax > '2026-03'
            ? 'too_large'
            : error('REQUEST_REFUSED'),
      { by: 'updated', window: { from: '2026-01-01', to: '2026-03-01' } },
    )
    const readings = ['2026-01-31T08:00:00Z', '2026-01-01T08:00:00Z']
    expect(requests.flatMap(({ publishedMin }) => publishedMin ?? [])).toEqual(readings)
  })

  test('Invalid Certificate stops it by name', async () => {
    const { outcome } = await pull(async () => error('CERTIFICATE_REFUSED'))
    expect(outcome).toMatchObject({ status: 'failed', asked: 1, code: 'CERTIFICATE_REFUSED' })
  })
})
