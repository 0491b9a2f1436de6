/**
 * One publisher at a time, to save work: what two of them commit is right without it, because manifests are created
 * exclusively. A lock whose process is gone, or that is waited for too long, is ignored.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './live-process.ts'
import { guarded } from './storage-error.ts'

const pollMs = 25

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

/** Creates the lock whole: with its holder's pid in it. */
async function create(path: string): Promise<boolean> {
  const aside = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(aside, String(process.pid))
    await link(aside, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await unlink(aside).catch(() => undefined)
  }
}

/** Takes the lock file at an absolute path, waiting at most `waitMs` for a live holder, then going on without. Disposing gives it back. */
export async function holdPublishLock(path: string, waitMs: number): Promise<AsyncDisposable> {
  return (await takePublishLock(path, waitMs)) ?? { [Symbol.asyncDispose]: async () => undefined }
}

/** Takes the lock for work that must not be done beside a publisher; undefined where a live holder kept it all of `waitMs`. */
export async function takePublishLock(path: string, waitMs: number): Promise<AsyncDisposable | undefined> {
  const until = performance.now() + waitMs
  while (!(await guarded(path, () => create(path)))) {
    const holder = Number(await readFile(path, 'utf8').catch(() => ''))
    if (holder > 0 && !isAlive(holder)) {
      await unlink(path).catch(() => undefined)
      continue
    }
    if (performance.now() >= until) return undefined
    await sleep(pollMs)
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await unlink(path).catch(() => undefined)
    },
  }
}
