/**
 * Turns at the custodian from the apiQuota entity: a moment is asked for by update, waited for, and given back as missed where this process
 * could not keep it.
 *
 * Two requests arrive further apart than the limit as long as this holds: the server's answers lie between question and answer of this
 * process's clock (its clock is corrected by what they say), a request is sent at most a third of the margin after its moment, and
 * the rest covers the way to the custodian. Clocks of hosts need no better agreement than their round trip to Temporal.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { getClient } from '@temporalio/activity'
import { type Client, WithStartWorkflowOperation } from '@temporalio/client'
import type { Turn, TurnRequest, Turns } from '../custodian/turn.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { Profile } from '../schemas/profile.ts'
import type {
  AcquireAnswer,
  AcquireInput,
  ApiQuotaInput,
  PenaliseInput,
  QuotaLimits,
  QuotaUsage,
} from '../schemas/quota.ts'
import { quotaDayOf } from './quota-day.ts'

export interface QuotaTurnsOptions {
  readonly clientAlias: string
  readonly profile: Pick<Profile, 'name' | 'timeZone' | 'limits'>
  /** Absent: that of the activity under way. */
  readonly client?: () => Client
}

/** From the moment on which a turn is prepared, and how long before it the connection is opened at the latest. */
const prepareMs = 600
const leastLeadMs = 300
const mostLeadMs = 3_000

/** The entity answers in milliseconds; one whose worker died meanwhile is asked anew by the next attempt. */
const acquireWithinMs = 15_000

/** A worker's death must not leave `penalise` waiting for ever. */
const penaliseWithinMs = 5_000

type ApiQuota = (input: ApiQuotaInput) => Promise<void>
type Admitted = Extract<AcquireAnswer, { readonly sendAtMs: number }>

/** Turns for one client of the vendor, whom `profile.name` names. */
export function quotaTurns({ clientAlias, profile, client = getClient }: QuotaTurnsOptions): Turns {
  const limits = quotaLimitsOf(profile)
  const toleranceMs = limits.marginMs === 0 ? Number.POSITIVE_INFINITY : limits.marginMs / 3
  const workflowId = workflowIds.apiQuota(profile.name)
  /** Grows while this process is too slow for it. */
  let leadMs = limits.marginMs === 0 ? 0 : leastLeadMs

  const entity = () =>
    new WithStartWorkflowOperation<ApiQuota>(workflowNames.apiQuota, {
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: taskQueues.orchestrate,
      args: [{ vendor: profile.name }],
    })

  async function acquire(
    kind: string,
    signal: AbortSignal | undefined,
  ): Promise<Admitted & { readonly aheadMs: number }> {
    const askedAt = Date.now()
    const requestId = randomUUID()
    const day = quotaDayOf(askedAt, profile.timeZone, profile.limits.dayStartsAtLocal)
    const ask: AcquireInput = { client: clientAlias, kind, requestId, leadMs, limits, day }
    const temporal = client()
    const timeout = AbortSignal.timeout(acquireWithinMs)
    const bounded = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    const answer = await orAborted(bounded, async () =>
      temporal.workflow.executeUpdateWithStart<ApiQuota, AcquireAnswer, [AcquireInput]>(messageNames.acquire, {
        args: [ask],
        updateId: requestId,
        startWorkflowOperation: entity(),
      }),
    ).catch((error: unknown) => {
      signal?.throwIfAborted()
      const reason = error instanceof Error ? error.name : 'unknown'
      throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `${workflowId} could not be asked (${reason})`, { reason })
    })
    const aheadMs = clockAheadMs(askedAt, answer.nowMs, Date.now())
    if ('sendAtMs' in answer) return { ...answer, aheadMs }
    const retryAfterMs = Math.max(1, answer.deniedUntilMs - answer.nowMs)
    const until = new Date(answer.deniedUntilMs).toISOString()
    throw new MeterlakeError(
      'QUOTA_EXHAUSTED',
      `the limits of ${profile.name} leave client ${clientAlias} no ${kind} request before ${until} (${answer.reason})`,
      { retryAfterMs, until, reason: answer.reason },
    )
  }

  /** Whether the custodian asked to wait beyond the moment since it was given. */
  async function isRevoked(sendAtMs: number): Promise<boolean> {
    try {
      const usage = await client().workflow.getHandle(workflowId).query<QuotaUsage>(messageNames.usage)
      return usage.penalisedUntilMs > sendAtMs
    } catch {
      // The moment stays good if nobody can say otherwise.
      return false
    }
  }

  return {
    async take({ kind, prepare, signal }: TurnRequest): Promise<Turn> {
      for (;;) {
        const { sendAtMs, aheadMs } = await acquire(kind, signal)
        const sendAt = sendAtMs - aheadMs
        const isLong = sendAt - Date.now() > prepareMs
        await sleepUntil(sendAt - prepareMs, signal)
        if (isLong && (await isRevoked(sendAtMs))) continue
        await prepare()
        return {
          arrive: async () => {
            await sleepUntil(sendAt, signal)
            const isKept = Date.now() - sendAt <= toleranceMs
            if (limits.marginMs > 0) {
              leadMs = isKept ? Math.max(leastLeadMs, leadMs * 0.9) : Math.min(mostLeadMs, leadMs * 2)
            }
            return isKept
          },
        }
      }
    },

    async penalise(untilMs) {
      const temporal = client()
      const said = temporal.workflow.executeUpdateWithStart<ApiQuota, void, [PenaliseInput]>(messageNames.penalise, {
        args: [{ untilMs }],
        startWorkflowOperation: entity(),
      })
      // The request that was told so waits by itself, whether the others hear of it or not.
      await Promise.race([said.catch(() => {}), sleep(penaliseWithinMs, undefined, { ref: false })])
    },
  }
}

/** The limits of a profile as the ledger counts them. */
export const quotaLimitsOf = ({ limits }: Pick<Profile, 'limits'>): QuotaLimits => ({
  spacingMs: Math.ceil(1_000 / limits.perSecond),
  marginMs: limits.marginMs,
  perHour: limits.perHourPerClient,
  hourMs: limits.hourMs,
  perDay: limits.perDayPerClient,
})

/**
 * How far another clock is certainly ahead of ours (behind: negative), of which we know that it showed `theirs` between `askedAt` and
 * `answeredAt` of ours; 0 where it may be right.
 */
export function clockAheadMs(askedAt: number, theirs: number, answeredAt: number): number {
  if (theirs < askedAt) return theirs - askedAt
  return theirs > answeredAt ? theirs - answeredAt : 0
}

async function sleepUntil(atMs: number, signal: AbortSignal | undefined): Promise<void> {
  // A timer may end a millisecond early.
  for (let left = atMs - Date.now(); left > 0; left = atMs - Date.now()) {
    await sleep(left, undefined, signal && { signal })
  }
}

async function orAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work()
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => {
    aborted.reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(), aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
