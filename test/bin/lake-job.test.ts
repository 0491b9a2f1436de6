import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runLakeJob } from '../../bin/run-lake-job.ts'
import type { LakeJob, LakeRoots } from '../../schemas/load-process.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { readStagedLoad } from '../../warehouse/staged-loads.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { sharedPath } from '../support/shared.ts'

let root: string
let roots: LakeRoots
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'meterlake-job-'))
  roots = { lake: join(root, 'lake'), pii: join(root, 'pii') }
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

type LoadJob = Extract<LakeJob, { kind: 'load' }>

async function loadJob(file: string): Promise<LoadJob> {
  const raw = await archiveRaw({
    ...openRoots(roots),
    file,
    receivedAt: '2026-03-02T09:00:00Z',
    source: 'file',
    sourceName: 'feed.xml',
    correlationId: null,
  })
  return {
    kind: 'load',
    roots,
    profile: { name: 'pge', timeZone: 'America/Los_Angeles', usagePointIdentity: 'id' },
    request: { raw, source: 'file', sourceName: 'feed.xml', notificationId: null, correlationId: null },
  }
}

/** A feed that takes a while: one block of many readings. */
async function longFeed(readings = 200_000): Promise<string> {
  const file = join(root, 'long.xml')
  const espi = 'xmlns="http://naesb.org/espi"'
  const head = `<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><updated>2026-03-02T00:00:00Z</updated>
<entry><link rel="self" href="https://u.example/espi/1_1/resource/Subscription/1/UsagePoint/2/MeterReading/3/IntervalBlock/4"/>
<link rel="up" href="https://u.example/espi/1_1/resource/Subscription/1/UsagePoint/2/MeterReading/3/IntervalBlock"/>
<published>2026-03-02T00:00:00Z</published><updated>2026-03-02T00:00:00Z</updated>
<content><IntervalBlock ${espi}><interval><duration>${readings * 900}</duration><start>1500000300</start></interval>`
  const rows = Array.from(
    { length: readings },
    (_, n) =>
      `<IntervalReading><timePeriod><duration>900</duration><start>${1_500_000_300 + n * 900}</start></timePeriod><value>${n % 997}</value></IntervalReading>\n`,
  )
  await writeFile(file, `${head}${rows.join('')}</IntervalBlock></content></entry></feed>`)
  return file
}

const loadIdOf = (job: LoadJob) => job.request.raw.sha256.slice(0, 16)
const stagedFiles = async () => await openRoots(roots).lake.list('staging')

/** The child of this process that runs lake-process.ts, once it is there. */
async function childPid(): Promise<number> {
  for (;;) {
    const found = spawnSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' }).stdout.split('\n')
    const line = found.find(
      (text) => text.includes('lake-process.ts') && text.trim().split(/\s+/)[1] === String(process.pid),
    )
    if (line) return Number(line.trim().split(/\s+/)[0])
    await sleep(10)
  }
}

/** Runs the job and does something to it when it has begun to read. */
async function during(job: LoadJob, act: (pid: number) => void, signal?: AbortSignal) {
  let acted = false
  const run = runLakeJob(job, {
    ...(signal ? { signal } : {}),
    onProgress: ({ phase, done }) => {
      if (acted || phase !== 'read' || done === 0) return
      acted = true
      void childPid().then(act)
    },
  })
  return await run
}

describe('the load process', () => {
  test('real feeds are staged', async () => {
    const samples = sharedPath('espi/samples')
    if (!samples) return
    const job = await loadJob(join(samples, 'pge-bulk-elec-hourly-2019-10-23.xml'))
    const phases = new Set<string>()
    const { staged } = await runLakeJob(job, { onProgress: ({ phase }) => phases.add(phase) })
    expect(staged).toMatchObject({ loadId: loadIdOf(job), outcome: 'staged', readings: 48, quarantined: 0 })
    expect([...phases]).toEqual(['read', 'stage'])
    const record = await readStagedLoad(openRoots(roots).lake, staged.loadId)
    expect(record).toMatchObject({ status: 'loaded', counts: { readings: 48, usagePoints: 1, blocks: 2 } })
    expect(await openRoots(roots).lake.list('state/scratch')).toEqual([])
  })

  test('an error of the child is raised as what it was', async () => {
    const file = join(root, 'bad.xml')
    await writeFile(file, '<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "b">]><feed>&a;</feed>')
    const job = await loadJob(file)
    await expect(runLakeJob(job)).rejects.toMatchObject({ name: 'MeterlakeError', code: 'FEED_DOCTYPE' })
    expect(await stagedFiles()).toEqual([`staging/${loadIdOf(job)}/stage.json`])
  })

  test('SIGKILL in the middle: LOAD_CRASHED, nothing complete; the next attempt succeeds and cleans up', async () => {
    const job = await loadJob(await longFeed())
    await expect(during(job, (pid) => process.kill(pid, 'SIGKILL'))).rejects.toMatchObject({
      code: 'LOAD_CRASHED',
      details: { signal: 'SIGKILL' },
    })
    expect(await stagedFiles()).toEqual([])
    const { staged } = await runLakeJob(job)
    expect(staged).toMatchObject({ outcome: 'staged', readings: 200_000 })
    expect(await readdir(join(roots.lake, 'state/scratch'))).toEqual([])
  })

  test('cancelled in the middle: LOAD_CANCELLED, nothing staged, no scratch, no process', async () => {
    const job = await loadJob(await longFeed())
    const controller = new AbortController()
    let pid = 0
    const run = during(
      job,
      (found) => {
        pid = found
        controller.abort()
      },
      controller.signal,
    )
    await expect(run).rejects.toMatchObject({ code: 'LOAD_CANCELLED' })
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
    expect(await stagedFiles()).toEqual([])
    expect(await readdir(join(roots.lake, 'state/scratch'))).toEqual([])
  })

  test('cancelled before it began', async () => {
    const job = await loadJob(await longFeed(10))
    await expect(runLakeJob(job, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LOAD_CANCELLED' })
    expect(await stagedFiles()).toEqual([])
  })

  test('a child that does not stop when asked is killed', async () => {
    const job = await loadJob(await longFeed())
    const controller = new AbortController()
    const run = runLakeJob(job, {
      signal: controller.signal,
      graceMs: 50,
      onProgress: () =>
        void childPid().then((pid) => {
          process.kill(pid, 'SIGSTOP')
          controller.abort()
        }),
    })
    await expect(run).rejects.toMatchObject({ code: 'LOAD_CANCELLED' })
    expect(await stagedFiles()).toEqual([])
  })

  test('when the parent dies, so does the child', async () => {
    const job = await loadJob(await longFeed(600_000))
    const runner = fileURLToPath(new URL('../../bin/run-lake-job.ts', import.meta.url))
    const script = `import { runLakeJob } from ${JSON.stringify(runner)}
      import { readFileSync } from 'node:fs'
      let told = false
      await runLakeJob(${JSON.stringify(job)}, { onProgress: () => {
        if (told) return
        told = true
        console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim())
      } })`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = await new Promise<number>((resolve) => {
      parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().trim())))
    })
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('lake-process.ts')
    parent.kill('SIGKILL')
    const isGone = () => {
      try {
        // an orphan nobody reaps stays as a zombie
        return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
      } catch {
        return true
      }
    }
    while (!isGone()) await sleep(10)
    expect(await stagedFiles()).toEqual([])
  })

  test('a file where the lake should be: LAKE_NOT_WRITABLE, with its path', async () => {
    const file = await longFeed(10)
    roots = { lake: join(root, 'file'), pii: roots.pii }
    await writeFile(roots.lake, 'not a folder')
    await expect(loadJob(file)).rejects.toMatchObject({
      code: 'LAKE_NOT_WRITABLE',
      message: expect.stringContaining(roots.lake),
    })
    expect(readFileSync(roots.lake, 'utf8')).toBe('not a folder')
  })

  // root may write everywhere, unless it gives that capability up
  const isRoot = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0
  test.skipIf(!isRoot)('a lake of somebody else: LAKE_NOT_WRITABLE comes from the child', async () => {
    const job = await loadJob(await longFeed(10))
    spawnSync('chmod', ['755', root])
    spawnSync('chown', ['-R', '65534:65534', root])
    const runner = fileURLToPath(new URL('../../bin/run-lake-job.ts', import.meta.url))
    const script = `import { runLakeJob } from ${JSON.stringify(runner)}
      await runLakeJob(${JSON.stringify(job)}).catch((error) => console.log(error.code, error.message))`
    const without = '-dac_override,-dac_read_search'
    const bounded = ['--inh-caps', without, '--bounding-set', without, process.execPath]
    const stranger = spawnSync('setpriv', [...bounded, '--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(stranger.stdout + stranger.stderr).toContain(`LAKE_NOT_WRITABLE ${roots.lake}/state/scratch`)
    expect(await stagedFiles()).toEqual([])
  })
})
