/**
 * The client access token as an entity: one run a client, asked for a fresh token by update. It knows the token's fingerprint and
 * life, never the token: that goes from the activity into the token store. It refreshes only when asked (a 5-minute token
 * renewed by the clock would cost 288 requests a day), and once for all who ask at the same time. Who asks shortly before the
 * end gets the old one, and the new one is fetched meanwhile: while work is running nobody waits for a token.
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
import { isFresh, lastUseAt, renewAt } from '../schemas/token-life.ts'
import { ensureFreshUpdate } from './contracts.ts'
import { failureOf } from './failure-code.ts'
import { tokenActivity, updatesPerRun } from './policies.ts'

const { refreshClientToken } = proxyActivities<Pick<Activities, 'refreshClientToken'>>(tokenActivity)

interface HeldToken {
  readonly handle: TokenHandle
  readonly renewAtMs: number
  readonly lastUseAtMs: number
}

/** Runs until it is cancelled, as new after `updatesPerRun` answers. Update `ensureFresh`: EnsureFreshInput → TokenHandle. */
export async function clientToken(input: ClientTokenInput): Promise<void> {
  let held = input.handle === null ? undefined : hold(input.handle)
  let refresh: Promise<HeldToken> | undefined
  let answered = 0

  const refreshOnce = async (): Promise<HeldToken> => {
    refresh ??= renew()
      .then((token) => {
        held = token
        return token
      })
      .finally(() => {
        refresh = undefined
      })
    return refresh
  }

  // Last of all: an update that came with the start is handled right here.
  setHandler(ensureFreshUpdate, async ({ staleFingerprint }: EnsureFreshInput) => {
    answered += 1
    const usable = held?.handle.fingerprint === staleFingerprint ? undefined : held
    if (usable !== undefined && isFresh(usable.renewAtMs, Date.now())) return usable.handle
    if (usable === undefined || !isFresh(usable.lastUseAtMs, Date.now())) return (await refreshOnce()).handle
    // Its failure is nobody's yet: the next who asks tries again.
    refreshOnce().catch(() => {})
    return usable.handle
  })

  await condition(() => answered >= updatesPerRun || workflowInfo().continueAsNewSuggested)
  await condition(() => allHandlersFinished() && refresh === undefined)
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
    const { code, message, retryAfterMs } = failureOf(error)
    setCurrentDetails(`no token: ${code}`)
    const retryable = code === 'UNKNOWN' || errorCodes[code].retryable
    const details = retryAfterMs === undefined ? [] : [{ retryAfterMs }]
    throw ApplicationFailure.create({ type: code, message, nonRetryable: !retryable, details })
  }
}

function hold(handle: TokenHandle): HeldToken {
  const expiresAtMs = Date.parse(handle.expiresAt)
  const renewAtMs = handle.renewAt === undefined ? renewAt(expiresAtMs, Date.now()) : Date.parse(handle.renewAt)
  return { handle, renewAtMs, lastUseAtMs: lastUseAt(renewAtMs, expiresAtMs) }
}
