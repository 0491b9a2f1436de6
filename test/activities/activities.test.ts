/** Activities in Temporal's own mock of their context; what they work on is scripted or real files. */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { beforeAll, expect, test } from 'vitest'
import { installRuntime } from '../../bin/temporal-runtime.ts'
import { silentLog } from '../../custodian/log.ts'
import { createActivities } from '../../activities/index.ts'
import type { PlannedResource } from '../../schemas/ingest.ts'
import { batchList, bulkUrl, error, scriptDeps } from '../support/scripted-deps.ts'

beforeAll(() => {
  installRuntime(silentLog)
})

const resource = (correlationId: string): PlannedResource => ({
  url: bulkUrl(correlationId),
  correlationId,
  feed: 'usage',
  urlSha256: '',
})

/** Runs an activity in a context of its own. */
const run = async <Args extends unknown[], Result>(
  activity: (...args: Args) => Promise<Result>,
  args: Args,
  info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {},
): Promise<Result> => (await new MockActivityEnvironment(info).run(activity, ...args)) as Result

const input = (correlationId: string) => ({
  notificationId: null,
  resource: resource(correlationId),
  deadlineAt: new Date().toISOString(),
})

test('a download whose answer got lost is not asked for again, one of another run is', async () => {
  await using scripted = await scriptDeps()
  const { downloadResource } = createActivities(scripted.deps)
  const first = await run(downloadResource, [input('a')])
  const again = await run(downloadResource, [input('a')], { attempt: 2 })
  expect(again).toEqual(first)
  expect(scripted.requests.get('a')).toBe(1)
  const workflowExecution = { workflowId: 'other', runId: 'other' }
  await run(downloadResource, [input('a')], { workflowExecution })
  expect(scripted.requests.get('a')).toBe(2)
})

test('a receipt whose archived file is gone, or that is half-written, counts for nothing', async () => {
  await using scripted = await scriptDeps()
  const { downloadResource } = createActivities(scripted.deps)
  await run(downloadResource, [input('a')])
  const names = await readdir(scripted.deps.incomingDir)
  const receipt = names.find((name) => name.endsWith('.receipt.json'))
  await writeFile(join(scripted.deps.incomingDir, receipt ?? 'none'), '{"sha256":')
  await run(downloadResource, [input('a')])
  expect(scripted.requests.get('a')).toBe(2)
})

test('a download beats with its bytes', async () => {
  await using scripted = await scriptDeps()
  const environment = new MockActivityEnvironment()
  const beats: unknown[] = []
  environment.on('heartbeat', (details: unknown) => beats.push(details))
  await environment.run(createActivities(scripted.deps).downloadResource, input('a'))
  expect(beats).toEqual([{ bytes: 0 }])
})

test('a page of a list: each URL once, what is refused counted, the deadline from the profile', async () => {
  await using scripted = await scriptDeps()
  const ids = Array.from({ length: 450 }, (_, at) => `c${at}`)
  const urls = [...ids.map(bulkUrl), bulkUrl('c0'), 'https://evil.example/x']
  const received = await scripted.spoolBody(batchList(urls))
  const { readNotification } = createActivities(scripted.deps)
  const page = async (offset: number) => run(readNotification, [{ received, offset }])
  const pages = [await page(0), await page(200), await page(400)]
  expect(pages.map(({ resources }) => resources.length)).toEqual([200, 200, 50])
  expect(pages[0]).toMatchObject({ status: 'ingest', total: 450, refused: 1 })
  expect(new Set(pages.flatMap(({ resources }) => resources.map(({ urlSha256 }) => urlSha256))).size).toBe(450)
  expect(Date.parse(pages[0]?.deadlineAt ?? '') - Date.parse(received.receivedAt)).toBe(5 * 86_400_000)
})

test('a publish whose load another process committed meanwhile answers from the ledger', async () => {
  await using scripted = await scriptDeps()
  const { publishLake, loadFeed } = createActivities(scripted.deps)
  const raw = { sha256: 'ab'.repeat(32), bytes: 1, path: '/x', root: 'lake', kind: 'usage', receivedAt: '' } as const
  const request = { raw, source: 'notification', sourceName: '/x', notificationId: null, correlationId: null } as const
  const staged = await run(loadFeed, [request])
  // The other process:
  await scripted.deps.runLakeJob({ kind: 'publish', roots: scripted.deps.roots, timeZone: 'UTC' }, {})
  const published = await run(publishLake, [{ loadIds: [staged.loadId] }])
  expect(published).toMatchObject([{ loadId: staged.loadId, commit: 1 }])
})

test('a load that is neither staged nor known is a defect, told as one', async () => {
  await using scripted = await scriptDeps()
  const { publishLake } = createActivities(scripted.deps)
  await expect(run(publishLake, [{ loadIds: ['0'.repeat(16)] }])).rejects.toMatchObject({
    code: 'INTERNAL',
  })
})

test.each([
  ['NO_DATA', 'no_data'],
  ['NOT_READY', 'not_ready'],
] as const)('%s is an outcome, not an error', async (code, status) => {
  await using scripted = await scriptDeps({ downloads: { a: [error(code)] } })
  const { downloadResource } = createActivities(scripted.deps)
  expect(await run(downloadResource, [input('a')])).toEqual({ status })
})
