/**
 * The vendor's limits as an entity: one run a vendor, for all its clients and workers. Each request asks it for a moment of its own by
 * update before it is sent; it answers at once and waits for nothing, so that the server's bound of ten updates in flight is far away.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { ApiQuotaInput } from '../schemas/quota.ts'
import { acquireUpdate, penaliseUpdate, usageQuery } from './contracts.ts'
import { quotaUpdatesPerRun } from './policies.ts'
import { emptyLedger, penalise, reserve, usageOf } from './quota-ledger.ts'

/** Runs until it is cancelled, as new after `quotaUpdatesPerRun` updates. Updates `acquire` and `penalise`, query `usage`. */
export async function apiQuota(input: ApiQuotaInput): Promise<void> {
  let ledger = input.ledger ?? emptyLedger
  let answered = 0

  setHandler(acquireUpdate, (ask) => {
    answered += 1
    const { ledger: next, answer } = reserve(ledger, ask, Date.now())
    ledger = next
    return answer
  })
  setHandler(penaliseUpdate, ({ untilMs }) => {
    answered += 1
    ledger = penalise(ledger, untilMs, Date.now())
    setCurrentDetails(`asked to wait until ${new Date(ledger.penalisedUntilMs).toISOString()}`)
  })
  setHandler(usageQuery, () => usageOf(ledger, Date.now()))

  await condition(() => answered >= quotaUpdatesPerRun || workflowInfo().continueAsNewSuggested)
  await condition(allHandlersFinished)
  await continueAsNew<typeof apiQuota>({ vendor: input.vendor, ledger })
}
