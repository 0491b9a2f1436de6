/** HTTPS with our client certificate: one request a call, no redirects, the URL byte for byte as given. */
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, buildConnector, Client, type Dispatcher } from 'undici'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LoadedCertificate } from './certificate.ts'

export interface HttpTimeouts {
  readonly connectMs: number
  /** Until the first byte of the answer: the custodian may take its time. */
  readonly headersMs: number
  /** Between two pieces of the body. */
  readonly bodyMs: number
}

export const defaultTimeouts: HttpTimeouts = { connectMs: 15_000, headersMs: 120_000, bodyMs: 60_000 }

/** A prepared connection that nothing is sent on is closed after so long. */
const unusedMs = 30_000

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Sent verbatim, neither normalised nor re-encoded. */
  readonly url: string
  /** Names the thing in messages. */
  readonly what: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sent as `x-transaction`. */
  readonly transaction: string
  readonly signal?: AbortSignal | undefined
}

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** An `x-transaction` that came back. */
  readonly transaction: string | null
  /** To be read to its end or destroyed. Its errors are raw: give them to `connectionError`. */
  readonly body: Readable
}

export interface HttpClient {
  /** Any status is an answer. Throws CONNECTION_FAILED, CERTIFICATE_REFUSED, or the reason of the caller's signal. */
  send(request: HttpRequest): Promise<HttpAnswer>
}

export interface HttpPool extends HttpClient, AsyncDisposable {
  /**
   * Opens a connection to the host of `url` and gives a client for one request on it: what is sent goes out at once. Throws as
   * `send` does.
   */
  prepare(url: string, what: string, signal?: AbortSignal): Promise<HttpClient>
  /** Closes when what is under way has ended. */
  retire(): Promise<void>
}

/** A pool of connections (TLS 1.2 or newer) that present `certificate`. */
export function openHttp(certificate: LoadedCertificate, timeouts: HttpTimeouts = defaultTimeouts): HttpPool {
  const tls = { ...certificate.tls, minVersion: 'TLSv1.2' as const, timeout: timeouts.connectMs, allowH2: false }
  const settings = {
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxHeaderSize: 32_768,
    allowH2: false,
  }
  const agent = new Agent({ connect: tls, ...settings })
  const connect = buildConnector(tls)
  const open = new Set<Dispatcher | Socket>([agent])
  return {
    send: async (request) => sendOn(agent, request),
    async prepare(url, what, signal) {
      signal?.throwIfAborted()
      const { origin } = splitUrl(url, what)
      const socket = await openSocket(connect, origin, what)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      const unused = setTimeout(() => socket.destroy(), unusedMs).unref()
      const client = new Client(origin, {
        ...settings,
        connect: (options, callback) => {
          // The one that stands; a new one where the server has closed it meanwhile.
          if (socket.destroyed) connect(options, callback)
          // Not at once: undici would not see it while it is still asking for it.
          else queueMicrotask(() => callback(null, socket))
        },
      })
      return {
        send: async (request) => {
          clearTimeout(unused)
          open.add(client)
          try {
            return await sendOn(client, request)
          } finally {
            // Ends when the body has been read or destroyed.
            const ended = client.close().catch(() => {})
            void ended.then(() => open.delete(client))
          }
        },
      }
    },
    retire: async () => agent.close(),
    async [Symbol.asyncDispose]() {
      await Promise.all([...open].map(async (connection) => connection.destroy()))
    },
  }
}

async function openSocket(connect: buildConnector.connector, origin: string, what: string): Promise<Socket> {
  const { host, hostname, port, protocol } = new URL(origin)
  try {
    return await new Promise((resolve, reject) => {
      connect({ host, hostname, port, protocol }, (error, socket) => {
        if (error !== null) reject(error)
        // Until it is used nobody listens: a reset must not end the process.
        else resolve(socket.on('error', () => {}))
      })
    })
  } catch (error) {
    throw connectionError(error, what)
  }
}

async function sendOn(
  dispatcher: Dispatcher,
  { method, url, what, headers, body, transaction, signal }: HttpRequest,
): Promise<HttpAnswer> {
  signal?.throwIfAborted()
  const { origin, path } = splitUrl(url, what)
  try {
    const answer = await dispatcher.request({
      origin,
      path,
      method,
      headers: { 'user-agent': 'meterlake', ...headers, 'x-transaction': transaction },
      body: body ?? null,
      ...(signal === undefined ? {} : { signal }),
    })
    const flat = flatHeaders(answer.headers)
    return {
      status: answer.statusCode,
      headers: flat,
      transaction: flat['x-transaction'] ?? null,
      body: answer.body,
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw connectionError(error, what)
  }
}

/**
 * A socket, TLS or timeout error as ours. The original is not kept as cause: undici's errors can hold request options, and
 * with them the Authorization header.
 */
export function connectionError(error: unknown, what: string): MeterlakeError {
  const reason = reasonOf(error)
  // The alert by which a server refuses our certificate; with TLS 1.3 it comes after the handshake.
  if (
    /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE|NO_CERTIFICATE)/.test(reason)
  ) {
    return new MeterlakeError('CERTIFICATE_REFUSED', `${what}: the server refused the client certificate (${reason})`, {
      reason,
    })
  }
  const hint =
    reason === 'UND_ERR_SOCKET' || reason === 'ECONNRESET'
      ? '; closed before an answer, as servers do that refuse the client certificate'
      : ''
  return new MeterlakeError('CONNECTION_FAILED', `${what}: the connection failed (${reason})${hint}`, { reason })
}

function reasonOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = (at as NodeJS.ErrnoException).code
    // undici wraps what the socket said: the inner code says more
    if (typeof code === 'string' && !(code === 'UND_ERR_SOCKET' && at.cause instanceof Error)) return code
  }
  return error instanceof Error ? error.name : 'unknown'
}

function splitUrl(url: string, what: string): { origin: string; path: string } {
  const match = /^(https:\/\/[^/?#\\@\s]+)(\/[\x21-\x7e]*)$/.exec(url)
  if (match === null || url.includes('#')) throw new MeterlakeError('URL_REFUSED', `${what}: not a plain https URL`)
  return { origin: match[1] as string, path: match[2] as string }
}

function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return flat
}
