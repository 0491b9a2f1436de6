/** Reads our error code out of what Temporal wraps around it. */
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/common'
import { errorCodes, type ErrorCode } from '../schemas/errors.ts'
import type { ResourceOutcome } from '../schemas/ingest.ts'

const isErrorCode = (type: string | null | undefined): type is ErrorCode =>
  type !== null && type !== undefined && Object.hasOwn(errorCodes, type)

/** The innermost ApplicationFailure: below a timeout lies the failure of the last attempt. */
function innermost(error: unknown): ApplicationFailure | undefined {
  let found: ApplicationFailure | undefined
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ApplicationFailure) found = at
  return found
}

interface ToldFailure {
  readonly code: ErrorCode | 'UNKNOWN'
  readonly message: string
  /** How long the custodian, or its limits, want us to wait. */
  readonly retryAfterMs?: number
}

/** Code and message of a failed activity or child; UNKNOWN where it is not one of ours (a timeout without a first attempt). */
export function failureOf(error: unknown): ToldFailure {
  const failure = innermost(error)
  if (failure !== undefined) {
    const code = isErrorCode(failure.type) ? failure.type : 'UNKNOWN'
    const [details] = failure.details ?? []
    const wait = typeof details === 'object' && details !== null && 'retryAfterMs' in details && details.retryAfterMs
    return { code, message: failure.message, ...(typeof wait === 'number' && { retryAfterMs: wait }) }
  }
  const wrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error
  return { code: 'UNKNOWN', message: wrapped instanceof Error ? wrapped.message : 'no reason was given' }
}

export function failedOutcome(error: unknown): ResourceOutcome {
  const { code, message } = failureOf(error)
  return { status: 'failed', code, message }
}
