/** One resource of the custodian to a verified file on disk: flat memory, whatever the size. */
import { MeterlakeError } from '../schemas/errors.ts'
import { readBounded } from './bounded-body.ts'
import { excerptOf } from './excerpt.ts'
import { bounded, gunzip, peek } from './body-streams.ts'
import type { BodyLimits, Wire } from './body-streams.ts'
import { writeDownload } from './file-download.ts'
import type { HttpAnswer, HttpClient } from './http.ts'
import { refusalOf, retryAfterMsOf } from './refusal.ts'
import { sniff } from './sniff.ts'
import type { BodyKind } from './sniff.ts'

export interface DownloadProgress {
  /** Bytes that came over the wire. */
  readonly bytes: number
  /** Content-Length, where there is one. */
  readonly totalBytes: number | null
}

export interface DownloadedFeed {
  /** Absolute if the folder was. Its bytes are the decoded ones where the custodian compressed them. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  /** `customer`: holds customers' names and goes to the private root. */
  readonly kind: 'usage' | 'customer'
  readonly receivedAt: string
  readonly transaction: string | null
}

export const defaultDownloadLimits: BodyLimits = { maxBytes: 64 * 2 ** 30, maxRatio: 400 }

const maxMessageBytes = 1024

export interface DownloadRequest {
  readonly url: string
  /** Names the resource in messages, without query. */
  readonly what: string
  /** Taken where the body does not show its kind. */
  readonly expectedKind: 'usage' | 'customer'
  readonly token: string
  readonly tokenExpiredStatuses: readonly number[]
  readonly transaction: string
  readonly directory: string
  readonly now: () => Date
  readonly limits?: BodyLimits | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/**
 * GETs a feed into `directory`: one request. Throws NOT_READY (202), NO_DATA (204), the errors of refusal.ts,
 * FEED_NOT_XML and FEED_EMPTY (a 200 that is no feed), BODY_INCOMPLETE, FEED_LIMIT, LAKE_DISK_FULL, LAKE_NOT_WRITABLE,
 * what `HttpClient.send` throws, and the reason of the caller's signal.
 */
export async function downloadFeed(http: HttpClient, request: DownloadRequest): Promise<DownloadedFeed> {
  const { what, signal, onProgress } = request
  const answer = await http.send({
    method: 'GET',
    url: request.url,
    what,
    headers: {
      authorization: `Bearer ${request.token}`,
      accept: 'application/atom+xml, application/xml;q=0.9, */*;q=0.1',
      'accept-encoding': 'gzip',
    },
    transaction: request.transaction,
    signal,
  })
  try {
    if (answer.status !== 200) throw await errorOfAnswer(answer, request)
    const wire = receive(answer, what, signal)
    const opened = await openBody(wire, answer, request)
    const notify = (): void => onProgress?.({ bytes: wire.bytes, totalBytes: wire.totalBytes })
    const file = await writeDownload(request.directory, opened.body, notify)
    return {
      ...file,
      kind: opened.kind === 'customer' ? 'customer' : request.expectedKind,
      receivedAt: request.now().toISOString(),
      transaction: answer.transaction,
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    answer.body.on('error', () => {}).destroy()
  }
}

async function errorOfAnswer(answer: HttpAnswer, request: DownloadRequest): Promise<MeterlakeError> {
  const { status, headers, transaction } = answer
  const { what } = request
  const now = request.now()
  if (status === 202) {
    const retryAfterMs = retryAfterMsOf(headers['retry-after'], now)
    return new MeterlakeError('NOT_READY', `${what} is being prepared (202)`, { status, transaction, retryAfterMs })
  }
  if (status === 204) return new MeterlakeError('NO_DATA', `${what} has no data (204)`, { status, transaction })
  const { bytes } = await readBounded(answer.body, 4096, request)
  const excerpt = excerptOf(bytes, [request.token])
  const { tokenExpiredStatuses } = request
  return refusalOf({ ...answer, excerpt }, { endpoint: 'resource', what, tokenExpiredStatuses, now })
}

/** The bytes as they come; BODY_INCOMPLETE where the connection breaks or fewer come than were promised. */
function receive(answer: HttpAnswer, what: string, signal: AbortSignal | undefined): Wire {
  const promised = answer.headers['content-length']
  const totalBytes = promised !== undefined && /^\d+$/.test(promised) ? Number(promised) : null
  const incomplete = (reason: string): MeterlakeError => {
    const of = totalBytes === null ? '' : ` of ${totalBytes}`
    const details = { reason, bytes: wire.bytes, totalBytes }
    return new MeterlakeError(
      'BODY_INCOMPLETE',
      `${what}: the body ended after ${wire.bytes}${of} bytes (${reason})`,
      details,
    )
  }
  const wire = {
    bytes: 0,
    totalBytes,
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
          wire.bytes += chunk.length
          yield chunk
        }
      } catch (error) {
        signal?.throwIfAborted()
        throw incomplete((error as NodeJS.ErrnoException).code ?? 'unknown')
      }
      if (totalBytes !== null && wire.bytes !== totalBytes) throw incomplete('content-length')
    },
  }
  return wire
}

/** Decodes gzip (announced or not), looks at the head, and hands on the whole body if it is XML. */
async function openBody(
  wire: Wire,
  answer: HttpAnswer,
  { what, limits = defaultDownloadLimits, token }: DownloadRequest,
): Promise<{ readonly kind: BodyKind; readonly body: AsyncIterable<Uint8Array> }> {
  const encoding = (answer.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (!['identity', '', 'gzip', 'x-gzip'].includes(encoding)) {
    throw new MeterlakeError(
      'FEED_NOT_XML',
      `${what} came in content encoding ${encoding.slice(0, 20)}, which was not asked for`,
    )
  }
  let peeked = await peek(encoding.endsWith('gzip') ? gunzip(wire, wire, what, limits) : wire)
  let kind = sniff(peeked.head)
  if (kind === 'gzip') {
    peeked = await peek(gunzip(peeked.body, wire, what, limits))
    kind = sniff(peeked.head)
  }
  if (kind === 'empty') throw new MeterlakeError('FEED_EMPTY', `${what} was answered 200 with an empty body`, { kind })
  if (kind !== 'usage' && kind !== 'customer' && kind !== 'xml') {
    // A gateway's message is short; anything long may be data about persons.
    const isMessage = kind === 'html' || ((kind === 'text' || kind === 'json') && peeked.head.length <= maxMessageBytes)
    const excerpt = isMessage ? excerptOf(peeked.head, [token]) : ''
    const message = `${what} was answered 200 with ${kind}${excerpt === '' ? '' : `: ${excerpt}`}`
    throw new MeterlakeError('FEED_NOT_XML', message, { kind, excerpt })
  }
  return { kind, body: bounded(peeked.body, what, limits) }
}
