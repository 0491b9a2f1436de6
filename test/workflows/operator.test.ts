/** What an operator may do about a package that failed, on a real Temporal server; the custodian and the lake follow a script. */
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { readOperatorWork, orderParked } from '../../bin/parked-packages.ts'
import { silentLog } from '../../custodian/log.ts'
import type {
  IngestProgress,
  NotificationOutcome,
  ReceivedNotification,
  ResourceOutcome,
} from '../../schemas/ingest.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { Authorization } from '../../custodian/authorization.ts'
import { bulkUrl, error, scriptDeps, type Script, batchList } from '../support/scripted-deps.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>

beforeAll(async () => {
  ;[temporal, bundle] = await Promise.all([startTestTemporal(), bundleWorkflows(silentLog)])
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
})

const resourceId = (received: ReceivedNotification, url: string): string =>
  workflowIds.resource(received.notificationId, createHash('sha256').update(url).digest('hex'))

/** A worker, and one notification with these URLs started on it. */
async function open(script: Script, urls: readonly string[]) {
  await using stack = new AsyncDisposableStack()
  const scripted = stack.use(await scriptDeps(script))
  const { address, namespace } = temporal
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
  const received = await scripted.spoolBody(`${batchList(urls)}<!-- ${randomUUID()} -->`)
  const notification = await temporal.client.workflow.start(workflowNames.ingestNotification, {
    workflowId: workflowIds.notification(received.notificationId),
    taskQueue: taskQueues.orchestrate,
    args: [{ received }],
  })
  const owned = stack.move()
  return {
    scripted,
    outcome: async () => (await notification.result()) as NotificationOutcome,
    resource: (url: string) => temporal.client.workflow.getHandle(resourceId(received, url)),
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

const stepOf = async (handle: ReturnType<TestTemporal['client']['workflow']['getHandle']>) =>
  (await handle.query<IngestProgress>(messageNames.progress)).step

test('a poisoned package parks, its notification goes on, an operator has it fetched anew', async () => {
  const poisoned = randomUUID()
  await using site = await open({ loadErrors: [error('FEED_TRUNCATED')] }, [bulkUrl(poisoned)])
  const outcome = await site.outcome()
  expect(outcome).toMatchObject({
    status: 'failed',
    resources: [{ status: 'failed', code: 'FEED_TRUNCATED', parked: true }],
  })
  const run = site.resource(bulkUrl(poisoned))
  expect((await run.describe()).status.name).toBe('RUNNING')
  expect(await run.query(messageNames.progress)).toEqual({ step: 'parked', code: 'FEED_TRUNCATED' })
  const listed = async () =>
    (await readOperatorWork(temporal.client)).find(({ workflowId }) => workflowId === run.workflowId)
  await expect.poll(listed, { timeout: 60_000 }).toMatchObject({ code: 'FEED_TRUNCATED', feed: 'usage' })

  await orderParked(temporal.client, 'retry', run.workflowId)
  expect((await run.result()) as ResourceOutcome).toMatchObject({ status: 'loaded' })
  // What came was no feed: the custodian was asked anew, not the archive.
  expect(site.scripted.requests.get(poisoned)).toBe(2)
  await expect.poll(listed, { timeout: 60_000 }).toBeUndefined()
})

test('what an operator mends here is tried with the bytes that are here', async () => {
  const mended = randomUUID()
  await using site = await open({ loadErrors: [error('LAKE_NOT_WRITABLE')] }, [bulkUrl(mended)])
  await site.outcome()
  await site.resource(bulkUrl(mended)).executeUpdate(messageNames.retryNow)
  expect(await site.resource(bulkUrl(mended)).result()).toMatchObject({ status: 'loaded' })
  expect(site.scripted.requests.get(mended)).toBe(1)
})

test('a package that is given up ends as it failed', async () => {
  const hopeless = randomUUID()
  await using lost = await open({ downloads: { [hopeless]: [error('REQUEST_REFUSED')] } }, [bulkUrl(hopeless)])
  await lost.outcome()
  await lost.resource(bulkUrl(hopeless)).executeUpdate(messageNames.abandon)
  expect(await lost.resource(bulkUrl(hopeless)).result()).toMatchObject({ status: 'failed', code: 'REQUEST_REFUSED' })
})

test('an order comes through while a package waits for its next try', async () => {
  const [later, never] = [randomUUID(), randomUUID()]
  const wait = error('RATE_LIMITED', { retryAfterMs: 3_000_000 })
  await using site = await open({ downloads: { [later]: [wait, later], [never]: [wait] } }, [
    bulkUrl(later),
    bulkUrl(never),
  ])
  const [first, second] = [site.resource(bulkUrl(later)), site.resource(bulkUrl(never))]
  await expect.poll(() => [...site.scripted.requests.values()], { timeout: 60_000 }).toEqual([1, 1])
  expect(await stepOf(first)).toBe('downloading')
  await first.executeUpdate(messageNames.retryNow)
  await second.executeUpdate(messageNames.abandon)
  expect(await site.outcome()).toMatchObject({
    status: 'partial',
    resources: [{ status: 'loaded' }, { status: 'failed', message: 'an operator gave it up' }],
  })
})

const authorizationUrl = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource/Authorization/1000417'
const told: Authorization = {
  authorizationId: '1000417',
  gone: false,
  status: 1,
  authorizedStartAt: '2025-01-01T00:00:00.000Z',
  authorizedEndAt: null,
  publishedStartAt: null,
  publishedEndAt: null,
  expiresAt: null,
  scope: 'FB=1_3',
  resource: '/Subscription/1000417',
  customerResource: null,
  publishedAt: null,
  updatedAt: null,
  resourceUri: null,
}

test('a changed authorization is fetched', async () => {
  await using changed = await open({ authorizations: [[told]] }, [authorizationUrl])
  expect(await changed.outcome()).toMatchObject({
    status: 'ingested',
    resources: [{ status: 'noted', authorizations: 1, entitled: true }],
  })
  expect(changed.scripted.authorizations).toMatchObject([{ authorizationId: '1000417', status: 1 }])
})

test('an authorization that is gone is recorded as such', async () => {
  await using gone = await open({ authorizations: [error('RESOURCE_GONE')] }, [authorizationUrl])
  await gone.outcome()
  expect(gone.scripted.authorizations).toMatchObject([{ authorizationId: '1000417', gone: true }])
})

test('a refusal to tell of authorizations is no failure', async () => {
  await using refused = await open({ authorizations: [error('TOKEN_EXPIRED'), error('TOKEN_EXPIRED')] }, [
    authorizationUrl,
  ])
  expect(await refused.outcome()).toMatchObject({
    status: 'ingested',
    resources: [{ status: 'noted', authorizations: 0, entitled: false }],
  })
  expect(refused.scripted.tokens).toHaveLength(2)
})
