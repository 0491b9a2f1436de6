/**
 * The client access token as an entity: one run a client, asked for a fresh token by update. It knows the token's fingerprint and
 * life, never the token: that goes from the activity into the token store. It refreshes only when asked (a 5-minute token
 * renewed ahead would cost 288 requests a day), and once for all who ask at the same time.
 */
import { ApplicationFailure } from '@temporalio/common'
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { errorCodes } from '../schemas/errors.ts'
import type { ClientTokenInput, EnsureFreshInput, TokenHandle } from '../schemas/ingest.ts'
import { ensureFreshUpdate } from './contracts.ts'
import { failureOf } from './failure-code.ts'
import { tokenActivity, updatesPerRun } from './policies.ts'
import { isFresh, renewAt } from './token-life.ts'

const { refreshClientToken } = proxyActivities<Pick<Activities, 'refreshClientToken'>>(tokenActivity)

interface HeldToken {
  readonly handle: TokenHandle
  readonly renewAtMs: number
}

/** Runs until it is cancelled, as new after `updatesPerRun` answers. Update `ensureFresh`: EnsureFreshInput → TokenHandle. */
export async function clientToken(input: ClientTokenInput): Promise<void> {
  let held = input.handle === null ? undefined : hold(input.handle)
  let refresh: Promise<HeldToken> | undefined
  let answered = 0

  setHandler(ensureFreshUpdate, async ({ staleFingerprint }: EnsureFreshInput) => {
    answered += 1
    if (held !== undefined && held.handle.fingerprint !== staleFingerprint && isFresh(held.renewAtMs, Date.now())) {
      return held.handle
    }
    refresh ??= renew().finally(() => {
      refresh = undefined
    })
    held = await refresh
    return held.handle
  })

  await condition(() => answered >= updatesPerRun || workflowInfo().continueAsNewSuggested)
  await condition(allHandlersFinished)
  await continueAsNew<typeof clientToken>({ clientAlias: input.clientAlias, handle: held?.handle ?? null })
}

async function renew(): Promise<HeldToken> {
  try {
    const handle = await refreshClientToken()
    setCurrentDetails(`token ${handle.fingerprint}, valid until ${handle.expiresAt}`)
    return hold(handle)
  } catch (error) {
    if (isCancellation(error)) throw error
    // The caller gets the reason as a failure of its update; the entity lives on.
    const { code, message } = failureOf(error)
    setCurrentDetails(`no token: ${code}`)
    const retryable = code === 'UNKNOWN' || errorCodes[code].retryable
    throw ApplicationFailure.create({ type: code, message, nonRetryable: !retryable })
  }
}

const hold = (handle: TokenHandle): HeldToken => ({
  handle,
  renewAtMs: renewAt(Date.parse(handle.expiresAt), Date.now()),
})
