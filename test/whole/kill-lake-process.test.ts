/** SIGKILL of the load and publish process, and of `meterlake load`: done again, the lake is that of a run without interruption. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLakeJob } from '../../bin/run-lake-job.ts'
import type { LakeJob, LakeRoots } from '../../schemas/load-process.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, historyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { openRoots } from '../../warehouse/storage.ts'
import {
  killHard,
  type KillPoint,
  lakeFigures,
  lakeProcessesOf,
  runKilled,
  runTimed,
  seededNumbers,
  untilGone,
} from '../support/kill-points.ts'
import { queryLake } from '../support/lake-rows.ts'

const seed = Number(process.env['KILL_SEED'] ?? 1)
const timeZone = 'America/Los_Angeles'
const profile = { name: 'pge', timeZone, usagePointIdentity: 'id' } as const
const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const killsWanted = 20
/** Files of the test of the command line. */
const commandFiles = 6

let dir: string
let files: string[]
type Figures = Awaited<ReturnType<typeof lakeFigures>>
/** After all files, and after those of the command line. */
let expected: { all: Figures; some: Figures }
type Times = Awaited<ReturnType<typeof runTimed>>
/** Of each file: how long its load and its publish took undisturbed. */
const times: { readonly load: Times; readonly publish: Times }[] = []

const rootsIn = (name: string): LakeRoots => ({ lake: join(dir, name, 'lake'), pii: join(dir, name, 'pii') })
const figuresOf = async (roots: LakeRoots) => lakeFigures(async (sql) => queryLake(roots.lake, sql))

async function loadJob(roots: LakeRoots, file: string): Promise<LakeJob> {
  const sourceName = file.slice(dir.length + 1)
  const receivedAt = new Date().toISOString()
  const raw = await archiveRaw({
    ...openRoots(roots),
    file,
    receivedAt,
    source: 'file',
    sourceName,
    correlationId: null,
  })
  return {
    kind: 'load',
    roots,
    profile,
    request: { raw, source: 'file', sourceName, notificationId: null, correlationId: null },
  }
}
const publishJob = (roots: LakeRoots): LakeJob => ({ kind: 'publish', roots, timeZone })

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-kill-'))
  const fleet = createFleet({ seed: 3, meters: 40, firstPackage: '2025-11-01' })
  const days = Array.from({ length: 12 }, (_, at) => `2025-11-${String(at + 1).padStart(2, '0')}`)
  const packages = [historyPackage(fleet, '2025-10-20', '2025-10-31'), ...days.map((day) => dailyPackage(fleet, day))]
  files = await Promise.all(
    packages.map(async (feedPackage, at) => {
      const file = join(dir, `${at}.xml`)
      await writeFile(file, [...renderFeed(feedPackage, 'electricity')])
      return file
    }),
  )
  const roots = rootsIn('undisturbed')
  const figures: Figures[] = []
  for (const [at, file] of files.entries()) {
    times.push({ load: await runTimed(await loadJob(roots, file)), publish: await runTimed(publishJob(roots)) })
    if (at + 1 === commandFiles || at + 1 === files.length) figures.push(await figuresOf(roots))
  }
  const [some = {}, all = {}] = figures
  expected = { some, all }
}, 900_000)
afterAll(async () => {
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
})

/** A seeded moment of one of the job's phases, before its usual end. */
function pointIn(phases: readonly KillPoint['phase'][], time: Times, next: () => number): KillPoint {
  const at = Math.floor(next() * phases.length)
  const phase = phases[at] ?? 'read'
  const begins = time.get(phase) ?? 0
  const following = phases[at + 1]
  const ends = (following && time.get(following)) ?? time.get('end') ?? begins
  return { phase, delayMs: Math.floor(next() * Math.max(20, 0.8 * (ends - begins))) }
}

/** What an attempt that was killed may not leave for ever. */
async function leftOvers({ lake, pii }: LakeRoots): Promise<string[]> {
  const folders = [lake, pii].flatMap((root) => [join(root, 'staging'), join(root, 'state', 'scratch')])
  const inside = await Promise.all(folders.map(async (folder) => readdir(folder).catch(() => [])))
  const locks = (await readdir(join(lake, 'state'))).filter((name) => name.startsWith('publish.lock'))
  return [...inside.flat(), ...locks]
}

test('the feeds have what makes versions', () => {
  const { all } = expected
  expect(Number(all['core.interval_version']?.['n'])).toBeGreaterThan(Number(all['core.interval']?.['n']))
})

test(`the load and the publish process, seed ${seed}`, { timeout: 900_000 }, async () => {
  const roots = rootsIn('killed')
  const next = seededNumbers(seed)
  const killed = { load: 0, publish: 0 }
  const history: string[] = []
  /** Kills until one comes too late, or `most` have hit; then lets it run. */
  const insist = async (job: LakeJob, phases: readonly KillPoint['phase'][], time: Times, most: number) => {
    for (let tries = 0; tries < most; tries += 1) {
      const point = pointIn(phases, time, next)
      const hit = await runKilled(job, point)
      history.push(`${job.kind} ${point.phase}+${point.delayMs} ${hit ? 'killed' : 'finished'}`)
      if (!hit) return
      killed[job.kind] += 1
    }
    await runLakeJob(job)
  }
  for (const [at, file] of files.entries()) {
    const time = times[at]
    if (time === undefined) throw new Error(`file ${at} was not timed`)
    await insist(await loadJob(roots, file), ['read', 'stage'], time.load, 4)
    await insist(publishJob(roots), ['merge', 'commit'], time.publish, 4)
    // Whatever the moment of the last kill: one more publish finds nothing to do and tidies up.
    await runLakeJob(publishJob(roots))
  }
  const context = { seed, killed, history }
  expect({ ...context, figures: await figuresOf(roots) }).toEqual({ ...context, figures: expected.all })
  expect({ ...context, left: await leftOvers(roots) }).toEqual({ ...context, left: [] })
  expect({ ...context, enough: killed.load >= killsWanted && killed.publish >= killsWanted }).toMatchObject({
    enough: true,
  })
})

test(`meterlake load and its child, seed ${seed}`, { timeout: 900_000 }, async () => {
  const roots = rootsIn('command-line')
  const next = seededNumbers(seed + 1)
  const run = (file: string) => {
    const child = spawn(process.execPath, [cli, 'load', file, '--lake', roots.lake], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const closed = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      stderr,
    }))
    return { pid: child.pid ?? 0, closed }
  }
  const history: string[] = []
  const told: string[] = []
  for (const [at, file] of files.slice(0, commandFiles).entries()) {
    const { load, publish } = times[at] ?? { load: new Map(), publish: new Map() }
    const usualMs = (load.get('end') ?? 0) + (publish.get('end') ?? 0)
    for (const victim of ['command', 'child'] as const) {
      const { pid, closed } = run(file)
      const delayMs = Math.floor(400 + next() * usualMs)
      await Promise.race([sleep(delayMs), closed])
      const children = await lakeProcessesOf(pid)
      if (victim === 'command') killHard(pid)
      else children.forEach(killHard)
      const { code, signal, stderr } = await closed
      history.push(`${victim}+${delayMs} of ${children.length}: ${signal ?? code}`)
      if (victim === 'command') await Promise.all(children.map(untilGone))
      // Too late, or told: a child that was killed is LOAD_CRASHED.
      else if (code !== 0) told.push(`${code} ${stderr.includes('LOAD_CRASHED')}`)
    }
    const { code, stderr } = await run(file).closed
    expect({ history, code, stderr }).toMatchObject({ code: 0 })
  }
  const context = { seed, history }
  expect({ ...context, told: [...new Set(told)] }).toEqual({ ...context, told: ['1 true'] })
  expect({ ...context, figures: await figuresOf(roots) }).toEqual({ ...context, figures: expected.some })
  expect({ ...context, left: await leftOvers(roots) }).toEqual({ ...context, left: [] })
})
