/**
 * Records the histories that replay.test.ts replays, from a real server: `node test/histories/record.ts`. Run it after a change of the
 * workflows on purpose; a history that production may still hold stays, under its old name. An argument names those to write:
 * `node test/histories/record.ts quota-`.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { bundleWorkflows, startWorker } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, PenaliseInput } from '../../schemas/quota.ts'
import { bulkUrl, error, scriptDeps, type Script } from '../support/scripted-deps.ts'
import { startTestTemporal } from '../support/temporal.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))
const identity = 'recorder'

/** Where the scripted lake lies: relative, so that no path of this machine gets into a history. */
process.chdir(await mkdtemp(join(tmpdir(), 'meterlake-record-')))

await using temporal = await startTestTemporal()
const bundle = await bundleWorkflows(silentLog)
const connection = await Connection.connect({ address: temporal.address })
const client = new Client({ connection, namespace: temporal.namespace, identity })

const [, , wanted = ''] = process.argv

async function save(name: string, workflowId: string, runId?: string): Promise<void> {
  if (!name.startsWith(wanted)) return
  const history = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory())
  const text = history.replaceAll(repository, '')
  await writeFile(join(here, `${name}.json`), `${text}\n`)
  console.log(name)
}

async function record(name: string, script: Script, correlationIds: readonly string[], children: Readonly<Record<string, string>>) {
  await using scripted = await scriptDeps({ ...script, folder: name, clientAlias: name })
  await using _worker = await startWorker({
    connection: { address: temporal.address },
    namespace: temporal.namespace,
    deps: scripted.deps,
    log: silentLog,
    bundle,
    identity,
  })
  const received = await scripted.spool(correlationIds)
  const workflowId = workflowIds.notification(received.notificationId)
  const options = { workflowId, taskQueue: taskQueues.orchestrate, args: [{ received }] }
  await client.workflow.execute(workflowNames.ingestNotification, options)
  await save(`notification-${name}`, workflowId)
  for (const [correlationId, child] of Object.entries(children)) {
    const urlSha256 = createHash('sha256').update(bulkUrl(correlationId)).digest('hex')
    await save(`resource-${child}`, workflowIds.resource(received.notificationId, urlSha256))
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

/** Three clients' requests, a denial, a wait the custodian asked for, the same request twice. */
async function recordQuota(): Promise<void> {
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
  const limits = { spacingMs: 1_000, marginMs: 50, perHour: 3, hourMs: 3_600_000, perDay: 20_000 }
  const day = { startsAtMs: Date.now() - 3_600_000, endsAtMs: Date.now() + 80_000_000 }
  const acquire = async (requestId: string, name: string) => {
    const ask = { client: name, kind: 'package', requestId, leadMs: 300, limits, day }
    return entity.executeUpdate<AcquireAnswer, [AcquireInput]>(messageNames.acquire, { args: [ask], updateId: requestId })
  }
  for (let n = 0; n < 4; n += 1) await acquire(`a${n}`, 'a')
  await entity.executeUpdate<void, [PenaliseInput]>(messageNames.penalise, { args: [{ untilMs: Date.now() + 5_000 }] })
  await Promise.all(['b1', 'b2', 'c1'].map(async (id) => acquire(id, id.slice(0, 1))))
  await acquire('a1', 'a')
  await save('quota-limits', workflowId)
  await client.workflow.getHandle(workflowId).cancel()
}
await recordQuota()

await connection.close()
await rm(process.cwd(), { recursive: true })
