/** SIGKILL of the worker's process, load process and all, in each step: after a restart the lake equals the uninterrupted one. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openViews } from '../../warehouse/query.ts'
import { taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { NotificationOutcome } from '../../schemas/ingest.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { createFleet } from '../../sim/fleet.ts'
import { batchList } from '../support/scripted-deps.ts'
import { type IngestSite, openIngestSite } from '../support/ingest-site.ts'
import { runningActivities } from '../support/running-activities.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const operatingDay = '2026-10-31'
const fleet = createFleet({ seed: 7, meters: 60, firstPackage: operatingDay })

let temporal: TestTemporal
beforeAll(async () => {
  temporal = await startTestTemporal()
})
afterAll(async () => {
  await temporal[Symbol.asyncDispose]()
})

interface WorkerProcess extends AsyncDisposable {
  readonly process: ChildProcess
  readonly stderr: () => string
}

function spawnWorker(configFile: string): WorkerProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', cli, 'worker', '--config', configFile],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return {
    process: child,
    stderr: () => stderr,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Starts the ingest of the day's packages: as the forwarder would, without its webhook. */
async function startIngest(site: IngestSite) {
  const { resources } = await site.custodian.prepareDay(operatingDay, { notify: false })
  const body = batchList(resources.map(({ url }) => url))
  const notificationId = createHash('sha256').update(body).digest('hex')
  const spoolPath = join(site.folder, 'spool', 'new', `${notificationId}.xml`)
  await mkdir(join(spoolPath, '..'), { recursive: true })
  await writeFile(spoolPath, body)
  return temporal.client.workflow.start(workflowNames.ingestNotification, {
    workflowId: workflowIds.notification(notificationId),
    taskQueue: taskQueues.orchestrate,
    args: [{ received: { notificationId, receivedAt: new Date().toISOString(), spoolPath } }],
  })
}

/** All versions of all intervals, and the hours: what must not differ. Commit numbers and times may. */
async function contents(roots: LakeRoots) {
  await using views = await openViews(roots)
  const { database } = views
  const versions = await database.rows(
    `SELECT * EXCLUDE (known_at, load_id) FROM core.interval_version ORDER BY series_key, start_at, published_at, byte_offset`,
  )
  const hours = await database.rows('SELECT * FROM mart.load_hourly ORDER BY usage_point_id, hour_start_at')
  const loads = await database.rows(
    "SELECT sha256, status, n_readings, n_new FROM ops.load WHERE status <> 'failed' ORDER BY sha256",
  )
  return { versions, hours, loads }
}

async function ingestUninterrupted() {
  await using site = await openIngestSite({ fleet })
  await using _worker = spawnWorker(await site.configFile(temporal.address))
  const handle = await startIngest(site)
  expect(await handle.result()).toMatchObject({ status: 'ingested' })
  return await contents(site.roots)
}

test('killed in the download, in the load and in the publish', async () => {
  const expected = await ingestUninterrupted()
  expect(expected.versions.length).toBeGreaterThan(1_000)

  await using site = await openIngestSite({ fleet })
  const configFile = await site.configFile(temporal.address)
  site.custodian.faults.add({ path: /Batch/, effect: { kind: 'slow', bytes: 65_536, delayMs: 300 } })
  const handle = await startIngest(site)
  const killed: string[] = []
  for (const activity of ['downloadResource', 'loadFeed', 'publishLake']) {
    await using worker = spawnWorker(configFile)
    await expect
      .poll(
        async () => {
          if (worker.process.exitCode !== null) throw new Error(`the worker ended: ${worker.stderr()}`)
          return runningActivities(temporal.client)
        },
        { timeout: 240_000, interval: 50 },
      )
      .toContain(activity)
    await sleep(250)
    const ended = once(worker.process, 'exit')
    worker.process.kill('SIGKILL')
    await ended
    killed.push(activity)
    expect((await handle.describe()).status.name).toBe('RUNNING')
  }
  await using _worker = spawnWorker(configFile)
  const outcome = (await handle.result()) as NotificationOutcome
  expect(killed).toHaveLength(3)
  expect(outcome.status).toBe('ingested')
  const found = await contents(site.roots)
  expect(found.loads).toEqual(expected.loads)
  expect(found.hours).toEqual(expected.hours)
  expect(found.versions).toEqual(expected.versions)
}, 900_000)
