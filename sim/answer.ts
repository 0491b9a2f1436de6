/** An answer of the simulated custodian before it is sent, and its sending, faults included. */
import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { FaultEffect } from './fault.ts'
import { rewriteFeed } from './rewrite-feed.ts'

/** A body whose bytes can be made as often as wanted, piece by piece. */
export interface StreamedBody {
  /** Known length, or undefined: then it is sent in chunks. */
  readonly length: number | undefined
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | StreamedBody
  /** Sent when the answer has gone out (or before it, by fault): the notification of a 202. */
  readonly notifies?: () => Promise<void>
}

export const textAnswer = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body,
})

export const jsonAnswer = (status: number, body: Readonly<Record<string, unknown>>): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** Writes the answer, bent by the fault. Resolves when it is out or the connection is gone. */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  effect: FaultEffect | undefined,
): Promise<void> {
  if (effect?.kind === 'answer') {
    response.writeHead(effect.status, { 'content-type': 'text/plain', ...effect.headers }).end(effect.body ?? '')
    return
  }
  const proper = streamed(answer.body)
  const body =
    effect?.kind === 'rewritten' ? streamed(rewriteFeed((await collect(proper)).toString(), effect.how)) : proper
  const headers: Record<string, string> = { ...answer.headers }
  if (effect?.kind === 'type') headers['content-type'] = effect.contentType
  if (effect?.kind === 'gzip') {
    const packed = gzipSync(await collect(body))
    if (effect.header) headers['content-encoding'] = 'gzip'
    response.writeHead(answer.status, { ...headers, 'content-length': String(packed.length) }).end(packed)
    return
  }
  const promised = effect?.kind === 'truncate' && !effect.contentLength ? undefined : body.length
  if (promised !== undefined && answer.status !== 204) headers['content-length'] = String(promised)
  response.writeHead(answer.status, headers)
  const limit = effect?.kind === 'truncate' || effect?.kind === 'reset' ? effect.bytes : Infinity
  const cut = await writeBody(response, body, limit, effect?.kind === 'slow' ? effect : undefined)
  if (cut && effect?.kind === 'reset') {
    // The client must have the bytes before the reset, or it would lose them.
    await sleep(20)
    response.socket?.resetAndDestroy()
  } else if (cut && promised !== undefined) {
    await sleep(20)
    response.socket?.destroy()
  } else response.end()
}

/** Writes until `limit` bytes; true where it stopped there. */
async function writeBody(
  response: ServerResponse,
  body: StreamedBody,
  limit: number,
  slow: { readonly bytes: number; readonly delayMs: number } | undefined,
): Promise<boolean> {
  let left = limit
  for await (const chunk of body.chunks()) {
    const fitting = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= fitting.length
    for (const piece of slow ? pieces(fitting, slow.bytes) : [fitting]) {
      if (response.destroyed) return false
      if (!response.write(piece)) await drained(response)
      if (slow) await sleep(slow.delayMs)
    }
    if (left <= 0) return true
    // Other requests get their turn between two chunks.
    await setImmediate()
  }
  return false
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

function* pieces(chunk: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
}

async function collect(body: StreamedBody): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function streamed(body: string | StreamedBody | undefined): StreamedBody {
  if (typeof body === 'object') return body
  const bytes = Buffer.from(body ?? '')
  return { length: bytes.length, chunks: () => (bytes.length === 0 ? [] : [bytes]) }
}
