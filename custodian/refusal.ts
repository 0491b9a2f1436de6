/** What an HTTP status of the custodian means: the one table from statuses to error codes. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { ErrorCode } from '../schemas/errors.ts'

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Sanitised already. */
  readonly excerpt: string
  /** The x-transaction that came back. */
  readonly transaction: string | null
}

export interface RefusalContext {
  /** `token`: the token endpoint, where 400, 401 and 403 speak of id and secret, not of a token. */
  readonly endpoint: 'token' | 'resource'
  /** Names what was asked in messages, without query. */
  readonly what: string
  readonly tokenExpiredStatuses: readonly number[]
  readonly now: Date
}

/** The error of an answer that is not a success; `details`: status, excerpt, transaction, retryAfterMs where one was asked for. */
export function refusalOf(answer: Answer, context: RefusalContext): MeterlakeError {
  const { status, excerpt, transaction } = answer
  const code = codeOf(answer, context)
  const retryAfterMs = retryAfterMsOf(answer.headers['retry-after'], context.now)
  const said = excerpt === '' ? '' : `: ${excerpt}`
  return new MeterlakeError(code, `${context.what} was answered ${status}${said}`, {
    status,
    excerpt,
    transaction,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function codeOf({ status, excerpt }: Answer, { endpoint, tokenExpiredStatuses }: RefusalContext): ErrorCode {
  if (status === 429) return 'RATE_LIMITED'
  if (status >= 500 || status === 408) return 'CUSTODIAN_UNAVAILABLE'
  // A gateway's answer to a client certificate it does not know looks like a bad request (PG&E: 400).
  if (status >= 400 && /invalid certificate/i.test(excerpt)) return 'CERTIFICATE_REFUSED'
  if (status >= 400 && /date range (is )?too large/i.test(excerpt)) return 'RANGE_TOO_LARGE'
  if (endpoint === 'token') return [400, 401, 403].includes(status) ? 'TOKEN_REFUSED' : 'REQUEST_REFUSED'
  if (tokenExpiredStatuses.includes(status)) return 'TOKEN_EXPIRED'
  if (status === 404 || status === 410) return 'RESOURCE_GONE'
  return 'REQUEST_REFUSED'
}

/** Milliseconds to wait from a Retry-After header (RFC 9110 10.2.3: seconds or an HTTP date); undefined where it says nothing usable. */
export function retryAfterMsOf(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined
  const value = header.trim()
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  if (!/[a-z]/i.test(value)) return undefined
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime())
}
