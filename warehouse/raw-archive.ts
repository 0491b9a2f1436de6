/** Archiving: a complete local file becomes `raw/<ab>/<sha256>.xml.zst`, the bytes as received in independent zstd frames. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import type { RawFeed } from '../schemas/ingest.ts'
import { type BodySniff, contentCodingOf, GzipSniff, PlainSniff } from './feed-sniff.ts'
import { giveBack } from './give-back.ts'
import { formatPath } from './paths.ts'
import { archivedBytes, type RawIndex, rawIndexSchema } from './raw-index.ts'
import { guarded } from './storage-error.ts'
import type { Storage } from './storage.ts'

/** Received bytes in a frame. */
export const frameBytes = 4 * 1024 * 1024
const compress = promisify(zstdCompress)
const compressOptions = {
  // most frames in one piece, which can be given back
  chunkSize: 1024 * 1024,
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
}

/** A frame of the archive. */
export const compressFrame = (bytes: Uint8Array): Promise<Buffer> => compress(bytes, compressOptions)

export interface ArchiveRequest {
  readonly lake: Storage
  readonly pii: Storage
  /** Absolute path of a complete local file; it is left alone. */
  readonly file: string
  /** ISO time. */
  readonly receivedAt: string
  readonly source: 'file' | 'notification'
  /** File name, or resource path without its query. */
  readonly sourceName: string
  readonly correlationId: string | null
  /** True where the request already says so (BulkRetailCustomerInfo): the bytes go to the pii root whatever they look like. */
  readonly isCustomer?: boolean
  readonly signal?: AbortSignal
}

/**
 * Archives a file, once however often it comes. Customer feeds, and bodies that may be one, go to the pii root; until the
 * last byte has been seen the work lies there. Raises LAKE_NOT_WRITABLE, LAKE_DISK_FULL, or the signal's reason.
 */
export async function archiveRaw(request: ArchiveRequest): Promise<RawFeed> {
  await using scratch = await request.pii.scratch()
  const { isPersonal, ...facts } = await compressFile(request, scratch.file('body'))
  const root = isPersonal ? 'pii' : 'lake'
  const storage = request[root]
  const { source, sourceName, correlationId, receivedAt } = request
  const index: RawIndex = { format: 1, ...facts, source, sourceName, correlationId, receivedAt }
  const path = formatPath({ kind: 'raw', sha256: index.sha256 })
  const known = await readIndex(storage, index.sha256)
  if (!known) {
    await storage.publish(scratch.file('body'), path)
    // where the bytes were gone but their sidecar was not, it says the same of them
    await storage.putIfAbsent(formatPath({ kind: 'raw_index', sha256: index.sha256 }), JSON.stringify(index))
  }
  return {
    sha256: index.sha256,
    bytes: index.bytes,
    path: storage.locate(path),
    root,
    kind: known?.kind ?? index.kind,
    receivedAt,
  }
}

type BodyFacts = Pick<RawIndex, 'sha256' | 'bytes' | 'contentCoding' | 'frameBytes' | 'frames' | 'kind'>

/** One pass over the file: hash, sniff and compress, frame after frame; the next frame is read while one is compressed. */
async function compressFile(request: ArchiveRequest, target: string): Promise<BodyFacts & { isPersonal: boolean }> {
  const hash = createHash('sha256')
  const frames: number[] = []
  let bytes = 0
  let coding: RawIndex['contentCoding'] | undefined
  let sniff: BodySniff | undefined
  let pending: Promise<Buffer> | undefined
  await using input = await open(request.file, 'r')
  await using output = await guarded(target, () => open(target, 'wx', 0o600))
  const writePending = async () => {
    if (!pending) return
    const frame = await pending
    await guarded(target, () => output.appendFile(frame))
    frames.push(frame.length)
    giveBack(frame)
  }
  const buffers = [Buffer.allocUnsafeSlow(frameBytes), Buffer.allocUnsafeSlow(frameBytes)] as const
  for (let turn = 0; ; turn++) {
    request.signal?.throwIfAborted()
    const chunk = await fill(input, buffers[turn % 2 === 0 ? 0 : 1])
    if (!sniff) {
      coding = contentCodingOf(chunk)
      sniff = coding === 'gzip' ? new GzipSniff() : new PlainSniff()
    }
    if (chunk.length === 0) break
    hash.update(chunk)
    bytes += chunk.length
    await writePending()
    pending = compressFrame(chunk)
    await sniff.push(chunk, bytes)
  }
  await writePending()
  const found = await sniff.end()
  const isCustomer = request.isCustomer === true
  return {
    sha256: hash.digest('hex'),
    bytes,
    contentCoding: coding ?? 'identity',
    frameBytes,
    frames,
    kind: isCustomer ? 'customer' : found.kind,
    isPersonal: isCustomer || found.mayBePersonal || coding === 'zip',
  }
}

/** Reads until the buffer is full or the file ends. */
async function fill(input: FileHandle, buffer: Buffer): Promise<Buffer> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await input.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** The sidecar of an archived file whose bytes are there too, else undefined. */
export async function readIndex(storage: Storage, sha256: string): Promise<RawIndex | undefined> {
  const content = await storage.get(formatPath({ kind: 'raw_index', sha256 }))
  if (!content) return undefined
  const index = rawIndexSchema.parse(JSON.parse(content.toString()))
  return (await storage.size(formatPath({ kind: 'raw', sha256 }))) === archivedBytes(index) ? index : undefined
}
