/** Publishing: everything staged becomes one commit, then the views follow. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { PublishedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { type CommitSession, partNames } from './commit-session.ts'
import { type CommitOptions, prepareCommit } from './commit.ts'
import { Database } from './database.ts'
import { finishErasures } from './finish-erasures.ts'
import { createManifest, emptyManifest, readNewestManifest } from './manifest.ts'
import { folders, formatPath } from './paths.ts'
import { ensurePersonalViews } from './personal-views.ts'
import { unitLimits } from './plan-units.ts'
import { holdPublishLock } from './publish-lock.ts'
import { readStageQueue, type StageQueue } from './stage-queue.ts'
import { removeStage } from './staged-loads.ts'
import { openRoots, type Storage } from './storage.ts'
import { ensureViews } from './views.ts'

export interface PublishOptions extends Partial<CommitOptions> {
  readonly roots: LakeRoots
  /** Zone of the local days; a lake has one. */
  readonly timeZone: string
  /** How long to wait for another publisher before going ahead beside it. */
  readonly waitForLockMs?: number
  /** True: views.duckdb is left behind; who publishes several times in a row calls `ensureViews` at the end. */
  readonly deferViews?: boolean
  readonly memoryLimitMb?: number
  readonly threads?: number
}

export interface Published {
  readonly loads: readonly PublishedLoad[]
  /** Number of the commit; null: nothing was staged. */
  readonly commit: number | null
}

const attempts = 8

/**
 * Commits all complete stages together and brings views.duckdb up to date. Safe beside other publishers and to repeat after a
 * kill at any point. Raises LAKE_CONTENDED, LAKE_CORRUPT, LAKE_DISK_FULL, LAKE_NOT_WRITABLE, SERIES_KEY_COLLISION, CONFIG_INVALID.
 */
export async function publishStaged(options: PublishOptions): Promise<Published> {
  const { lake, pii } = openRoots(options.roots)
  const lockPath = lake.locate(formatPath({ kind: 'state', name: 'publish.lock' }))
  await using _lock = await holdPublishLock(lockPath, options.waitForLockMs ?? 120_000)
  await finishErasures(options.roots)
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const published = await commitOnce(options, lake, pii)
    if (!published) continue
    // the engine of the commit has given back its memory by now
    if (!options.deferViews) await followWithViews(options.roots, published.commit)
    if (published.commit !== null) options.onProgress?.('commit', 1, 1)
    return published
  }
  throw new MeterlakeError('LAKE_CONTENDED', `other publishers won ${attempts} times at ${options.roots.lake}`)
}

/** One attempt on the newest manifest; undefined where another publisher was first. */
async function commitOnce(options: PublishOptions, lake: Storage, pii: Storage): Promise<Published | undefined> {
  // what rows of customers are written and spilled to on the way lies under pii too
  const isPrivate = (await pii.list(folders.staging)).length > 0
  await using scratch = await (isPrivate ? pii : lake).scratch()
  await using db = await Database.open({
    threads: options.threads ?? 1,
    memoryLimitMb: options.memoryLimitMb ?? 384,
    scratch: scratch.path,
  })
  const newest = await readNewestManifest(lake)
  if (newest && newest.timeZone !== options.timeZone)
    throw new MeterlakeError(
      'CONFIG_INVALID',
      `the lake ${lake.root} keeps local days of ${newest.timeZone}, not of ${options.timeZone}: use a lake of its own`,
      { setting: 'timeZone' },
    )
  const parent = newest ?? emptyManifest(options.timeZone, '')
  const queue = await readStageQueue(lake, db, parent)
  for (const id of queue.spent) await removeStage(lake, pii, id)
  if (queue.ids.length === 0) return { loads: [], commit: null }
  const isPersonal = queue.loads.some((load) => Object.values(load.files).some(({ root }) => root === 'pii'))
  // staged since: look again
  if (isPersonal && !isPrivate) return undefined
  const session: CommitSession = {
    db,
    lake,
    pii,
    scratch,
    parent,
    n: parent.n + 1,
    timeZone: options.timeZone,
    nextPart: partNames(),
    written: [],
  }
  return await commitQueue(session, queue, options)
}

async function commitQueue(
  session: CommitSession,
  queue: StageQueue,
  options: PublishOptions,
): Promise<Published | undefined> {
  const { lake, pii, n } = session
  const { limits = unitLimits, now = () => new Date(), onProgress = () => undefined } = options
  // where creating the manifest fails half-way, it may exist: then its files must stay
  let isDiscarded = true
  try {
    const { manifest, loads } = await prepareCommit(session, queue, { limits, now, onProgress })
    isDiscarded = false
    isDiscarded = !(await createManifest(lake, manifest))
    if (isDiscarded) return undefined
    for (const id of queue.ids) await removeStage(lake, pii, id)
    return { loads, commit: n }
  } catch (error) {
    // who was first has removed the stages both were reading
    const newest = await readNewestManifest(lake)
    if (isDiscarded && newest && newest.n >= n) return undefined
    throw error
  } finally {
    if (isDiscarded) for (const { storage, path } of session.written) await storage.remove(path).catch(() => undefined)
  }
}

/** The commit stands, whatever becomes of the views. */
async function followWithViews(roots: LakeRoots, commit: number | null): Promise<void> {
  try {
    await ensureViews(roots)
    await ensurePersonalViews(roots)
  } catch (error) {
    if (commit === null || !isMeterlakeError(error)) throw error
    const message = `commit ${commit} is published, but its views are not yet, the next load or query makes them: ${error.message}`
    throw new MeterlakeError(error.code, message, { ...error.details, commit }, { cause: error })
  }
}
