/**
 * The durable inbox of notifications: a body is on disk, fsynced, before its sender hears 200. The tree shows the state:
 * `new/` (to be started), `done/` (its workflow was started), `bad/` (no BatchList), `tmp/` (being written).
 * A file is the body as received, named by its notification id; its modification time is the time of receipt.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MeterlakeError } from '../schemas/errors.ts'
import type { ReceivedNotification } from '../schemas/ingest.ts'
import { idOfList, readBatchList } from './batch-list.ts'
import { groupCommit } from './group-commit.ts'
import { removeLeftOvers } from './left-overs.ts'
import { newestMembers } from './newest-members.ts'

export type SpoolState = 'new' | 'done' | 'bad'

export interface SpooledNotification extends ReceivedNotification {
  /** The same notification was there already, new or done. */
  readonly duplicate: boolean
}

export interface Spool extends AsyncDisposable {
  readonly directory: string
  /** Durable when it resolves. Throws NOTIFICATION_MALFORMED, NOTIFICATION_TOO_LARGE, SPOOL_NOT_WRITABLE. */
  put(bytes: Uint8Array): Promise<SpooledNotification>
  /** Keeps a malformed body in `bad/`, durably. Throws SPOOL_NOT_WRITABLE. */
  putBad(bytes: Uint8Array): Promise<SpooledNotification>
  /** Oldest first. */
  list(state: SpoolState): Promise<readonly ReceivedNotification[]>
  /** The oldest new ones that this object has not handed out yet; each is to be given to `finish` or `release`. */
  claim(limit?: number): Promise<readonly ReceivedNotification[]>
  /** A claimed one whose workflow could not be started: it may be claimed again. */
  release(notificationId: string): void
  /** Its workflow was started: from `new/` to `done/`. */
  finish(notificationId: string): Promise<void>
}

const fileName = /^([0-9a-f]{64})\.xml$/

/** Ids of 64 characters: a few megabytes. One that is forgotten costs a flush when it comes again. */
const rememberedIds = 10_000

/** Opens the spool in `directory`, making it (0700) where needed. Throws SPOOL_NOT_WRITABLE. */
export async function openSpool(directory: string): Promise<Spool> {
  const pathOf = (state: SpoolState | 'tmp', name: string): string => join(directory, state, `${name}.xml`)
  await writable(directory, async () => {
    for (const state of ['tmp', 'new', 'done', 'bad'])
      await mkdir(join(directory, state), { recursive: true, mode: 0o700 })
    await syncFolder(directory)
    await syncFolder(dirname(directory))
    await removeLeftOvers(join(directory, 'tmp'), '.xml')
  })
  const claimed = new Set<string>()
  const received = async (state: SpoolState, id: string): Promise<ReceivedNotification> => {
    const spoolPath = pathOf(state, id)
    const { mtime } = await stat(spoolPath)
    return { notificationId: id, receivedAt: mtime.toISOString(), spoolPath }
  }

  const place = async (state: 'new' | 'bad', id: string, bytes: Uint8Array): Promise<SpooledNotification> => {
    const aside = pathOf('tmp', randomUUID())
    try {
      {
        await using file = await open(aside, 'wx', 0o600)
        await file.writeFile(bytes)
        await file.sync()
      }
      const linked = await link(aside, pathOf(state, id)).then(() => true, ignoring('EEXIST', false))
      if (linked && state === 'new') {
        // Looked for only now: between a look before and the link it could have been finished.
        const done = await received('done', id).catch(ignoring('ENOENT', undefined))
        if (done !== undefined) {
          await rm(pathOf('new', id), { force: true })
          return { ...done, duplicate: true }
        }
      }
      const where = await received(state, id).catch(ignoring('ENOENT', undefined))
      return { ...(where ?? (await received('done', id))), duplicate: !linked }
    } finally {
      await rm(aside, { force: true }).catch(() => undefined)
    }
  }
  // One fsync of the folder for all that came meanwhile.
  const commit = groupCommit((state: SpoolState) => syncFolder(join(directory, state)))
  /** Ids whose file and folder were flushed: what comes again is there, and needs no flush. */
  const durable = newestMembers<string>(rememberedIds)
  const here = async (state: 'new' | 'bad', id: string): Promise<ReceivedNotification | undefined> => {
    for (const where of state === 'new' ? (['new', 'done'] as const) : [state]) {
      const found = await received(where, id).catch(ignoring('ENOENT', undefined))
      if (found === undefined) continue
      if (!durable.has(id)) await commit(where)
      return found
    }
    return undefined
  }
  const keep = (state: 'new' | 'bad', id: string, bytes: Uint8Array): Promise<SpooledNotification> =>
    writable(directory, async () => {
      const earlier = await here(state, id)
      if (earlier !== undefined) return { ...earlier, duplicate: true }
      const placed = await place(state, id, bytes)
      await commit(state)
      return placed
    })
  const arriving = new Map<string, Promise<SpooledNotification>>()
  /** The same notification many times at once is written once. */
  const put = async (state: 'new' | 'bad', id: string, bytes: Uint8Array): Promise<SpooledNotification> => {
    const first = arriving.get(id)
    if (first !== undefined) return { ...(await first), duplicate: true }
    const keeping = keep(state, id, bytes).finally(() => arriving.delete(id))
    arriving.set(id, keeping)
    const kept = await keeping
    durable.add(id)
    return kept
  }

  const list = async (state: SpoolState): Promise<readonly ReceivedNotification[]> => {
    const ids = (await readdir(join(directory, state))).flatMap((name) => fileName.exec(name)?.[1] ?? [])
    const found = await Promise.all(ids.map((id) => received(state, id).catch(ignoring('ENOENT', undefined))))
    return found.filter((item) => item !== undefined).sort((a, b) => (age(a) < age(b) ? -1 : 1))
  }

  return {
    directory,
    put: async (bytes) => put('new', idOfList(readBatchList(bytes), bytes, randomUUID()), bytes),
    putBad: async (bytes) => put('bad', idOfList([], bytes, ''), bytes),
    list,
    async claim(limit = 100) {
      const waiting = (await list('new')).filter(({ notificationId }) => !claimed.has(notificationId)).slice(0, limit)
      for (const { notificationId } of waiting) claimed.add(notificationId)
      return waiting
    },
    release: (id) => void claimed.delete(id),
    async finish(id) {
      await writable(directory, () =>
        rename(pathOf('new', id), pathOf('done', id)).catch(ignoring('ENOENT', undefined)),
      )
      claimed.delete(id)
    },
    [Symbol.asyncDispose]: () => commit('new').catch(() => undefined),
  }
}

/** The body behind `ReceivedNotification.spoolPath`, wherever it lies by now: starting its workflow moves it to `done/`. */
export async function readSpooled(spoolPath: string): Promise<Uint8Array> {
  const finished = join(dirname(dirname(spoolPath)), 'done', basename(spoolPath))
  return readFile(spoolPath).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return readFile(finished)
  })
}

const age = ({ receivedAt, notificationId }: ReceivedNotification): string => `${receivedAt} ${notificationId}`

const ignoring =
  <T>(code: string, instead: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error
    return instead
  }

async function writable<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    const message = `notification spool ${directory} cannot be written (${reason})`
    throw new MeterlakeError('SPOOL_NOT_WRITABLE', message, { directory, reason })
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
