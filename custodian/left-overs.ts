/** Files that a killed process left half written. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** No writer pauses that long: downloads and notifications have time limits far below. */
const abandonedAfterMs = 3_600_000

/** Removes files of `directory` ending in `suffix` that nobody has written to for an hour. */
export async function removeLeftOvers(directory: string, suffix: string, now: Date = new Date()): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(suffix)) continue
    const path = join(directory, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (mtimeMs < now.getTime() - abandonedAfterMs) await rm(path, { force: true })
  }
}
