/** The orchestration on a real Temporal server; the custodian and the lake follow a script. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { WorkflowFailedError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { IngestProgress, NotificationOutcome, ReceivedNotification, TokenHandle } from '../../schemas/ingest.ts'
import { bulkUrl, error, scriptDeps, type Script, type ScriptedDeps } from '../support/scripted-deps.ts'
import { silentLog } from '../../custodian/log.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
let bundle: Awaited<ReturnType<typeof bundleWorkflows>>

beforeAll(async () => {
  ;[temporal, bundle] = await Promise.all([startTestTemporal(), bundleWorkflows(silentLog)])
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
})

const work = async ({ deps }: ScriptedDeps) =>
  startWorker({
    connection: { address: temporal.address },
    namespace: temporal.namespace,
    deps,
    log: silentLog,
    bundle,
    shutdownGraceMs: 100,
  })

const start = async (received: ReceivedNotification) =>
  temporal.client.workflow.start(workflowNames.ingestNotification, {
    workflowId: workflowIds.notification(received.notificationId),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    taskQueue: taskQueues.orchestrate,
    args: [{ received }],
  })

/** Ingests one notification with a worker of its own. */
async function ingest(script: Script, correlationIds: readonly string[]) {
  await using scripted = await scriptDeps(script)
  await using _worker = await work(scripted)
  const handle = await start(await scripted.spool(correlationIds))
  const outcome = (await handle.result()) as NotificationOutcome
  const { requests, notifications, ledger, tokens } = scripted
  return { outcome, requests, notifications, ledger, tokens, handle }
}

const unique = (): string => randomUUID()

describe('ingestNotification', () => {
  test('each URL is downloaded, loaded and published; the notification is recorded', async () => {
    const [one, two] = [unique(), unique()]
    const { outcome, notifications, ledger, requests, tokens } = await ingest({}, [one, two])
    expect(outcome).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }, { status: 'loaded' }] })
    expect(ledger.size).toBe(2)
    expect([...requests.values()]).toEqual([1, 1])
    expect(tokens).toHaveLength(1)
    expect(notifications).toMatchObject([{ status: 'ingested', resources: 2, refused: 0, loaded: 2, message: null }])
  })

  test('what fails, fails alone', async () => {
    const [good, gone, broken] = [unique(), unique(), unique()]
    const downloads = { [gone]: [error('RESOURCE_GONE')] }
    const { outcome, notifications } = await ingest({ downloads, loadErrors: [error('FEED_NOT_WELL_FORMED')] }, [
      gone,
      broken,
    ])
    expect(outcome).toMatchObject({
      status: 'failed',
      resources: [
        { status: 'failed', code: 'RESOURCE_GONE' },
        { status: 'failed', code: 'FEED_NOT_WELL_FORMED' },
      ],
    })
    expect(notifications).toMatchObject([{ status: 'failed', loaded: 0 }])
    const second = await ingest({ downloads }, [good, gone])
    expect(second.outcome).toMatchObject({
      status: 'partial',
      resources: [{ status: 'loaded' }, { status: 'failed', code: 'RESOURCE_GONE' }],
    })
    expect(second.notifications).toMatchObject([{ status: 'partial', loaded: 1, message: '1 failed: RESOURCE_GONE' }])
  })

  test.each([
    ['malformed', 'this is no XML'],
    ['empty', '<BatchList xmlns="http://naesb.org/espi"/>'],
    ['sentinel', `<BatchList xmlns="http://naesb.org/espi"><resources>${bulkUrl('000000000')}</resources></BatchList>`],
    ['refused', '<BatchList xmlns="http://naesb.org/espi"><resources>https://evil.example/x</resources></BatchList>'],
  ])('a notification that is %s is recorded and fetches nothing', async (status, body) => {
    await using scripted = await scriptDeps()
    await using _worker = await work(scripted)
    const handle = await start(await scripted.spoolBody(`${body}<!-- ${unique()} -->`))
    expect(await handle.result()).toMatchObject({ status, resources: [] })
    expect(scripted.notifications).toMatchObject([{ status, loaded: 0 }])
    expect(scripted.requests.size).toBe(0)
  })

  test('the same bytes again are known', async () => {
    await using scripted = await scriptDeps({ downloads: { a1: ['same bytes'], a2: ['same bytes'] } })
    await using _worker = await work(scripted)
    const first = (await (await start(await scripted.spool(['a1']))).result()) as NotificationOutcome
    const second = (await (await start(await scripted.spool(['a2']))).result()) as NotificationOutcome
    expect(first.resources).toMatchObject([{ status: 'loaded' }])
    expect(second).toMatchObject({ status: 'ingested', resources: [{ status: 'known', load: { commit: 1 } }] })
  })

  test('progress is answered while it runs', async () => {
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    await using scripted = await scriptDeps({
      onLoad: async () => {
        reached.resolve()
        await go.promise
      },
    })
    await using _worker = await work(scripted)
    const handle = await start(await scripted.spool([unique()]))
    await reached.promise
    const progress = await handle.query<IngestProgress>(messageNames.progress)
    expect(progress).toEqual({ step: 'downloading', resources: 1, finished: 0 })
    go.resolve()
    await handle.result()
    expect(await handle.query<IngestProgress>(messageNames.progress)).toMatchObject({ step: 'done', finished: 1 })
  })

  test('search attributes say how it stands and until when', async () => {
    const { handle } = await ingest({}, [unique()])
    const { typedSearchAttributes } = await handle.describe()
    const values = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))
    expect(values).toMatchObject({ MeterlakeStatus: 'ingested', MeterlakeDeadline: expect.any(Date) as Date })
  })
})

describe('retries, by code', () => {
  test.each(['CUSTODIAN_UNAVAILABLE', 'BODY_INCOMPLETE', 'CONNECTION_FAILED'] as const)(
    '%s: asked again',
    async (code) => {
      const id = unique()
      const { outcome, requests } = await ingest({ downloads: { [id]: [error(code), id] } }, [id])
      expect(outcome.status).toBe('ingested')
      expect(requests.get(id)).toBe(2)
    },
  )

  test('RATE_LIMITED: not before Retry-After', async () => {
    const id = unique()
    const { outcome, requests, handle } = await ingest(
      { downloads: { [id]: [error('RATE_LIMITED', { retryAfterMs: 3_000 }), id] } },
      [id],
    )
    expect(outcome.status).toBe('ingested')
    expect(requests.get(id)).toBe(2)
    const { events } = await handle.fetchHistory()
    const at = (index: number) => Number(events?.at(index)?.eventTime?.seconds)
    expect(at(-1) - at(0)).toBeGreaterThanOrEqual(3)
  })

  test.each(['CERTIFICATE_REFUSED', 'RESOURCE_GONE', 'REQUEST_REFUSED', 'URL_REFUSED'] as const)(
    '%s: final',
    async (code) => {
      const id = unique()
      const { outcome, requests } = await ingest({ downloads: { [id]: [error(code), id] } }, [id])
      expect(outcome).toMatchObject({ status: 'failed', resources: [{ status: 'failed', code }] })
      expect(requests.get(id)).toBe(1)
    },
  )

  test('204 is no data, and no failure', async () => {
    const none = unique()
    const { outcome } = await ingest({ downloads: { [none]: [error('NO_DATA')] } }, [none])
    expect(outcome).toEqual({ status: 'ingested', resources: [{ status: 'no_data' }] })
  })

  test('a load process that crashes is tried again, at most five times', async () => {
    const crash = error('LOAD_CRASHED')
    const once = await ingest({ loadErrors: [crash] }, [unique()])
    expect(once.outcome.status).toBe('ingested')
    const always = await ingest({ loadErrors: Array.from({ length: 9 }, () => crash) }, [unique()])
    expect(always.outcome).toMatchObject({ resources: [{ status: 'failed', code: 'LOAD_CRASHED' }] })
  })

  test('403 in mid-run: the token is refreshed once, then the request is made anew', async () => {
    const id = unique()
    const { outcome, requests, tokens } = await ingest({ downloads: { [id]: [error('TOKEN_EXPIRED'), id] } }, [id])
    expect(outcome.status).toBe('ingested')
    expect(requests.get(id)).toBe(2)
    expect(tokens).toHaveLength(2)
  })

  test('403 for a fresh token too: final', async () => {
    const id = unique()
    const { outcome, requests, tokens } = await ingest({ downloads: { [id]: [error('TOKEN_EXPIRED')] } }, [id])
    expect(outcome).toMatchObject({ resources: [{ status: 'failed', code: 'TOKEN_EXPIRED' }] })
    expect(requests.get(id)).toBe(2)
    expect(tokens).toHaveLength(2)
  })
})

describe('clientToken', () => {
  test('twenty who ask at once cost one request', async () => {
    const { outcome, tokens } = await ingest(
      { onToken: async () => sleep(500) },
      Array.from({ length: 20 }, () => unique()),
    )
    expect(outcome.status).toBe('ingested')
    expect(tokens).toHaveLength(1)
  })

  test('a refused client id is final and says so; the entity lives on', async () => {
    const id = unique()
    await using scripted = await scriptDeps({ tokenErrors: [error('TOKEN_REFUSED')] })
    await using _worker = await work(scripted)
    const first = (await (await start(await scripted.spool([id]))).result()) as NotificationOutcome
    expect(first).toMatchObject({ resources: [{ status: 'failed', code: 'TOKEN_REFUSED' }] })
    const second = (await (await start(await scripted.spool([unique()]))).result()) as NotificationOutcome
    expect(second.status).toBe('ingested')
    const entity = temporal.client.workflow.getHandle(workflowIds.clientToken(scripted.deps.clientAlias))
    expect((await entity.describe()).status.name).toBe('RUNNING')
  })

  test('an unavailable token endpoint is asked again', async () => {
    const { outcome, tokens } = await ingest({ tokenErrors: [error('CUSTODIAN_UNAVAILABLE')] }, [unique()])
    expect(outcome.status).toBe('ingested')
    expect(tokens).toHaveLength(1)
  })

  test('a token the store has lost is made anew', async () => {
    await using scripted = await scriptDeps()
    const { custodian } = scripted.deps
    let lost = false
    const forgetful = {
      ...scripted,
      deps: {
        ...scripted.deps,
        custodian: {
          ...custodian,
          currentToken: async () => (lost ? undefined : custodian.currentToken()),
          refreshToken: async () => {
            lost = false
            return custodian.refreshToken()
          },
        },
      },
    }
    await using _worker = await work(forgetful)
    await (await start(await scripted.spool([unique()]))).result()
    lost = true
    const outcome = (await (await start(await scripted.spool([unique()]))).result()) as NotificationOutcome
    expect(outcome.status).toBe('ingested')
    expect(scripted.tokens).toHaveLength(2)
  })

  test('it continues as new and keeps what it knows', async () => {
    await using scripted = await scriptDeps()
    await using _worker = await work(scripted)
    const workflowId = workflowIds.clientToken(scripted.deps.clientAlias)
    const entity = await temporal.client.workflow.start(workflowNames.clientToken, {
      workflowId,
      taskQueue: taskQueues.orchestrate,
      args: [{ clientAlias: scripted.deps.clientAlias, handle: null }],
    })
    const ask = async () => entity.executeUpdate<TokenHandle, [object]>(messageNames.ensureFresh, { args: [{}] })
    const first = await ask()
    for (let round = 0; round < 50; round += 1) {
      expect(
        new Set((await Promise.all(Array.from({ length: 10 }, ask))).map(({ fingerprint }) => fingerprint)),
      ).toEqual(new Set([first.fingerprint]))
    }
    const latest = temporal.client.workflow.getHandle(workflowId)
    expect((await latest.describe()).runId).not.toBe(entity.firstExecutionRunId)
    expect(await latest.executeUpdate(messageNames.ensureFresh, { args: [{}] })).toEqual(first)
    expect(scripted.tokens).toHaveLength(1)
    await latest.cancel()
  })
})

describe('stopping', () => {
  test('cancelling a notification cancels the load process, and nothing is published', async () => {
    const reached = Promise.withResolvers<void>()
    const cancelled = Promise.withResolvers<void>()
    await using scripted = await scriptDeps({
      onLoad: async (signal) => {
        reached.resolve()
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            resolve()
          })
        })
        cancelled.resolve()
        throw error('LOAD_CANCELLED')
      },
    })
    await using _worker = await work(scripted)
    const handle = await start(await scripted.spool([unique()]))
    await reached.promise
    await handle.cancel()
    await cancelled.promise
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError)
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(scripted.ledger.size).toBe(0)
  })

  test('a worker stopped in the middle of a load leaves it to the next one, which asks the custodian nothing again', async () => {
    const reached = Promise.withResolvers<void>()
    let hang = true
    const id = unique()
    await using scripted = await scriptDeps({
      onLoad: async (signal) => {
        if (!hang) return
        reached.resolve()
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            resolve()
          })
        })
        throw error('LOAD_CANCELLED')
      },
    })
    let handle: Awaited<ReturnType<typeof start>>
    {
      await using _first = await work(scripted)
      handle = await start(await scripted.spool([id]))
      await reached.promise
    }
    hang = false
    await using _second = await work(scripted)
    expect(await handle.result()).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }] })
    expect(scripted.requests.get(id)).toBe(1)
  })
})

test('no history holds a token, and no error a secret', async () => {
  const id = unique()
  const leak = new Error(
    'GET https://user:pw-1@api.pge.com/x?access_token=pw-2 Authorization: Bearer pw-3 client_secret=pw-4',
  )
  const { tokens, handle } = await ingest({ downloads: { [id]: [error('TOKEN_EXPIRED'), id] }, tokenErrors: [leak] }, [
    id,
  ])
  const histories: string[] = [historyToJSON(await handle.fetchHistory())]
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const history = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory()
    histories.push(historyToJSON(history))
  }
  expect(histories.length).toBeGreaterThan(3)
  const decoded = histories.map((text) => `${text}\n${payloadsOf(text).join('\n')}`)
  expect(decoded.some((text) => text.includes('"fingerprint"'))).toBe(true)
  expect(tokens).toHaveLength(2)
  for (const secret of [...tokens, 'pw-1', 'pw-2', 'pw-3', 'pw-4']) {
    expect(decoded.some((text) => text.includes(secret))).toBe(false)
  }
  expect(decoded.some((text) => text.includes('INTERNAL'))).toBe(true)
})

/** The payloads of a history, decoded. */
const payloadsOf = (history: string): string[] =>
  [...history.matchAll(/"data":\s*"([^"]+)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64').toString())
