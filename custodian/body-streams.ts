/** Steps a body passes on its way to disk: a look at its head, gzip, bounds. */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { MeterlakeError } from '../schemas/errors.ts'
import { sniffBytes } from './sniff.ts'

export interface BodyLimits {
  readonly maxBytes: number
  /** Decoded bytes for each compressed one, judged from 16 MiB decoded on. */
  readonly maxRatio: number
}

/** A body as it comes, with the count of its bytes so far. */
export interface Wire extends AsyncIterable<Uint8Array> {
  readonly bytes: number
  readonly totalBytes: number | null
}

const ratioJudgedFrom = 16 * 2 ** 20

/** The first {@link sniffBytes} (or all, if fewer), and the whole body again. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly body: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let bytes = 0
  while (bytes < sniffBytes) {
    const next = await iterator.next()
    if (next.done === true) break
    first.push(next.value)
    bytes += next.value.length
  }
  const head = Buffer.concat(first)
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head
      yield* { [Symbol.asyncIterator]: () => iterator }
    } finally {
      await iterator.return?.()
    }
  }
  return { head, body: body() }
}

/** Decompresses. BODY_INCOMPLETE where the gzip stream is cut or damaged, FEED_LIMIT where it is a bomb. */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  wire: Wire,
  what: string,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  const decoded = createGunzip({ chunkSize: 262_144 })
  // Errors reach the loop below through `decoded`.
  pipeline(Readable.from(source, { objectMode: false }), decoded, () => {})
  try {
    for await (const chunk of decoded as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > ratioJudgedFrom && bytes > wire.bytes * limits.maxRatio) {
        throw new MeterlakeError('FEED_LIMIT', `${what}: the body inflates more than ${limits.maxRatio} times`, {
          bytes,
        })
      }
      yield chunk
    }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? ''
    if (!reason.startsWith('Z_')) throw error
    throw new MeterlakeError('BODY_INCOMPLETE', `${what}: the gzip body is cut or damaged (${reason})`, { reason })
  }
}

/** FEED_LIMIT beyond `maxBytes`. */
export async function* bounded(
  source: AsyncIterable<Uint8Array>,
  what: string,
  { maxBytes }: BodyLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > maxBytes)
      throw new MeterlakeError('FEED_LIMIT', `${what}: the body exceeds ${maxBytes} bytes`, { maxBytes })
    yield chunk
  }
}
