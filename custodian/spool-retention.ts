/** What the spool forgets: notifications that were started, or were none, long ago. `new/` is never touched. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

interface Retention {
  /** Older ones are removed. */
  readonly longest_days: number
  /** Of more than so many the oldest are removed… */
  readonly maxFiles: number
  /** …unless they are younger: their runs may still read them. */
  readonly shortest_days: number
}

/**
 * `done/` recognises a notification that comes again, and is read page by page while its packages can be fetched (five days).
 * `bad/` is there to be looked at; a body is at most 1 MiB, so it holds a gigabyte at most after two days.
 */
const retentions: Readonly<Record<'done' | 'bad', Retention>> = {
  done: { longest_days: 90, maxFiles: 20_000, shortest_days: 7 },
  bad: { longest_days: 90, maxFiles: 1_000, shortest_days: 2 },
}

const msPerDay = 86_400_000

/** Removes what is too old or too much in `done/` and `bad/` of the spool; answers how many files. Rejects with errors of the file system. */
export async function pruneSpool(
  directory: string,
  nowMs: number = Date.now(),
): Promise<{ readonly done: number; readonly bad: number }> {
  const prune = async (state: 'done' | 'bad'): Promise<number> => {
    const folder = join(directory, state)
    const excess = tooMany(await filesByAge(folder, nowMs), retentions[state])
    for (const { path } of excess) await rm(path, { force: true })
    return excess.length
  }
  return { done: await prune('done'), bad: await prune('bad') }
}

interface AgedFile {
  readonly path: string
  readonly age_days: number
}

/** Youngest first. */
async function filesByAge(folder: string, nowMs: number): Promise<readonly AgedFile[]> {
  const files: AgedFile[] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const { mtimeMs } = await stat(path)
    files.push({ path, age_days: (nowMs - mtimeMs) / msPerDay })
  }
  return files.sort((a, b) => a.age_days - b.age_days)
}

const tooMany = (youngestFirst: readonly AgedFile[], { longest_days, maxFiles, shortest_days }: Retention) =>
  youngestFirst.filter(({ age_days }, at) => age_days > longest_days || (at >= maxFiles && age_days > shortest_days))
