/**
 * Records the histories that replay.test.ts replays, from a real server: `node test/histories/record.ts [NAME…]`. Run it after a change of the
 * workflows on purpose; a history that production may still hold stays, under its old name.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, SettleInput } from '../../schemas/quota.ts'
import { batchList, bulkUrl, error, scriptDeps, type Script } from '../support/scripted-deps.ts'
import { startTestTemporal } from '../support/temporal.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))
/** Where node_modules really lies: a worktree may borrow another's. */
const installation = `${dirname(realpathSync(join(repository, 'node_modules')))}/`
const identity = 'recorder'

/** Where the scripted lake lies: relative, so that no path of this machine gets into a history. */
process.chdir(await mkdtemp(join(tmpdir(), 'meterlake-record-')))

await using temporal = await startTestTemporal()
const bundle = await bundleWorkflows(silentLog)
const connection = await Connection.connect({ address: temporal.address })
const client = new Client({ connection, namespace: temporal.namespace, identity })

/** Names given: these alone are recorded anew. */
const wanted = process.argv.slice(2)
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name)

async function save(name: string, workflowId: string, runId?: string): Promise<void> {
  const history = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory())
  const text = history.replaceAll(repository, '').replaceAll(installation, '')
  await writeFile(join(here, `${name}.json`), `${text}\n`)
  console.log(name)
}

async function record(name: string, script: Script, correlationIds: readonly string[], children: Readonly<Record<string, string>>, orders: readonly string[] = []) {
  if (!isWanted(name)) return
  await using scripted = await scriptDeps({ ...script, folder: name, clientAlias: name })
  await using _worker = await startWorker({
    connection: { address: temporal.address },
    namespace: temporal.namespace,
    deps: scripted.deps,
    log: silentLog,
    bundle,
    identity,
  })
  const urls = correlationIds.map((id) => (id.startsWith('https:') ? id : bulkUrl(id)))
  const received = await scripted.spoolBody(batchList(urls))
  const workflowId = workflowIds.notification(received.notificationId)
  const options = { workflowId, taskQueue: taskQueues.orchestrate, args: [{ received }] }
  await client.workflow.execute(workflowNames.ingestNotification, options)
  await save(`notification-${name}`, workflowId)
  for (const [correlationId, child] of Object.entries(children)) {
    const url = correlationId.startsWith('https:') ? correlationId : bulkUrl(correlationId)
    const childId = workflowIds.resource(received.notificationId, createHash('sha256').update(url).digest('hex'))
    for (const order of orders) await client.workflow.getHandle(childId).executeUpdate(order)
    await client.workflow.getHandle(childId).result()
    await save(`resource-${child}`, childId)
  }
  await save(`token-${name}`, workflowIds.clientToken(name))
}

await record('two-resources', { downloads: { h1: ['one'], h2: ['two'] } }, ['h1', 'h2'], { h1: 'loaded' })
await record(
  'partial',
  { downloads: { h3: [error('RESOURCE_GONE')], h4: [error('TOKEN_EXPIRED'), error('CUSTODIAN_UNAVAILABLE'), 'four'] } },
  ['h3', 'h4', '000000000'],
  { h3: 'gone', h4: 'token-refreshed' },
)
await record('no-data', { downloads: { h5: [error('NO_DATA')] }, tokenErrors: [error('TOKEN_MALFORMED')] }, ['h5'], { h5: 'no-data' })

/** Three clients' requests: used, given back, forgotten; a denial, a wait the custodian asked for, the same request twice. */
async function recordQuota(): Promise<void> {
  if (!isWanted('quota-limits')) return
  await using scripted = await scriptDeps({ folder: 'quota' })
  await using _worker = await startWorker({
    connection: { address: temporal.address },
    namespace: temporal.namespace,
    deps: scripted.deps,
    log: silentLog,
    bundle,
    identity,
  })
  const workflowId = workflowIds.apiQuota('recorded')
  const taskQueue = taskQueues.orchestrate
  const entity = await client.workflow.start(workflowNames.apiQuota, { workflowId, taskQueue, args: [{ vendor: 'recorded' }] })
  const limits = { spacingMs: 1_000, marginMs: 200, perHour: 3, hourMs: 3_600_000, perDay: 20_000 }
  const day = { startsAtMs: Date.now() - 3_600_000, endsAtMs: Date.now() + 80_000_000 }
  const acquire = async (requestId: string, name: string) => {
    const ask = { client: name, kind: 'package', requestId, leadMs: 300, limits, day }
    const answer = await entity.executeUpdate<AcquireAnswer, [AcquireInput]>(messageNames.acquire, { args: [ask] })
    if ('sendAtMs' in answer) await sleep(Math.max(0, answer.sendAtMs - answer.nowMs))
  }
  const settle = async (told: SettleInput) => entity.executeUpdate<void, [SettleInput]>(messageNames.settle, { args: [told] })
  for (let n = 0; n < 4; n += 1) {
    await acquire(`a${n}`, 'a')
    await settle({ requestId: `a${n}`, arrivedByMs: n === 1 ? null : Date.now(), isAnswered: n === 2 })
  }
  await Promise.all(['a4', 'b1', 'b2', 'c1'].map(async (id) => acquire(id, id.slice(0, 1))))
  await acquire('b1', 'b')
  await settle({ requestId: 'b1', arrivedByMs: Date.now(), isAnswered: true, waitUntilMs: Date.now() + 2_000 })
  await acquire('b2', 'b')
  await sleep(2_000)
  await acquire('c1', 'c')
  await sleep(1_000)
  await acquire('b2', 'b')
  await save('quota-limits', workflowId)
  await client.workflow.getHandle(workflowId).cancel()
}
await recordQuota()
await record('parked', { loadErrors: [error('FEED_NOT_WELL_FORMED')] }, ['h6'], { h6: 'parked-retried' }, [messageNames.retryNow])
await record('abandoned', { downloads: { h7: [error('REQUEST_REFUSED')] } }, ['h7'], { h7: 'parked-abandoned' }, [messageNames.abandon])
await record('cut', { loadErrors: [error('FEED_TRUNCATED')], downloads: { h8: ['cut', 'whole'] } }, ['h8'], { h8: 'cut-refetched' })
const authorizationUrl = bulkUrl('').replace(/Batch.*$/, 'Authorization/1')
await record('authorization', { authorizations: [error('TOKEN_EXPIRED'), error('RESOURCE_GONE')] }, [authorizationUrl], {
  [authorizationUrl]: 'authorization-gone',
})

await record('announced', { downloads: { h6: ['six'] } }, ['h6'], {})
const notYet = error('NOT_READY', { retryAfterMs: 500 })
await record('not-ready', { downloads: { h8: [notYet, notYet, 'eight'] } }, ['h8'], { h8: 'waited' })

/** A pull, a backfill or a reconcile; while it waits, `notify` correlation ids are notified. */
async function recordRequests(name: string, script: Script, workflow: { name: string; id: string; input: object }, notify: readonly string[], mailbox = false) {
  if (!isWanted(name)) return
  await using scripted = await scriptDeps({ ...script, folder: name, clientAlias: name })
  const { address, namespace } = temporal
  await using _worker = await startWorker({ connection: { address }, namespace, deps: scripted.deps, log: silentLog, bundle, identity })
  const { taskQueue, workflowId } = { taskQueue: taskQueues.orchestrate, workflowId: workflow.id }
  const handle = await client.workflow.start(workflow.name, { workflowId, taskQueue, args: [{ clientAlias: name, ...workflow.input }] })
  for (const correlationId of notify) {
    while (!scripted.requestRecords.some(({ status }) => status === 'accepted')) await sleep(100)
    const received = await scripted.spool([correlationId])
    const notified = { workflowId: workflowIds.notification(received.notificationId), taskQueue, args: [{ received }] }
    await client.workflow.start(workflowNames.ingestNotification, notified)
  }
  await handle.result()
  await save(name, workflow.id)
  if (mailbox) {
    const waiting = client.workflow.getHandle(workflowIds.outstandingRequests(name))
    await waiting.result()
    await save(`requests-${name}`, waiting.workflowId)
  }
}

const january = { from: '2026-01-01', to: '2026-01-31' }
const target = { feed: 'usage', by: 'published', window: january, reason: 'pull' } as const
const pull = (name: string, input: object) => ({ name: workflowNames.pullFeed, id: workflowIds.pull(name, target), input: { ...target, asks: 1, notifyWithinMs: 60_000, ...input } })
await recordRequests('pull-answered', {}, pull('pull-answered', {}), ['h7'], true)
await recordRequests('pull-unanswered', {}, pull('pull-unanswered', { asks: 2, notifyWithinMs: 500 }), [])
await recordRequests(
  'pull-split',
  { onRequest: async (_, n) => (n === 1 ? 'too_large' : n === 2 ? error('TOKEN_EXPIRED') : n === 3 ? 'no_data' : error('REQUEST_REFUSED')) },
  pull('pull-split', {}),
  [],
)
await recordRequests(
  'backfill-windows',
  { onRequest: async (_, n) => (n === 2 ? error('REQUEST_REFUSED') : 'no_data'), settled: [january] },
  { name: workflowNames.backfill, id: workflowIds.backfill('backfill-windows'), input: { range: { from: '2026-01-01', to: '2026-04-30' }, monthsPerRequest: 1, inFlight: 2, asks: 1, notifyWithinMs: 60_000 } },
  [],
)
await recordRequests(
  'reconcile-gaps',
  { onRequest: async () => 'no_data', gapFacts: { firstReceivedAt: new Date(Date.now() - 5 * 86_400_000).toISOString(), loads: [], notifications: [], requests: [] } },
  { name: workflowNames.reconcile, id: workflowIds.reconcile('reconcile-gaps'), input: {} },
  [],
)

await connection.close()
await rm(process.cwd(), { recursive: true })
