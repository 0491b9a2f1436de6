/** Bytes from a stream to a file that is there whole or not at all. */
import { createHash, randomUUID } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { MeterlakeError } from '../schemas/errors.ts'
import { removeLeftOvers } from './left-overs.ts'

const writeBytes = 1 << 20

export interface WrittenFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

/**
 * Writes `source` into `directory` (made 0700) as `<sha256>-<random>.xml` (0600; two downloads may bring the same bytes, and each removes its own): aside, fsync, rename, fsync of the folder. `onWrite`
 * is called about once a MiB. What `source` throws passes through; the partial file is removed.
 * Throws LAKE_DISK_FULL, LAKE_NOT_WRITABLE.
 */
export async function writeDownload(
  directory: string,
  source: AsyncIterable<Uint8Array>,
  onWrite: () => void,
): Promise<WrittenFile> {
  const aside = join(directory, `${randomUUID()}.part`)
  await onDisk(directory, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await chmod(directory, 0o700)
    for (const suffix of ['.part', '.xml']) await removeLeftOvers(directory, suffix)
  })
  const hash = createHash('sha256')
  let written = false
  try {
    let bytes: number
    {
      await using file = await onDisk(directory, () => open(aside, 'wx', 0o600))
      bytes = await copy(source, file, hash, directory, onWrite)
      await onDisk(directory, () => file.sync())
    }
    const sha256 = hash.digest('hex')
    const path = join(directory, `${sha256}-${randomUUID()}.xml`)
    await onDisk(directory, async () => {
      await rename(aside, path)
      written = true
      await using folder = await open(directory, 'r')
      await folder.sync()
    })
    return { path, sha256, bytes }
  } finally {
    if (!written) await rm(aside, { force: true }).catch(() => undefined)
  }
}

async function copy(
  source: AsyncIterable<Uint8Array>,
  file: FileHandle,
  hash: Hash,
  directory: string,
  onWrite: () => void,
): Promise<number> {
  let bytes = 0
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const flush = async (): Promise<void> => {
    const joined = waiting.length === 1 ? (waiting[0] as Uint8Array) : Buffer.concat(waiting, waitingBytes)
    waiting = []
    waitingBytes = 0
    hash.update(joined)
    await onDisk(directory, () => file.writeFile(joined))
    onWrite()
  }
  for await (const chunk of source) {
    waiting.push(chunk)
    waitingBytes += chunk.length
    bytes += chunk.length
    if (waitingBytes >= writeBytes) await flush()
  }
  if (waitingBytes > 0) await flush()
  return bytes
}

async function onDisk<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
    const code = reason === 'ENOSPC' || reason === 'EDQUOT' ? 'LAKE_DISK_FULL' : 'LAKE_NOT_WRITABLE'
    throw new MeterlakeError(code, `download folder ${directory} cannot be written (${reason})`, { directory, reason })
  }
}
