/** What the ledger lacks today, and what is to be asked for. */
import { factsSince, judgeGaps } from '../custodian/gaps.ts'
import type { PullTarget } from '../schemas/pull.ts'
import type { Deps } from './deps.ts'

export interface ReconcilePlan {
  readonly asks: readonly PullTarget[]
  readonly missing: number
  readonly givenUp: number
}

export const planReconcile = (deps: Deps) => async (): Promise<ReconcilePlan> => {
  const { timeZone, dailyFeeds, limits } = deps.profile
  const context = { timeZone, dailyFeeds, fetchWithinDays: limits.fetchWithinDays, now: new Date() }
  const { asks, days } = judgeGaps(await deps.lake.gapFacts(factsSince(context)), context)
  const missing = days.filter(({ status }) => status === 'missing')
  return { asks, missing: missing.length, givenUp: missing.filter(({ next }) => next === 'give_up').length }
}
