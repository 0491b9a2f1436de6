/** Recorded histories replay on today's workflows: a run that production has begun goes on after an upgrade. No server needed. */
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { bundleWorkflowCode, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { beforeAll, expect, test } from 'vitest'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { installRuntime, temporalLogger } from '../../bin/temporal-runtime.ts'

const folder = fileURLToPath(new URL('../histories/', import.meta.url))
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = async (name: string) => readFile(join(folder, name), 'utf8')

let workflowBundle: Awaited<ReturnType<typeof bundleWorkflows>>
beforeAll(async () => {
  installRuntime(silentLog)
  workflowBundle = await bundleWorkflows(silentLog)
})

test('there are histories of each workflow', () => {
  for (const kind of [
    'notification-',
    'resource-',
    'token-',
    'quota-',
    'pull-',
    'requests-',
    'backfill-',
    'reconcile-',
  ]) {
    expect(names.filter((name) => name.startsWith(kind)).length).toBeGreaterThan(0)
  }
})

test.each(names)('%s replays', async (name) => {
  const replay = Worker.runReplayHistory({ workflowBundle }, historyFromJSON(JSON.parse(await read(name))))
  await expect(replay).resolves.toBeUndefined()
})

test.each(names)('%s names no machine', async (name) => {
  const text = await read(name)
  const payloads = [...text.matchAll(/"data":\s*"([^"]+)"/g)].map(([, data]) =>
    Buffer.from(data ?? '', 'base64').toString(),
  )
  expect(payloads.length).toBeGreaterThan(0)
  const all = [text, ...payloads].join('\n')
  expect(all).not.toContain(hostname())
  expect(all).not.toMatch(/\/(home|root|tmp|work|Users)\//)
})

test('a workflow that does other things in another order is found out', async () => {
  const changed = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../histories/changed-workflow.ts', import.meta.url)),
    logger: temporalLogger(silentLog),
  })
  const history = historyFromJSON(JSON.parse(await read('notification-two-resources.json')))
  await expect(Worker.runReplayHistory({ workflowBundle: changed }, history)).rejects.toThrow(DeterminismViolationError)
})

test('the bundle holds orchestration only', () => {
  for (const foreign of ['undici', '@duckdb', 'saxes', 'apache-arrow', 'node_modules/zod', 'node_modules/pino']) {
    expect(workflowBundle.code).not.toContain(foreign)
  }
  for (const name of [
    'ingestNotification',
    'ingestResource',
    'clientToken',
    'apiQuota',
    'pullFeed',
    'outstandingRequests',
    'backfill',
    'reconcile',
  ])
    expect(workflowBundle.code).toContain(name)
})
