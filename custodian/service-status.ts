/** ReadServiceStatus: is the custodian open (ESPI REQ.21 ServiceStatus). */
import { MeterlakeError } from '../schemas/errors.ts'
import { readBounded } from './bounded-body.ts'
import { excerptOf } from './excerpt.ts'
import type { HttpClient } from './http.ts'
import { refusalOf } from './refusal.ts'
import { readXmlElements } from './xml-elements.ts'

export interface ServiceStatusRequest {
  readonly url: string
  readonly token: string
  readonly tokenExpiredStatuses: readonly number[]
  readonly transaction: string
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}

/** `currentStatus`: 1 normal, 0 unavailable. Throws the errors of refusal.ts, FEED_NOT_XML, and what `HttpClient.send` throws. */
export async function readServiceStatus(
  http: HttpClient,
  { url, token, tokenExpiredStatuses, transaction, now, signal }: ServiceStatusRequest,
): Promise<{ readonly currentStatus: number }> {
  const what = 'ReadServiceStatus'
  const headers = { authorization: `Bearer ${token}`, accept: 'application/xml' }
  const answer = await http.send({ method: 'GET', url, what, headers, transaction, signal })
  const { bytes } = await readBounded(answer.body, 65_536, { what, signal })
  const excerpt = excerptOf(bytes, [token])
  if (answer.status !== 200) {
    throw refusalOf({ ...answer, excerpt }, { endpoint: 'resource', what, tokenExpiredStatuses, now: now() })
  }
  try {
    const text = readXmlElements(bytes)
      .find(({ name }) => name === 'currentStatus')
      ?.text.trim()
    if (text !== undefined && /^\d{1,3}$/.test(text)) return { currentStatus: Number(text) }
  } catch {
    // told below
  }
  throw new MeterlakeError('FEED_NOT_XML', `${what} was answered 200 without a status: ${excerpt}`, { excerpt })
}
