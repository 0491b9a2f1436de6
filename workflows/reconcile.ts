/**
 * What should have come and did not is asked for: started every day by a Schedule. It judges the ledger, starts a pull for each gap
 * and leaves it to itself; the next run sees in the ledger what came of it.
 */
import {
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import type { Activities } from '../activities/index.ts'
import { workflowIds } from '../schemas/orchestration.ts'
import type { PullTarget, ReconcileInput, ReconcileOutcome } from '../schemas/pull.ts'
import { searchable } from './contracts.ts'
import { lightActivity } from './policies.ts'
import { pullFeed } from './pull-feed.ts'

const { planReconcile } = proxyActivities<Pick<Activities, 'planReconcile'>>({
  ...lightActivity,
  // It reads the whole ledger.
  startToCloseTimeout: '5 minutes',
})

/** Shorter than the day to the next run, which must find in the ledger that nothing came. */
const notifyWithinMs = 20 * 3_600_000

/** One ask a gap and run; how many runs may ask is the planner's to say. */
export async function reconcile({ clientAlias }: ReconcileInput): Promise<ReconcileOutcome> {
  upsertSearchAttributes([searchable.feed('reconcile')])
  const { asks, missing, givenUp } = await planReconcile()
  const asked: PullTarget[] = []
  for (const target of asks) if (await startPull(clientAlias, target)) asked.push(target)
  const outcome = { missing, asked, underWay: asks.length - asked.length, givenUp }
  setCurrentDetails(`${missing} missing, ${asked.length} asked for, ${givenUp} given up`)
  upsertSearchAttributes([searchable.status(missing === 0 ? 'complete' : 'missing')])
  return outcome
}

/** False where the same target is being asked for already. */
async function startPull(clientAlias: string, target: PullTarget): Promise<boolean> {
  try {
    await startChild(pullFeed, {
      workflowId: workflowIds.pull(clientAlias, target),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ ...target, clientAlias, reason: 'reconcile', asks: 1, notifyWithinMs }],
    })
    return true
  } catch (error) {
    if (isCancellation(error) || !(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return false
  }
}
