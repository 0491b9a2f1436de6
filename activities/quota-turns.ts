/**
 * Turns at the custodian from the apiQuota entity: one is asked for by update, waited for, and what became of it is told by another.
 *
 * Two requests arrive further apart than the limit as long as this holds: a request arrives before its answer, and within the margin
 * after it was sent; the server's answers lie between question and answer of this process's clock (its clock is corrected by what they
 * say). Clocks of hosts need no better agreement than their round trip to Temporal.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { getClient } from '@temporalio/activity'
import { type Client, WithStartWorkflowOperation } from '@temporalio/client'
import type { Turn, Turns } from '../custodian/turn.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { Profile } from '../schemas/profile.ts'
import type {
  AcquireAnswer,
  AcquireInput,
  ApiQuotaInput,
  GrantedTurn,
  QuotaLimits,
  QuotaUsage,
  SettleInput,
} from '../schemas/quota.ts'
import { quotaDayOf } from './quota-day.ts'

export interface QuotaTurnsOptions {
  readonly clientAlias: string
  readonly profile: Pick<Profile, 'name' | 'timeZone' | 'limits'>
  /** Absent: that of the activity under way. */
  readonly client?: () => Client
}

/** Between the answer and the moment, at least: the connection is opened meanwhile. */
const leastLeadMs = 100
const mostLeadMs = 3_000

/** So long before its moment a turn is asked about once more, where the answer to the request before is still to come. */
const askBackMs = 150

/** The entity answers in milliseconds; one whose worker died meanwhile is asked anew by the next attempt. */
const acquireWithinMs = 15_000

/** A task of the entity that a stopping or dying worker took along is given to another after so long; the usual ten seconds hold up everyone. */
const taskWithinMs = 3_000

/** A worker's death must not leave a sender waiting for ever to tell that everyone is to wait. */
const tellWithinMs = 5_000

type ApiQuota = (input: ApiQuotaInput) => Promise<void>
type Granted = GrantedTurn & { readonly requestId: string; readonly aheadMs: number }

/** Turns for one client of the vendor, whom `profile.name` names. */
export function quotaTurns({ clientAlias, profile, client = getClient }: QuotaTurnsOptions): Turns {
  const limits = quotaLimitsOf(profile)
  const workflowId = workflowIds.apiQuota(profile.name)
  /** Grows while this process is too slow for it. */
  let leadMs = limits.marginMs === 0 ? 0 : leastLeadMs

  async function update<Answer>(
    name: string,
    input: AcquireInput | SettleInput,
    signal: AbortSignal | undefined,
    withinMs: number,
  ): Promise<Answer> {
    const temporal = client()
    const timeout = AbortSignal.timeout(withinMs)
    const startWorkflowOperation = new WithStartWorkflowOperation<ApiQuota>(workflowNames.apiQuota, {
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: taskQueues.orchestrate,
      workflowTaskTimeout: taskWithinMs,
      args: [{ vendor: profile.name }],
    })
    const asked = async (): Promise<Answer> =>
      temporal.workflow.executeUpdateWithStart<ApiQuota, Answer, [AcquireInput | SettleInput]>(name, {
        args: [input],
        startWorkflowOperation,
      })
    try {
      return await orAborted(signal === undefined ? timeout : AbortSignal.any([signal, timeout]), asked)
    } catch (error) {
      signal?.throwIfAborted()
      const reason = error instanceof Error ? error.name : 'unknown'
      throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `${workflowId} could not be asked (${reason})`, { reason })
    }
  }

  async function acquire(kind: string, signal: AbortSignal | undefined): Promise<Granted> {
    const requestId = randomUUID()
    for (;;) {
      const askedAt = Date.now()
      const day = quotaDayOf(askedAt, profile.timeZone, profile.limits.dayStartsAtLocal)
      const ask: AcquireInput = { client: clientAlias, kind, requestId, leadMs, limits, day }
      const answer = await update<AcquireAnswer>(messageNames.acquire, ask, signal, acquireWithinMs)
      if ('sendAtMs' in answer) {
        return { ...answer, requestId, aheadMs: clockAheadMs(askedAt, answer.nowMs, Date.now()) }
      }
      if ('deniedUntilMs' in answer) {
        const until = new Date(answer.deniedUntilMs).toISOString()
        throw new MeterlakeError(
          'QUOTA_EXHAUSTED',
          `the limits of ${profile.name} leave client ${clientAlias} no ${kind} request before ${until} (${answer.reason})`,
          { retryAfterMs: Math.max(1, answer.deniedUntilMs - answer.nowMs), until, reason: answer.reason },
        )
      }
      await sleep(Math.max(1, answer.askAgainAtMs - answer.nowMs), undefined, signal && { signal })
    }
  }

  async function settle(told: SettleInput): Promise<void> {
    // Where nobody hears it, the turn counts as used at its last instant.
    await update<void>(messageNames.settle, told, undefined, tellWithinMs).catch(() => {})
  }

  /** Whether the custodian asked to wait beyond the moment since it was given. */
  async function isTakenBack(sendAtMs: number): Promise<boolean> {
    try {
      const usage = await client().workflow.getHandle(workflowId).query<QuotaUsage>(messageNames.usage)
      return usage.penalisedUntilMs > sendAtMs
    } catch {
      // The moment stays good if nobody can say otherwise.
      return false
    }
  }

  function openTurn(
    { requestId, sendAtMs, latestMs, isAfterUnanswered, aheadMs }: Granted,
    signal?: AbortSignal,
  ): Turn {
    const isStrict = latestMs !== null
    let onItsWay: NodeJS.Timeout | undefined
    let isSettled = !isStrict
    const arrived = async (isAnswered: boolean, waitMs = 0): Promise<void> => {
      clearTimeout(onItsWay)
      if (isSettled && waitMs <= 0) return
      isSettled = true
      const arrivedByMs = Date.now() + aheadMs
      const waitUntilMs = waitMs > 0 ? { waitUntilMs: arrivedByMs + waitMs } : {}
      const heard = settle({ requestId, arrivedByMs, isAnswered, ...waitUntilMs })
      // The others must know of it before the caller goes on; of an arrival they hear early enough.
      if (waitMs > 0) await heard
    }
    return {
      arrive: async () => {
        const sendAt = sendAtMs - aheadMs
        if (isAfterUnanswered) {
          await sleepUntil(sendAt - askBackMs, signal)
          if (await isTakenBack(sendAtMs)) return false
        }
        await sleepUntil(sendAt, signal)
        if (latestMs === null) return true
        const isKept = Date.now() <= latestMs - aheadMs
        leadMs = isKept ? Math.max(leastLeadMs, leadMs * 0.9) : Math.min(mostLeadMs, leadMs * 2)
        return isKept
      },
      sent: () => {
        if (isStrict) onItsWay = setTimeout(() => void arrived(false), limits.marginMs)
      },
      ended: async (waitMs) => arrived(true, waitMs),
      release: () => {
        if (isSettled) return
        isSettled = true
        void settle({ requestId, arrivedByMs: null, isAnswered: false })
      },
    }
  }

  return { take: async (kind, signal) => openTurn(await acquire(kind, signal), signal) }
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

async function orAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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
