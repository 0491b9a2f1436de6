/** Turns from the entity of a real server: what is given back, forgotten, late, or taken back by an answer that came late. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quotaTurns } from '../../activities/quota-turns.ts'
import { installRuntime } from '../../bin/temporal-runtime.ts'
import { silentLog } from '../../custodian/log.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import { messageNames, taskQueues, workflowIds } from '../../schemas/orchestration.ts'
import type { QuotaUsage } from '../../schemas/quota.ts'
import { type Ground, openGround } from './quota-site.ts'

let ground: Ground
let connection: NativeConnection
let worker: Worker
let running: Promise<void>
beforeAll(async () => {
  ground = await openGround()
  installRuntime(silentLog)
  connection = await NativeConnection.connect({ address: ground.temporal.address })
  const code = await readFile(ground.bundle.codePath, 'utf8')
  worker = await Worker.create({ connection, taskQueue: taskQueues.orchestrate, workflowBundle: { code } })
  running = worker.run()
})
afterAll(async () => {
  worker.shutdown()
  await running
  await connection.close()
  await ground[Symbol.asyncDispose]()
})

const marginMs = 300
const turnsOf = (name: string, clientAlias: string) => {
  const profile = resolveProfile('pge', {
    name,
    endpoints: { token: 'https://localhost/token', resource: 'https://localhost/resource' },
    limits: { perSecond: 1, marginMs },
  })
  return quotaTurns({ clientAlias, profile, client: () => ground.temporal.client })
}
const usageOf = async (name: string) =>
  ground.temporal.client.workflow.getHandle(workflowIds.apiQuota(name)).query<QuotaUsage>(messageNames.usage)

/** What client `a` of the vendor `unused` has used of its hour. */
const unusedHour = async () => (await usageOf('unused')).clients['a']?.hour

test('an answer that everyone is to wait takes back a turn that was given before it came', async () => {
  const [one, other] = [turnsOf('late-answer', 'a'), turnsOf('late-answer', 'b')]
  const first = await one.take('package')
  expect(await first.arrive()).toBe(true)
  first.sent()
  // Not answered within the margin: the next turn is given.
  await sleep(marginMs + 200)
  const second = await other.take('status')
  const toldAt = Date.now()
  await first.ended(3_000)
  expect(await second.arrive()).toBe(false)
  second.release()
  const third = await other.take('status')
  expect(await third.arrive()).toBe(true)
  expect(Date.now() - toldAt).toBeGreaterThanOrEqual(3_000)
  third.sent()
  await third.ended()
  const { clients } = await usageOf('late-answer')
  expect(Object.fromEntries(Object.entries(clients).map(([name, { hour }]) => [name, hour]))).toEqual({ a: 1, b: 1 })
}, 60_000)

test('one given back costs nothing; one that is late is over, and one forgotten holds nobody up for long', async () => {
  const turns = turnsOf('unused', 'a')
  // What becomes of a turn is told without anybody waiting for it.
  for (let n = 0; n < 3; n += 1) (await turns.take('package')).release()
  await expect.poll(unusedHour, { timeout: 10_000 }).toBe(0)

  const late = await turns.take('package')
  await sleep(1_500)
  expect(await late.arrive()).toBe(false)
  late.release()
  await expect.poll(unusedHour, { timeout: 10_000 }).toBe(0)

  const forgotten = await turns.take('package')
  expect(await forgotten.arrive()).toBe(true)
  const next = await turns.take('package')
  expect(await next.arrive()).toBe(true)
  next.release()
  await expect.poll(unusedHour, { timeout: 10_000 }).toBe(1)
}, 60_000)

test('who is cancelled while waiting has no turn and keeps none', async () => {
  const turns = turnsOf('cancelled', 'a')
  const first = await turns.take('package')
  const stop = new AbortController()
  const waiting = turns.take('package', stop.signal)
  setTimeout(() => {
    stop.abort()
  }, 100)
  await expect(waiting).rejects.toThrow(/abort/i)
  expect(await first.arrive()).toBe(true)
  first.sent()
  await first.ended()
  const next = await turns.take('package')
  expect(await next.arrive()).toBe(true)
  next.release()
}, 60_000)
