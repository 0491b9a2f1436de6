/** Erasing bytes of an archived feed: they become blanks, and all others stay where they are. */
import { createHash } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import type { EntrySpan, ScanEntries } from '../schemas/entry-span.ts'
import { formatPath } from './paths.ts'
import { compressFrame, frameBytes } from './raw-archive.ts'
import type { RawIndex } from './raw-index.ts'
import { openRaw } from './raw-reader.ts'
import { guarded } from './storage-error.ts'
import type { Scratch, Storage } from './storage.ts'
import type { ByteRange } from './tombstones.ts'

export interface BlankedRaw {
  /** Absolute path of the new archived file, complete. */
  readonly body: string
  readonly index: RawIndex
  /** Entries and readings that went, and their bytes. */
  readonly ranges: number
  readonly bytes: number
}

export interface BlankOptions {
  /** Absolute path of the archived file. */
  readonly path: string
  readonly index: RawIndex
  readonly scan: ScanEntries
  readonly rangesOf: (span: EntrySpan) => readonly ByteRange[]
  readonly scratch: Scratch
  /** When it is done, RFC 3339. */
  readonly at: string
}

const space = 0x20
/** Splits the blanks: the reader takes no text longer than 1 MiB. */
const comment = Buffer.from('<!---->')
const commentEvery = 64 * 1024

/** Ranges of a feed that are to go. None of a zip archive, which was never read. */
export async function rangesToBlank({ path, index, scan, rangesOf, scratch }: BlankOptions): Promise<ByteRange[]> {
  if (index.contentCoding === 'zip') return []
  const ranges: ByteRange[] = []
  const { chunks } = await openRaw(path, index, scratch.file(`${index.sha256}.scanned`))
  scan(chunks, (span) => {
    for (const range of rangesOf(span)) ranges.push(range)
  })
  return ranges
}

/** Writes the feed anew into the scratch folder, decoded, without these bytes; undefined where there are none to go. */
export async function blankRaw(options: BlankOptions): Promise<BlankedRaw | undefined> {
  const { path, index, scratch, at } = options
  const ranges = await rangesToBlank(options)
  if (ranges.length === 0) return undefined
  const body = scratch.file(`${index.sha256}.blanked`)
  const hash = createHash('sha256')
  const frames: number[] = []
  let bytes = 0
  let next = 0
  let filled = 0
  const frame = Buffer.allocUnsafeSlow(frameBytes)
  await using output = await guarded(body, () => open(body, 'w', 0o600))
  const flush = async () => {
    const content = frame.subarray(0, filled)
    hash.update(content)
    const compressed = await compressFrame(content)
    await guarded(body, () => output.appendFile(compressed))
    frames.push(compressed.length)
    filled = 0
  }
  const raw = await openRaw(path, index, scratch.file(`${index.sha256}.decoded`))
  for (const chunk of raw.chunks) {
    // the archive's own memory is not ours to write into
    const copy = Buffer.from(chunk)
    for (let range = ranges[next]; range !== undefined && range.from < bytes + copy.length; range = ranges[next]) {
      blank(copy, bytes, range)
      if (range.to > bytes + copy.length) break
      next += 1
    }
    bytes += copy.length
    for (let from = 0; from < copy.length;) {
      const taken = copy.copy(frame, filled, from)
      filled += taken
      from += taken
      if (filled === frameBytes) await flush()
    }
  }
  if (filled > 0) await flush()
  const erased = {
    sha256: hash.digest('hex'),
    at,
    ranges: (index.erased?.ranges ?? 0) + ranges.length,
    bytes: (index.erased?.bytes ?? 0) + ranges.reduce((sum, { from, to }) => sum + to - from, 0),
  }
  const blanked = { ...index, contentCoding: 'identity' as const, bytes, frameBytes, frames, erased }
  return {
    body,
    index: blanked,
    ranges: ranges.length,
    bytes: ranges.reduce((sum, { from, to }) => sum + to - from, 0),
  }
}

/** Blanks the part of a range that lies in a chunk, which begins at offset `at`. */
function blank(chunk: Buffer, at: number, { from, to }: ByteRange): void {
  const begin = Math.max(0, from - at)
  const end = Math.min(chunk.length, to - at)
  chunk.fill(space, begin, end)
  for (let mark = begin; mark + comment.length <= end; mark += commentEvery) comment.copy(chunk, mark)
}

/** Puts it in the place of the archived file. Killed in between, its frame index does not fit, and the file counts as not there. */
export async function replaceRaw(storage: Storage, { body, index }: Pick<BlankedRaw, 'body' | 'index'>): Promise<void> {
  const { sha256 } = index
  const sidecar = `${body}.json`
  await writeFile(sidecar, JSON.stringify(index), { mode: 0o600 })
  await storage.publish(body, formatPath({ kind: 'raw', sha256 }))
  await storage.publish(sidecar, formatPath({ kind: 'raw_index', sha256 }))
}
