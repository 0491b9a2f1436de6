/** Tells when files have changed: by looking, so that renames, links swapped by a mount, and network folders are seen too. */
import { stat } from 'node:fs/promises'

export interface FileWatch extends AsyncDisposable {
  /** Looks now; true where something had changed. */
  check(): Promise<boolean>
}

/** Calls `onChange` when a file's time, size or identity differs from the last look. An error of it is its own to report. */
export async function watchFiles(
  paths: readonly string[],
  onChange: () => Promise<void>,
  intervalMs = 10_000,
): Promise<FileWatch> {
  const look = async (): Promise<string> =>
    (
      await Promise.all(
        paths.map(async (path) => {
          const found = await stat(path).catch(() => undefined)
          return found === undefined ? 'absent' : `${found.mtimeMs} ${found.size} ${found.ino}`
        }),
      )
    ).join('\n')
  let seen = await look()
  let running: Promise<boolean> | undefined
  const checkOnce = async (): Promise<boolean> => {
    const now = await look()
    if (now === seen) return false
    seen = now
    await onChange()
    return true
  }
  const check = async (): Promise<boolean> => {
    running ??= checkOnce().finally(() => {
      running = undefined
    })
    return running
  }
  const timer = setInterval(() => void check().catch(() => {}), intervalMs)
  timer.unref()
  return {
    check,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await running?.catch(() => false)
    },
  }
}
