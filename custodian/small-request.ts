/** A resource that answers with a small document: one request, its body whole. */
import { MeterlakeError } from '../schemas/errors.ts'
import { readBounded } from './bounded-body.ts'
import { excerptOf } from './excerpt.ts'
import type { HttpClient } from './http.ts'
import { refusalOf } from './refusal.ts'

/** A list of some ten thousand Authorizations. */
const maxBytes = 32 << 20

export interface SmallRequest {
  readonly method: 'GET' | 'DELETE'
  readonly url: string
  /** Names what is asked for in messages. */
  readonly what: string
  readonly token: string
  readonly tokenExpiredStatuses: readonly number[]
  readonly transaction: string
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}

/** The body of a 2xx; empty for 204. Throws the errors of refusal.ts, FEED_LIMIT, and what `HttpClient.send` throws. */
export async function requestSmall(http: HttpClient, request: SmallRequest): Promise<Buffer> {
  const { method, url, what, token, tokenExpiredStatuses, transaction, now, signal } = request
  const headers = { authorization: `Bearer ${token}`, accept: 'application/atom+xml, application/xml;q=0.9, */*;q=0.1' }
  const answer = await http.send({ method, url, what, headers, transaction, signal })
  const { bytes, truncated } = await readBounded(answer.body, maxBytes, { what, signal })
  if (answer.status < 200 || answer.status > 299 || answer.status === 202) {
    const excerpt = excerptOf(bytes, [token])
    throw refusalOf({ ...answer, excerpt }, { endpoint: 'resource', what, tokenExpiredStatuses, now: now() })
  }
  if (answer.status === 204 && method === 'GET') throw new MeterlakeError('NO_DATA', `${what}: there is none (204)`)
  if (truncated) throw new MeterlakeError('FEED_LIMIT', `${what}: the answer is longer than ${maxBytes} bytes`)
  return bytes
}
