/** Asks the clientToken entity for a token that will be accepted; starts the entity if there is none. */
import { Context, getClient } from '@temporalio/activity'
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common'
import type { ClientTokenInput, EnsureFreshInput, TokenHandle } from '../schemas/ingest.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { Deps } from './deps.ts'
import { startHeartbeat } from './heartbeat.ts'

/** Asked again after an hour at most, whatever is told. */
const longestWaitMs = 3_600_000

/**
 * The handle of a token in the store that is not `staleFingerprint`. One that is not to be renewed yet is answered without asking the entity. Fails with the
 * code of the token request (TOKEN_REFUSED, CERTIFICATE_REFUSED, CUSTODIAN_UNAVAILABLE, …).
 */
export const ensureClientToken =
  (deps: Deps) =>
  async ({ staleFingerprint = null }: EnsureFreshInput): Promise<TokenHandle> => {
    const stored = await deps.custodian.currentToken()
    const isDue = stored?.renewAt !== undefined && Date.now() >= Date.parse(stored.renewAt)
    if (stored !== undefined && stored.fingerprint !== staleFingerprint && !isDue) return stored
    // The answer takes as long as the custodian's: a worker that stops or dies meanwhile must not keep the caller waiting.
    using _heartbeat = startHeartbeat(null)
    const promised = await askEntity(deps.clientAlias, { staleFingerprint })
    const kept = await deps.custodian.currentToken()
    if (kept?.fingerprint === promised.fingerprint) return promised
    // The entity remembers a token that this store has lost (a store in memory, another host): have it made anew.
    return await askEntity(deps.clientAlias, { staleFingerprint: promised.fingerprint })
  }

async function askEntity(clientAlias: string, ask: EnsureFreshInput): Promise<TokenHandle> {
  const entity = new WithStartWorkflowOperation<(input: ClientTokenInput) => Promise<void>>(workflowNames.clientToken, {
    workflowId: workflowIds.clientToken(clientAlias),
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: taskQueues.orchestrate,
    args: [{ clientAlias, handle: null }],
  })
  const { cancellationSignal, cancelled } = Context.current()
  const client = getClient()
  const answer = client.withAbortSignal(cancellationSignal, async () =>
    client.workflow.executeUpdateWithStart<(input: ClientTokenInput) => Promise<void>, TokenHandle, [EnsureFreshInput]>(
      messageNames.ensureFresh,
      { args: [ask], startWorkflowOperation: entity },
    ),
  )
  try {
    return await Promise.race([answer, cancelled])
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
      throw withRetryDelay(error.cause)
    }
    throw error
  }
}

/** A wait that the failure names is kept by this activity too: the server does not hand `nextRetryDelay` on. */
function withRetryDelay(failure: ApplicationFailure): ApplicationFailure {
  const [told] = failure.details ?? []
  const wait = typeof told === 'object' && told !== null && 'retryAfterMs' in told ? told.retryAfterMs : undefined
  if (typeof wait !== 'number' || failure.nonRetryable) return failure
  return ApplicationFailure.create({
    ...(failure.type ? { type: failure.type } : {}),
    message: failure.message,
    details: [{ retryAfterMs: wait }],
    nextRetryDelay: Math.min(wait, longestWaitMs),
    category: ApplicationFailureCategory.BENIGN,
  })
}
