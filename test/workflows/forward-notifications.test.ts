/** From the spool to workflows: duplicates, and a Temporal server that is away when the notification comes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startForwarder } from '../../bin/forward-notifications.ts'
import { reconnectSoon } from '../../bin/webhook.ts'
import { openTemporalServer } from '../../bin/temporal-server.ts'
import { silentLog } from '../../custodian/log.ts'
import { openSpool } from '../../custodian/spool.ts'
import { workflowIds } from '../../schemas/orchestration.ts'
import { batchList, bulkUrl } from '../support/scripted-deps.ts'
import { startTestTemporal, temporalBinary, type TestTemporal } from '../support/temporal.ts'

let folder: string
let temporal: TestTemporal
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-forward-'))
  temporal = await startTestTemporal()
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const bytes = (text: string) => new TextEncoder().encode(text)

test('each notification gets one workflow, however often it comes and whoever forwards it', async () => {
  const directory = join(folder, 'twice')
  const started: boolean[] = []
  const onStarted = (_received: unknown, isNew: boolean) => started.push(isNew)
  const list = bytes(batchList([bulkUrl('f1')]))
  await using spool = await openSpool(directory)
  const { notificationId } = await spool.put(list)
  {
    await using _forwarder = startForwarder({ spool, client: temporal.client, log: silentLog, onStarted })
    await vi.waitFor(() => {
      expect(started).toEqual([true])
    })
    await vi.waitFor(async () => {
      expect(await spool.list('done')).toHaveLength(1)
    })
  }
  expect((await spool.put(list)).duplicate).toBe(true)
  // Another installation's spool, the same content:
  await using other = await openSpool(join(folder, 'other'))
  await other.put(list)
  await using _second = startForwarder({ spool: other, client: temporal.client, log: silentLog, onStarted })
  await vi.waitFor(() => {
    expect(started).toEqual([true, false])
  })
  const { status } = await temporal.client.workflow.getHandle(workflowIds.notification(notificationId)).describe()
  expect(status.name).toBe('RUNNING')
})

test('a woken forwarder does not wait for its poll', async () => {
  await using spool = await openSpool(join(folder, 'woken'))
  const started = Promise.withResolvers<string>()
  await using forwarder = startForwarder({
    spool,
    client: temporal.client,
    log: silentLog,
    pollIntervalMs: 3_600_000,
    onStarted: ({ notificationId }) => {
      started.resolve(notificationId)
    },
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  const { notificationId } = await spool.put(bytes(batchList([bulkUrl('f2')])))
  forwarder.wake()
  expect(await started.promise).toBe(notificationId)
})

test('a body that is no BatchList is recorded by a run too', async () => {
  await using spool = await openSpool(join(folder, 'bad'))
  const { notificationId } = await spool.putBad(bytes('no XML'))
  const started = Promise.withResolvers<string>()
  await using _forwarder = startForwarder({
    spool,
    client: temporal.client,
    log: silentLog,
    onStarted: (received) => {
      started.resolve(received.notificationId)
    },
  })
  expect(await started.promise).toBe(notificationId)
  expect(await spool.list('bad')).toHaveLength(1)
})

test('Temporal down: the notification stays in the spool, and is started when Temporal is back', async () => {
  const stateDir = join(folder, 'state')
  let address: string
  {
    // A server that was there once: its address is known, it is gone.
    await using server = await openTemporalServer({ namespace: 'default', stateDir, binary: temporalBinary() })
    address = server.address
  }
  const connection = Connection.lazy({ address, channelArgs: reconnectSoon })
  const client = new Client({ connection })
  await using spool = await openSpool(join(folder, 'away'))
  const { notificationId } = await spool.put(bytes(batchList([bulkUrl('f3')])))
  const waits: string[] = []
  const log = { ...silentLog, warn: (_fields: object, message: string) => waits.push(message) }
  const started = Promise.withResolvers<boolean>()
  await using _forwarder = startForwarder({
    spool,
    client,
    log,
    onStarted: (_received, isNew) => {
      started.resolve(isNew)
    },
  })
  await vi.waitFor(
    () => {
      expect(waits.length).toBeGreaterThan(1)
    },
    { timeout: 120_000 },
  )
  expect(await spool.list('new')).toHaveLength(1)
  const port = Number(address.split(':')[1])
  await using _back = await openTemporalServer({ namespace: 'default', stateDir, binary: temporalBinary(), port })
  expect(await started.promise).toBe(true)
  const { status } = await client.workflow.getHandle(workflowIds.notification(notificationId)).describe()
  expect(status.name).toBe('RUNNING')
  await connection.close()
})
