/**
 * The child process of a load or a publish: one job, sent as the first message; answers over IPC, then ends. Its argument is the
 * kind of the job to come.
 */
import { useCompileCache } from './compile-cache.ts'
import type { LakeJob, LakeJobMessage, LakeJobResult } from '../schemas/load-process.ts'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { version } from './version.ts'

type Progress = Extract<LakeJobMessage, { type: 'progress' }>

const progressEveryMs = 100
const cancelled = new AbortController()

const send = (message: LakeJobMessage): Promise<void> =>
  new Promise((resolve) => {
    // an unreachable parent is noticed by 'disconnect'
    process.send?.(message, undefined, {}, () => resolve())
  })

let isAnswered = false
let kind: LakeJob['kind'] | undefined
let lastSentMs = 0
let lastPhase = ''
const onProgress = (phase: Progress['phase'], done: number, total: number): void => {
  const nowMs = performance.now()
  if (phase === lastPhase && done < total && nowMs - lastSentMs < progressEveryMs) return
  lastSentMs = nowMs
  lastPhase = phase
  void send({ type: 'progress', phase, done, total })
}

const needs = {
  load: async () => ({
    ...(await import('../warehouse/stage.ts')),
    ...(await import('../espi/feed-reader.ts')),
    ...(await import('../espi/entry-spans.ts')),
    ...(await import('../warehouse/ledger.ts')),
  }),
  publish: async () => import('../warehouse/publish.ts'),
}

async function load(job: Extract<LakeJob, { kind: 'load' }>): Promise<LakeJobResult> {
  const { stageLoad, openFeedReader, scanEntries, isKnownLoad } = await needs.load()
  const { roots, profile, request, markupMemory = true } = job
  const staged = await stageLoad({
    roots,
    profile,
    request,
    openReader: (sink, options) => openFeedReader(sink, { ...options, markupMemory }),
    parser: `meterlake ${version}`,
    scanEntries,
    isKnown: (sha256) => isKnownLoad(roots, sha256),
    onProgress,
    signal: cancelled.signal,
  })
  return { kind: 'load', staged }
}

async function publish(job: Extract<LakeJob, { kind: 'publish' }>): Promise<LakeJobResult> {
  const { publishStaged } = await needs.publish()
  const { roots, timeZone, knownAt, deferViews = false } = job
  const now = () => (knownAt === undefined ? new Date() : new Date(knownAt))
  const { loads, commit } = await publishStaged({ roots, timeZone, onProgress, deferViews, now })
  return { kind: 'publish', loads, commit }
}

async function answer(job: LakeJob): Promise<LakeJobMessage> {
  try {
    return { type: 'result', result: job.kind === 'load' ? await load(job) : await publish(job) }
  } catch (error) {
    if (isMeterlakeError(error))
      return { type: 'error', code: error.code, message: error.message, details: error.details }
    // the stack is for whoever reads our stderr; it may quote the engine, never the feed
    console.error(error)
    const message = error instanceof Error ? error.message : String(error)
    return { type: 'error', code: 'INTERNAL', message: `the ${job.kind} process failed: ${message}`, details: {} }
  }
}

process.once('message', (job: LakeJob) => {
  kind = job.kind
  void answer(job).then(async (message) => {
    await send(message)
    isAnswered = true
    process.disconnect()
  })
})

process.on('SIGTERM', () => {
  // a publish may be killed anywhere: without its manifest nothing happened, and what was staged stays staged
  if (kind !== 'load') process.kill(process.pid, 'SIGKILL')
  cancelled.abort(new MeterlakeError('LOAD_CANCELLED', 'the load process was asked to stop; nothing was published'))
})
// Ctrl-C reaches the whole process group: the parent decides
process.on('SIGINT', () => undefined)

process.on('disconnect', () => {
  if (isAnswered) process.exit(0)
  // the parent is gone, and what is half done must not go on; process.exit() would wait for the engine, which waits for us
  process.kill(process.pid, 'SIGKILL')
})

useCompileCache()
const expected = process.argv[2]
// what fails now fails again with the job, and is answered
if (expected === 'load' || expected === 'publish') needs[expected]().catch(() => undefined)
