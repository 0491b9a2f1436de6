/** Reading archived bytes back: all of them, synchronously, for the load; a range of them for `explain`. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, zstdDecompressSync } from 'node:zlib'
import { MeterlakeError } from '../schemas/errors.ts'
import { exceedsInflation } from './feed-sniff.ts'
import { giveBack } from './give-back.ts'
import { type FramePlace, framesOf, type RawIndex } from './raw-index.ts'
import { guarded } from './storage-error.ts'

/** Bytes handed out at a time: small enough to stay in the processor's cache, large enough to cost nothing. */
const chunkBytes = 256 * 1024

const corrupt = (path: string, index: RawIndex, place: FramePlace, cause?: unknown) =>
  new MeterlakeError(
    'LAKE_CORRUPT',
    `${path}: the frame at byte ${place.at} cannot be decompressed; run \`meterlake verify\``,
    { sha256: index.sha256, frame_at: place.at },
    { cause },
  )

/** One frame's bytes as received. */
function decompress(path: string, index: RawIndex, place: FramePlace, frame: Uint8Array): Buffer {
  const size = place.to - place.from
  let bytes: Buffer
  try {
    bytes = zstdDecompressSync(frame, { maxOutputLength: size, chunkSize: Math.max(size, 64) })
  } catch (error) {
    throw corrupt(path, index, place, error)
  }
  if (bytes.length !== size) throw corrupt(path, index, place)
  return bytes
}

/**
 * The bytes as received, in order; nothing asynchronous, so that the engine may pull them. `isFreed`: the memory of a chunk is given
 * back once 4 MiB more have been read, for the garbage collector lets tens of megabytes of it pile up.
 */
export function* receivedChunks(
  path: string,
  index: RawIndex,
  isFreed: boolean,
): Generator<Uint8Array, void, undefined> {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, ...index.frames))
    let before: Buffer | undefined
    for (const place of framesOf(index)) {
      const length = readSync(file, buffer, 0, place.compressedBytes, place.at)
      if (length !== place.compressedBytes) throw corrupt(path, index, place)
      const bytes = decompress(path, index, place, buffer.subarray(0, length))
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
      if (isFreed && before) giveBack(before)
      before = bytes
    }
  } finally {
    closeSync(file)
  }
}

/** The bytes of a plain file, in order. */
function* fileChunks(path: string): Generator<Uint8Array, void, undefined> {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      // a reader may keep the end of a chunk: none is used twice
      const buffer = Buffer.allocUnsafeSlow(chunkBytes)
      const length = readSync(file, buffer, 0, chunkBytes, null)
      if (length === 0) return
      yield buffer.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

/** A feed ready to be read. */
export interface RawChunks {
  /** Decoded size. */
  readonly bytes: number
  /** For one pass. A chunk is valid until 4 MiB more have been read. */
  readonly chunks: Iterable<Uint8Array>
}

const zipRefused = (index: RawIndex) =>
  new MeterlakeError(
    'FEED_NOT_XML',
    `feed ${index.sha256.slice(0, 16)} is a zip archive: unpack it and load the files in it`,
    { sha256: index.sha256 },
  )

const bombRefused = (index: RawIndex) =>
  new MeterlakeError(
    'FEED_LIMIT',
    `feed ${index.sha256.slice(0, 16)} inflates to more than 200 times its size and is refused as a gzip bomb`,
    { sha256: index.sha256, bytes: index.bytes },
  )

/**
 * Opens an archived feed for one pass over its decoded bytes. A gzip body is decoded into `scratchFile` first, because only a file
 * can be read synchronously in flat memory. Raises FEED_NOT_XML for a zip archive, FEED_LIMIT for a gzip bomb, FEED_TRUNCATED for a broken gzip body,
 * LAKE_CORRUPT where the archive is damaged.
 */
export async function openRaw(path: string, index: RawIndex, scratchFile: string): Promise<RawChunks> {
  if (index.contentCoding === 'zip') throw zipRefused(index)
  if (index.contentCoding === 'identity') return { bytes: index.bytes, chunks: receivedChunks(path, index, true) }
  let bytes = 0
  await using output = await guarded(scratchFile, () => open(scratchFile, 'wx', 0o600))
  await guarded(scratchFile, () =>
    gunzip(path, index, async (chunk) => {
      bytes += chunk.length
      await output.appendFile(chunk)
      return true
    }),
  )
  return { bytes, chunks: fileChunks(scratchFile) }
}

/** Decodes a gzip body into `write`, until that answers false. */
async function gunzip(path: string, index: RawIndex, write: (chunk: Buffer) => Promise<boolean>): Promise<void> {
  let decoded = 0
  const enough = new AbortController()
  try {
    await pipeline(
      receivedChunks(path, index, false),
      createGunzip(),
      async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) {
          decoded += chunk.length
          if (exceedsInflation(index.bytes, decoded)) throw bombRefused(index)
          if (!(await write(chunk))) return enough.abort()
        }
      },
      { signal: enough.signal },
    )
  } catch (error) {
    if (enough.signal.aborted) return
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_'))
      throw new MeterlakeError(
        'FEED_TRUNCATED',
        `feed ${index.sha256.slice(0, 16)} is a gzip body that breaks off or is damaged after ${decoded} decoded bytes`,
        { sha256: index.sha256, decoded_bytes: decoded },
        { cause: error },
      )
    throw error
  }
}

/** Decoded bytes `from` up to (not with) `to`; fewer where the feed ends before. Costs the frames that hold them; a gzip body is decoded up to `to`. */
export async function readRawRange(path: string, index: RawIndex, from: number, to: number): Promise<Buffer> {
  const parts: Buffer[] = []
  if (index.contentCoding === 'gzip') {
    let at = 0
    await gunzip(path, index, async (chunk) => {
      if (at + chunk.length > from) parts.push(chunk.subarray(Math.max(0, from - at), Math.min(chunk.length, to - at)))
      at += chunk.length
      return at < to
    })
    return Buffer.concat(parts)
  }
  await using file = await open(path, 'r')
  for (const place of framesOf(index, from, to)) {
    const bytes = decompress(path, index, place, await readAt(file, place))
    parts.push(bytes.subarray(Math.max(0, from - place.from), Math.min(bytes.length, to - place.from)))
  }
  return Buffer.concat(parts)
}

async function readAt(file: FileHandle, place: FramePlace): Promise<Buffer> {
  const buffer = Buffer.alloc(place.compressedBytes)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, place.at)
  return buffer.subarray(0, bytesRead)
}
