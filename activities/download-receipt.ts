/** Remembers on disk what a workflow run has archived, for an attempt whose answer never reached the server. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RawFeed } from '../schemas/ingest.ts'

/** Longer than any run lives: the custodian keeps a package five days. */
const keepMs = 7 * 86_400_000

export interface DownloadReceipt {
  /** What was archived, if the archive still has it. */
  read(): Promise<RawFeed | undefined>
  write(raw: RawFeed): Promise<void>
}

/** The receipt of one run (`workflowId/runId`) in the folder of downloads. */
export function openDownloadReceipt(directory: string, run: string): DownloadReceipt {
  const path = join(directory, `${createHash('sha256').update(run).digest('hex').slice(0, 32)}.receipt.json`)
  return {
    read: async () => {
      try {
        const raw = JSON.parse(await readFile(path, 'utf8')) as RawFeed
        await stat(raw.path)
        return raw
      } catch {
        // Absent or half-written: the download is simply made again.
        return undefined
      }
    },
    write: async (raw) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await removeOld(directory)
      await writeFile(`${path}.part`, JSON.stringify(raw), { mode: 0o600 })
      await rename(`${path}.part`, path)
    },
  }
}

async function removeOld(directory: string): Promise<void> {
  const oldest = Date.now() - keepMs
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.receipt.json')) continue
    const path = join(directory, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (mtimeMs < oldest) await rm(path, { force: true })
  }
}
