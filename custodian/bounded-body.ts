/** The body of a small answer, whole, up to a bound. */
import type { Readable } from 'node:stream'
import { connectionError } from './http.ts'

/**
 * Reads at most `maxBytes`; what lies beyond is not read. `truncated` says whether there was more.
 * Throws CONNECTION_FAILED, or the reason of the caller's signal.
 */
export async function readBounded(
  body: Readable,
  maxBytes: number,
  { what, signal }: { readonly what: string; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly bytes: Buffer; readonly truncated: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw connectionError(error, what)
  }
  const bytes = Buffer.concat(chunks)
  return { bytes: bytes.subarray(0, maxBytes), truncated: bytes.length > maxBytes }
}
