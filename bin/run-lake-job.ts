/** Runs a load or a publish in a child process: it may crash, run out of memory or be killed, and the caller lives on. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeJob, LakeJobMessage, LakeJobResult } from '../schemas/load-process.ts'

export interface RunLakeJobOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Extract<LakeJobMessage, { type: 'progress' }>) => void
  /** Time the child has to stop when asked to, before it is killed. */
  readonly graceMs?: number
}

const script = fileURLToPath(new URL('lake-process.ts', import.meta.url))
/** Young objects die young here: a small nursery keeps the process small, at no measurable cost. */
const nodeFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2']
/** Nothing of our own environment: secrets have no business in the child. */
const environment = {
  UV_THREADPOOL_SIZE: '4',
  TZ: 'UTC',
  // glibc raises its threshold for mmap with use; then frames of 4 MiB leave holes in the heap, and memory grows with the feed
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '262144',
  MALLOC_TRIM_THRESHOLD_: '262144',
}
const stderrKeptChars = 4000

/** How the configuration wants feeds read, as part of a job. */
export const readerOptions = ({ reader }: Pick<Config, 'reader'>) => ({ markupMemory: reader.markup_memory === 'on' })

/** A child process that waits for its one job; disposed of before it has one, it ends. */
export interface LakeProcess<Job extends LakeJob> extends Disposable {
  /**
   * Runs the job to its end. Raises the MeterlakeError of the child; LOAD_CANCELLED where the signal stopped it; LOAD_CRASHED, with
   * exit code or signal and the last lines of stderr, where it ended without an answer.
   */
  run(job: Job, options?: RunLakeJobOptions): Promise<Extract<LakeJobResult, { kind: Job['kind'] }>>
}

/** Starts a child for a job that comes later: it imports meanwhile what a job of this kind needs. */
export function openLakeProcess<Job extends LakeJob>(kind: Job['kind']): LakeProcess<Job> {
  const child = spawn(process.execPath, [...nodeFlags, script, kind], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: environment,
  })
  let failure: Error | undefined
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrKeptChars)
  })
  const ended = new Promise<{ code: number | null; killedBy: string | null }>((resolve) => {
    child.on('error', (error) => {
      failure = error
      if (child.pid === undefined) resolve({ code: null, killedBy: null })
    })
    child.on('close', (code, killedBy) => resolve({ code, killedBy }))
  })
  let isBusy = false
  return {
    async run(job, { signal, onProgress, graceMs = 5000 } = {}) {
      if (signal?.aborted) throw cancelledError(job)
      isBusy = true
      let answer: Exclude<LakeJobMessage, { type: 'progress' }> | undefined
      child.on('message', (message: LakeJobMessage) => {
        if (message.type === 'progress') onProgress?.(message)
        else answer = message
      })
      let killTimer: NodeJS.Timeout | undefined
      const cancel = () => {
        child.kill('SIGTERM')
        killTimer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      }
      signal?.addEventListener('abort', cancel, { once: true })
      child.send(job, (error) => {
        if (error) failure = error
      })
      const { code, killedBy } = await ended
      signal?.removeEventListener('abort', cancel)
      clearTimeout(killTimer)

      // done is done: a result that crossed with the cancellation stands
      if (answer?.type === 'result') return answer.result as Extract<LakeJobResult, { kind: Job['kind'] }>
      if (signal?.aborted) throw cancelledError(job)
      if (answer) throw new MeterlakeError(answer.code, answer.message, answer.details)
      throw new MeterlakeError(
        'LOAD_CRASHED',
        `the process of ${describe(job)} ended without an answer (${killedBy ?? `exit code ${code ?? 'none'}`})${
          stderr.trim() === '' ? '' : `; its last words: ${stderr.trim().split('\n').slice(-3).join(' | ')}`
        }`,
        { exit_code: code, signal: killedBy, stderr: stderr.trim() },
        { cause: failure },
      )
    },
    [Symbol.dispose]() {
      if (!isBusy) child.kill('SIGKILL')
    },
  }
}

/** {@link LakeProcess.run} in a process of its own, started now. */
export async function runLakeJob<Job extends LakeJob>(
  job: Job,
  options: RunLakeJobOptions = {},
): Promise<Extract<LakeJobResult, { kind: Job['kind'] }>> {
  using child = openLakeProcess<Job>(job.kind)
  return await child.run(job, options)
}

const describe = (job: LakeJob): string =>
  job.kind === 'load' ? `load ${job.request.raw.sha256.slice(0, 16)}` : 'the publisher'

const cancelledError = (job: LakeJob): MeterlakeError =>
  new MeterlakeError(
    'LOAD_CANCELLED',
    `${describe(job)} was cancelled; ${job.kind === 'load' ? 'nothing was staged' : 'what it had not committed stays staged'}`,
  )
