/**
 * SIGKILL of the worker, a real process, while it downloads, loads and publishes: the next one carries on, and the lake is that of an
 * uninterrupted run.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningWebhook, startWebhookRole } from '../../bin/webhook.ts'
import { silentLog } from '../../custodian/log.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import type { PreparedResource } from '../../sim/server.ts'
import { killHard, lakeFigures, lakeProcessesOf, seededNumbers, untilGone } from '../support/kill-points.ts'
import { createLake } from '../support/lake.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

const seed = Number(process.env['KILL_SEED'] ?? 1)
const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const steps = ['downloadResource', 'loadFeed', 'publishLake'] as const
type Step = (typeof steps)[number]
const killsWanted = 20
/** Packages of one list, each an operating day. */
const listLength = 10

let site: Site
let temporal: TestTemporal
let webhook: RunningWebhook
let worker: Worker | undefined
const files: string[] = []
const lists: (readonly PreparedResource[])[] = []

interface Worker {
  readonly process: ChildProcess
  /** Activities begun and not ended, by their id in their run. */
  readonly active: ReadonlyMap<string, string>
  readonly exited: Promise<unknown>
}

/** `meterlake worker`, whose debug log says which activities it is at. */
async function startWorker(config: string): Promise<Worker> {
  const child = spawn(process.execPath, [cli, 'worker', '--config', config], {
    env: { PATH: process.env['PATH'], METERLAKE_LOG_LEVEL: 'debug', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const active = new Map<string, string>()
  const running = Promise.withResolvers<void>()
  createInterface(child.stderr as NodeJS.ReadableStream).on('line', (line) => {
    const { msg, workflowId, activityId, activityType } = JSON.parse(line) as Record<string, string>
    if (msg === 'worker runs') running.resolve()
    const id = `${workflowId}/${activityId}`
    if (msg === 'Activity started') active.set(id, activityType ?? '')
    else if (msg?.startsWith('Activity ')) active.delete(id)
  })
  const exited = once(child, 'exit')
  await Promise.race([running.promise, exited])
  if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`)
  return { process: child, active, exited }
}

/** Kills it with no time to tidy up; its load and publish processes end by themselves, for their parent is gone. */
async function killWorker({ process, exited }: Worker): Promise<void> {
  const children = await lakeProcessesOf(process.pid ?? 0)
  killHard(process.pid ?? 0)
  await exited
  await Promise.all(children.map(untilGone))
}

beforeAll(async () => {
  temporal = await startTestTemporal()
  const fleet = createFleet({ seed, meters: 20, firstPackage: '2024-01-01' })
  site = await openSite({ custodian: { fleet }, temporal: temporal.address })
  webhook = await startWebhookRole(site.config, { log: silentLog })
  webhook.forwardTo({ address: temporal.address })
  site.custodian.setNotifyUrl(`https://localhost:${webhook.port}/notify`)
  // Slow enough that a download is always under way.
  site.custodian.faults.add({ path: /Batch/, on: 'all', effect: { kind: 'slow', bytes: 65_536, delayMs: 60 } })
}, 120_000)
afterAll(async () => {
  if (worker) {
    worker.process.kill('SIGTERM')
    await worker.exited
  }
  await webhook[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
  await temporal[Symbol.asyncDispose]()
})

/** The next operating days as one notification. */
async function notifyList(): Promise<void> {
  const list: string[] = []
  for (let count = 0; count < listLength; count += 1) {
    const date = new Date(Date.UTC(2025, 5, 1 + files.length + count)).toISOString().slice(0, 10)
    // A day and nothing else, so that the order of commits, which kills change, leaves no trace in the versions.
    const feedPackage = dailyPackage(site.custodian.fleet, date, { onlyDay: true })
    const file = join(site.dir, `${date}.xml`)
    await writeFile(file, [...renderFeed(feedPackage, 'electricity')])
    list.push(file)
  }
  files.push(...list)
  const { resources, notification } = await site.custodian.serveFile(list)
  expect(notification).toEqual({ status: 200, error: null })
  lists.push(resources)
}

test(`a worker killed again and again, seed ${seed}`, { timeout: 1_800_000 }, async () => {
  const next = seededNumbers(seed)
  const config = await site.configFile()
  const hits: Record<Step, number> = { downloadResource: 0, loadFeed: 0, publishLake: 0 }
  const history: string[] = []
  for (let kill = 0; steps.some((step) => hits[step] < killsWanted); kill += 1) {
    expect({ seed, hits, history, few: kill < 150 }).toMatchObject({ few: true })
    if (kill % 3 === 0) await notifyList()
    worker = await startWorker(config)
    // The step that was hit least, at a seeded moment of it.
    const target = steps.reduce((least, step) => (hits[step] < hits[least] ? step : least))
    const until = Date.now() + 8_000
    while (![...worker.active.values()].includes(target) && Date.now() < until) await sleep(5)
    const delayMs = Math.floor(next() * 300)
    await sleep(delayMs)
    const hit = new Set(worker.active.values())
    await killWorker(worker)
    for (const step of steps) if (hit.has(step)) hits[step] += 1
    history.push(`${target}+${delayMs}: ${[...hit].join(' ') || 'nothing'}`)
  }
  const context = { seed, hits, history }
  if (process.env['KILL_TELL']) console.log(JSON.stringify(context, null, 1))
  site.custodian.faults.clear()
  worker = await startWorker(config)
  for (const resources of lists) {
    const outcome = await outcomeOfUrls(temporal.client, resources)
    expect({ ...context, status: outcome.status }).toEqual({ ...context, status: 'ingested' })
    // `known`: it was published before a kill, and nobody heard of it.
    const others = outcome.resources.filter(({ status }) => status !== 'loaded' && status !== 'known')
    expect({ ...context, others }).toEqual({ ...context, others: [] })
  }
  await using undisturbed = await createLake()
  for (let at = 0; at < files.length; at += listLength) await undisturbed.load(files.slice(at, at + listLength))
  const expected = await lakeFigures((sql) => undisturbed.query(sql))
  const figures = await lakeFigures((sql) => site.query(sql))
  // The ledger says where each file came from; its counts are compared by themselves.
  const counts =
    'SELECT load_id, status, n_readings, n_new, n_revised, n_unchanged, n_quarantined, n_parked FROM ops.load ORDER BY load_id'
  expect({ ...context, figures: { ...figures, 'ops.load': null } }).toEqual({
    ...context,
    figures: { ...expected, 'ops.load': null },
  })
  expect(await site.query(counts)).toEqual(await undisturbed.query(counts))
  expect(await site.query("SELECT count(*) AS n FROM ops.notification WHERE status = 'ingested'")).toEqual([
    { n: String(lists.length) },
  ])
  const { dir } = site.config.lake
  const staged = await Promise.all(
    ['staging', 'state/scratch'].map(async (folder) => readdir(join(dir, folder)).catch(() => [])),
  )
  expect({ ...context, staged: staged.flat() }).toEqual({ ...context, staged: [] })
})
