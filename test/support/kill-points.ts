/** Processes killed at seeded moments, and what two lakes are compared by afterwards. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { runLakeJob } from '../../bin/run-lake-job.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import type { LakeJob, LakeJobMessage } from '../../schemas/load-process.ts'
import type { Row } from './lake-rows.ts'

export type Phase = Extract<LakeJobMessage, { type: 'progress' }>['phase']

/** Numbers in [0, 1) that hang on the seed alone (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Load and publish processes that a process has started, by pid. */
export async function lakeProcessesOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return Number(ppid) === parent && args.includes('lake-process.ts') ? [Number(pid)] : []
  })
}

/** SIGKILL; false where the process has ended already. */
export function killHard(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

export async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await sleep(20)
  }
}

/** `delayMs` after the job enters the phase. */
export interface KillPoint {
  readonly phase: Phase
  readonly delayMs: number
}

/** Runs a job in its child process and kills that; whether the kill came before its end. */
export async function runKilled(job: LakeJob, { phase, delayMs }: KillPoint): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const found = sleep(200).then(async () => lakeProcessesOf(process.pid))
  const kill = () => {
    timer ??= setTimeout(() => void found.then((pids) => pids.forEach(killHard)), delayMs)
  }
  try {
    await runLakeJob(job, {
      onProgress: (progress) => {
        if (progress.phase === phase) kill()
      },
    })
    return false
  } catch (error) {
    if (isMeterlakeError(error) && error.code === 'LOAD_CRASHED' && error.details['signal'] === 'SIGKILL') return true
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a job undisturbed; when each of its phases began and when it ended, in ms from the start. */
export async function runTimed(job: LakeJob): Promise<ReadonlyMap<Phase | 'end', number>> {
  const started = performance.now()
  const times = new Map<Phase | 'end', number>()
  await runLakeJob(job, {
    onProgress: ({ phase }) => {
      if (!times.has(phase)) times.set(phase, performance.now() - started)
    },
  })
  return times.set('end', performance.now() - started)
}

const views = [
  'core.interval',
  'core.interval_version',
  'core.usage_point',
  'core.reading_type',
  'core.tou_code',
  'core.usage_summary',
  'core.usage_summary_line',
  'mart.load_hourly',
  'ops.quarantine',
  'ops.load',
]
/** When and by which attempt it was done: not what was done. */
const circumstances = [
  'known_at',
  'commit_id',
  'received_at',
  'load_s',
  'valid_from',
  'notification_id',
  'correlation_id',
]

/** Count and order-free checksum of every view, without the circumstances. */
export async function lakeFigures(
  query: (sql: string) => Promise<readonly Row[]>,
): Promise<Record<string, Row | undefined>> {
  const names = circumstances.map((name) => `'${name}'`).join(', ')
  const figures: Record<string, Row | undefined> = {}
  for (const view of views) {
    const [row] = await query(
      `SELECT count(*) AS n, sum(hash(t)::HUGEINT) AS checksum FROM (SELECT COLUMNS(c -> c NOT IN (${names})) FROM ${view}) t`,
    )
    figures[view] = row
  }
  return figures
}
