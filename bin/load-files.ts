/** Feed files on disk → raw archive → load → one publish: the same path as a notified package, without Temporal and network. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../schemas/config.ts'
import { isMeterlakeError, type MeterlakeError } from '../schemas/errors.ts'
import type { PublishedLoad, RawFeed } from '../schemas/ingest.ts'
import type { LakeJob, LakeRoots } from '../schemas/load-process.ts'
import { formatPath, loadIdOf } from '../warehouse/paths.ts'
import { archiveRaw } from '../warehouse/raw-archive.ts'
import { openFolder } from '../warehouse/storage.ts'
import type { Format } from './command-context.ts'
import { feedProfile, type FeedProfile } from './feed-profile.ts'
import { findFeedFiles, type FeedFile, saveStdin } from './feed-files.ts'
import { type FileOutcome, showFailures, showLoadSummary } from './load-summary.ts'
import { openProgress, type Progress } from './progress.ts'
import { exitCodes } from './report-error.ts'
import { openLakeProcess, readerOptions, runLakeJob } from './run-lake-job.ts'
import { listenForCancel } from './stop-signal.ts'

export interface LoadFilesOptions {
  readonly roots: LakeRoots
  readonly config: Config
  readonly profile: 'pge' | 'espi' | undefined
  readonly format: Format
}

type LoadJob = Extract<LakeJob, { kind: 'load' }>

interface Run {
  readonly roots: LakeRoots
  readonly profile: FeedProfile
  readonly reader: ReturnType<typeof readerOptions>
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Loads what the patterns name and commits it together; prints a row per file. Answers the exit code. Throws USAGE, LAKE_*. */
export async function loadFiles(patterns: readonly string[], options: LoadFilesOptions): Promise<number> {
  const { roots, config, format } = options
  const profile = feedProfile(config, options.profile)
  using stop = listenForCancel('stopped before the commit')
  await using stdin = patterns.includes('-')
    ? await saveStdin(join(roots.lake, formatPath({ kind: 'state', name: 'incoming' })), process.stdin)
    : undefined
  const named = await findFeedFiles(patterns.filter((pattern) => pattern !== '-'))
  const files = stdin ? [...named, stdin] : named
  using progress = openProgress(process.stderr)
  const run = { roots, profile, reader: readerOptions(config), signal: stop.signal, progress }
  const outcomes = await loadAll(files, run)
  const committed = await publish(run, outcomes)
  progress[Symbol.dispose]()
  const quarantined = await showLoadSummary(roots, outcomes, committed, format)
  showFailures(outcomes)
  if (outcomes.some(({ outcome }) => outcome === 'failed')) return exitCodes.failed
  return quarantined > 0 ? exitCodes.incomplete : exitCodes.done
}

/** Loads side by side, one process each, as many as there are cores. A file that fails does not stop the others. */
async function loadAll(files: readonly FeedFile[], run: Run): Promise<FileOutcome[]> {
  const outcomes: FileOutcome[] = []
  const waiting = files.entries()
  run.progress.start(
    'loading',
    files.reduce((sum, { bytes }) => sum + bytes, 0),
    files.length,
  )
  const worker = async () => {
    // The iterator is shared: each worker takes the next file.
    for (const [index, file] of waiting) outcomes[index] = await loadOne(file, run)
  }
  const settled = await Promise.allSettled(Array.from({ length: Math.min(availableParallelism(), 4) }, worker))
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return outcomes
}

/** Errors of one file; after any other (disk full, cancelled) going on makes no sense. */
const isOfTheFile = (error: unknown): error is MeterlakeError =>
  isMeterlakeError(error) && error.code.startsWith('FEED_')

async function loadOne(file: FeedFile, run: Run): Promise<FileOutcome> {
  const { roots, profile, reader, signal, progress } = run
  const started = Date.now()
  let loadId: string | null = null
  // it gets ready while the file is archived
  using child = openLakeProcess<LoadJob>('load')
  const outcome = (result: FileOutcome['outcome'], error: MeterlakeError | null): FileOutcome => {
    progress.finish(file.name, file.bytes, result)
    return {
      file: file.name,
      bytes: file.bytes,
      loadId,
      outcome: result,
      error,
      seconds: (Date.now() - started) / 1000,
    }
  }
  try {
    signal.throwIfAborted()
    const raw = await archive(file, run)
    loadId = loadIdOf(raw.sha256)
    const request = { raw, source: 'file', sourceName: file.name, notificationId: null, correlationId: null } as const
    const { staged } = await child.run(
      { kind: 'load', roots, profile, request, ...reader },
      {
        signal,
        onProgress: ({ phase, done, total }) => {
          if (phase === 'read') progress.update(file.name, total === 0 ? 0 : (done / total) * file.bytes)
        },
      },
    )
    return outcome(staged.outcome, null)
  } catch (error) {
    if (isOfTheFile(error)) return outcome('failed', error)
    throw error
  }
}

const archive = (file: FeedFile, { roots, signal }: Run): Promise<RawFeed> =>
  archiveRaw({
    lake: openFolder(roots.lake, { isPrivate: false }),
    pii: openFolder(roots.pii, { isPrivate: true }),
    file: file.path,
    receivedAt: new Date().toISOString(),
    source: 'file',
    sourceName: file.name,
    correlationId: null,
    signal,
  })

/** One commit for all, also the ledger rows of files that failed; answers what it committed. Nothing staged is nothing to do. */
async function publish(
  { roots, profile, signal, progress }: Run,
  outcomes: readonly FileOutcome[],
): Promise<readonly PublishedLoad[]> {
  if (outcomes.every(({ outcome }) => outcome === 'known')) {
    // a publisher may have ended between its commit and its views
    const { ensureViews } = await import('../warehouse/views.ts')
    await ensureViews(roots)
    return []
  }
  progress.start('publishing', 0, 0)
  const { loads } = await runLakeJob(
    { kind: 'publish', roots, timeZone: profile.timeZone },
    { signal, onProgress: ({ done, total }) => progress.share(done, total) },
  )
  return loads
}
