/**
 * `meterlake webhook` in its own process under many notifications at once, most of them duplicates, beside clients that dawdle, with Temporal and
 * without: all are answered 200, and each distinct one is ingested once. How fast is measured by `npm run bench:webhook`.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startWebhookProcess } from '../../bench/webhook-process.ts'
import { openTemporalServer } from '../../bin/temporal-server.ts'
import { spoolFolder } from '../../bin/webhook.ts'
import { workflowNames } from '../../schemas/orchestration.ts'
import { renderBatchList } from '../../sim/batch-list.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { openSlowClients, sendNotifications } from '../../sim/notification-load.ts'
import { writeFeed } from '../../sim/write-feed.ts'
import { openSite, outcomeOfUrls } from '../support/site.ts'
import { temporalBinary } from '../support/temporal.ts'

const perRound = 5

test('every distinct notification is ingested once', { timeout: 240_000 }, async () => {
  await using stack = new AsyncDisposableStack()
  const stateDir = await mkdtemp(join(tmpdir(), 'meterlake-webhook-load-'))
  stack.defer(async () => rm(stateDir, { recursive: true, force: true }))
  const openTemporal = async (port?: number) =>
    openTemporalServer({
      namespace: 'default',
      stateDir,
      binary: temporalBinary(),
      ...(port !== undefined && { port }),
    })
  let temporal = await openTemporal()
  stack.defer(async () => temporal[Symbol.asyncDispose]())
  const { address } = temporal
  const site = stack.use(await openSite({ temporal: address }))

  const feed = join(site.dir, 'day.xml')
  await writeFeed(dailyPackage(createFleet({ meters: 3 }), '2026-11-03'), 'electricity', feed)
  const paths = Array.from({ length: 3 * perRound }, () => feed)
  const { resources } = await site.custodian.serveFile(paths, { notify: false })
  const bodies = resources.map(({ url }) => renderBatchList([url]))
  const round = async (at: number) => {
    const { statuses } = await sendNotifications({
      url,
      certificates: site.certificates,
      bodies: bodies.slice(at * perRound, (at + 1) * perRound),
      total: 400,
    })
    return Object.fromEntries(statuses)
  }

  await temporal[Symbol.asyncDispose]()
  const webhook = stack.use(await startWebhookProcess(await site.configFile()))
  const url = `https://localhost:${webhook.port}/notify`
  stack.use(openSlowClients(100, { url, certificates: site.certificates }))
  // Away since before the webhook started; gone again; there.
  expect(await round(0)).toEqual({ 200: 400 })
  temporal = await openTemporal(Number(address.split(':')[1]))
  await webhook.forwards
  await temporal[Symbol.asyncDispose]()
  expect(await round(1)).toEqual({ 200: 400 })
  temporal = await openTemporal(Number(address.split(':')[1]))
  expect(await round(2)).toEqual({ 200: 400 })

  const { webhook: _elsewhere, ...without } = site.config
  const meterlake = stack.use(await site.start(undefined, without))
  const outcomes = await Promise.all(resources.map(async (resource) => outcomeOfUrls(meterlake.client, [resource])))
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['ingested']))
  const fetched = site.custodian.requests.flatMap(({ path, query, status }) =>
    path.includes('/Batch/') ? [`${status} ${query}`] : [],
  )
  expect(fetched.toSorted()).toEqual(resources.map((resource) => `200 ${new URL(resource.url).search}`).toSorted())
  expect((await meterlake.client.workflow.count(`WorkflowType = '${workflowNames.ingestNotification}'`)).count).toBe(
    bodies.length,
  )
  const spool = spoolFolder(site.config)
  await expect.poll(async () => (await readdir(join(spool, 'done'))).length).toBe(bodies.length)
  expect(await readdir(join(spool, 'new'))).toEqual([])
})
