/**
 * The vendor's limits as an entity: one run a vendor, for all its clients and workers. Each request asks it for a turn of its own by
 * update before it is sent, and says what became of it; it answers at once and waits for nothing, so that the server's bound of ten
 * updates in flight is far away.
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
import { acquireUpdate, settleUpdate, usageQuery } from './contracts.ts'
import { quotaUpdatesPerRun } from './policies.ts'
import { acquire, emptyLedger, settle, usageOf } from './quota-ledger.ts'

/** Runs until it is cancelled, as new after `quotaUpdatesPerRun` updates. Updates `acquire` and `settle`, query `usage`. */
export async function apiQuota(input: ApiQuotaInput): Promise<void> {
  let ledger = input.ledger ?? emptyLedger
  let answered = 0

  setHandler(acquireUpdate, (ask) => {
    answered += 1
    const { ledger: next, answer } = acquire(ledger, ask, Date.now())
    ledger = next
    return answer
  })
  setHandler(settleUpdate, (told) => {
    answered += 1
    ledger = settle(ledger, told, Date.now())
    if (told.waitUntilMs === undefined) return
    setCurrentDetails(`asked to wait until ${new Date(ledger.penalisedUntilMs).toISOString()}`)
  })
  setHandler(usageQuery, () => usageOf(ledger, Date.now()))

  await condition(() => answered >= quotaUpdatesPerRun || workflowInfo().continueAsNewSuggested)
  await condition(allHandlersFinished)
  await continueAsNew<typeof apiQuota>({ vendor: input.vendor, ledger })
}
