/**
 * Errors are translated once, here: a MeterlakeError becomes an ApplicationFailure whose `type` is its code. What Temporal stores of it
 * is plain text in the history, so nothing secret or personal may pass: texts are redacted and capped, causes are dropped.
 */
import { activityInfo, CompleteAsyncError, Context } from '@temporalio/activity'
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common'
import type { ActivityInterceptorsFactory } from '@temporalio/worker'
import { errorCodes, isMeterlakeError, type ErrorCode, type ErrorDetails } from '../schemas/errors.ts'
import { redact } from './redact.ts'

/** Codes that may be transient but not for ever: after so many attempts they are final. All others follow `retryable` alone. */
const attemptsByCode: Partial<Record<ErrorCode, number>> = { LOAD_CRASHED: 5, INTERNAL: 5, TOKEN_MALFORMED: 5 }

/** A wait of PG&E's is seconds to an hour; a clock gone wrong must not park a package beyond its five days. */
const longestRetryDelayMs = 3_600_000

/** A package that is being prepared is there in a minute or so, or in hours (domain.md 3): asked for after 30 s, then ever more rarely. */
const firstReadyDelayMs = 30_000
const longestReadyDelayMs = 900_000

/** A full disk is not freed in a second. */
const diskFullRetryDelayMs = 60_000

/** The part of WorkerOptions.interceptors that every worker of ours installs. */
export const failureInterceptors: ActivityInterceptorsFactory = () => ({
  inbound: {
    execute: async (input, next) => {
      try {
        return await next(input)
      } catch (error) {
        throw await translate(error)
      }
    },
  },
})

async function translate(error: unknown): Promise<unknown> {
  if (error instanceof CancelledFailure || error instanceof CompleteAsyncError) return error
  const context = Context.current()
  if (context.cancellationSignal.aborted && isAbort(error)) {
    // Rejects with the CancelledFailure that says who cancelled.
    return context.cancelled.catch((cancelled: unknown) => cancelled)
  }
  return toApplicationFailure(error, activityInfo().attempt)
}

const isAbort = (error: unknown): boolean =>
  isMeterlakeError(error)
    ? error.code === 'LOAD_CANCELLED'
    : error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')

/** An ApplicationFailure with code, redacted message and details, and when to try again. Pure. */
export function toApplicationFailure(error: unknown, attempt: number): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error
  const code: ErrorCode = isMeterlakeError(error) ? error.code : 'INTERNAL'
  const details: ErrorDetails = isMeterlakeError(error) ? error.details : {}
  const text = error instanceof Error ? error.message : String(error)
  const nonRetryable = !errorCodes[code].retryable || attempt >= (attemptsByCode[code] ?? Number.POSITIVE_INFINITY)
  const delayMs = retryDelayMs(code, details, attempt)
  return ApplicationFailure.create({
    type: code,
    message: redact(text),
    nonRetryable,
    details: [redactDetails(details)],
    ...(delayMs === undefined || nonRetryable ? {} : { nextRetryDelay: delayMs }),
    ...(isExpected(code) ? { category: ApplicationFailureCategory.BENIGN } : {}),
  })
}

/** What an answer of the custodian's says about waiting (Retry-After, in `details.retryAfterMs`), bounded. */
function retryDelayMs(code: ErrorCode, details: ErrorDetails, attempt: number): number | undefined {
  const wished = details['retryAfterMs']
  if (typeof wished === 'number' && wished > 0) return Math.min(wished, longestRetryDelayMs)
  if (code === 'NOT_READY') return Math.min(firstReadyDelayMs * 2 ** (attempt - 1), longestReadyDelayMs)
  return code === 'LAKE_DISK_FULL' ? diskFullRetryDelayMs : undefined
}

const expectedCodes: ReadonlySet<ErrorCode> = new Set([
  'TOKEN_EXPIRED',
  'RATE_LIMITED',
  'QUOTA_EXHAUSTED',
  'REFRESH_REFUSED',
  'NOT_READY',
])

/** Part of ordinary operation: no error in logs and metrics. */
const isExpected = (code: ErrorCode): boolean => expectedCodes.has(code)

const redactDetails = (details: ErrorDetails): ErrorDetails =>
  Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, typeof value === 'string' ? redact(value) : value]),
  )
