/** What an operator may do about a run: `retryNow` and `abandon`, and the wait of a parked one for either. */
import { condition, getExternalWorkflowHandle, setHandler, workflowInfo } from '@temporalio/workflow'
import type { ParkedResource } from '../schemas/ingest.ts'
import { abandonUpdate, parkedSignal, retryNowUpdate } from './contracts.ts'
import { parkedFor } from './policies.ts'

export type OperatorOrder = 'retry' | 'abandon'

export interface OperatorDesk {
  /** The order that has come and is not taken yet. */
  readonly pending: OperatorOrder | undefined
  /** Takes the order; waits for one at most as long as a package may be parked. Undefined: none came. */
  takeOrder(): Promise<OperatorOrder | undefined>
}

/** Accepts orders from now on. `onOrder` is called as one comes, to stop what is under way. */
export function openOperatorDesk(onOrder: () => void): OperatorDesk {
  let order: OperatorOrder | undefined
  const accept = (wanted: OperatorOrder) => (): void => {
    order = wanted
    onOrder()
  }
  setHandler(retryNowUpdate, accept('retry'))
  setHandler(abandonUpdate, accept('abandon'))
  return {
    get pending() {
      return order
    },
    takeOrder: async () => {
      await condition(() => order !== undefined, parkedFor)
      const taken = order
      order = undefined
      return taken
    },
  }
}

/** Tells the notification this package belongs to, so that it goes on without it. One that has ended already needs no telling. */
export async function tellParent(parked: ParkedResource): Promise<void> {
  const { parent } = workflowInfo()
  if (parent === undefined) return
  await getExternalWorkflowHandle(parent.workflowId)
    .signal(parkedSignal, parked)
    .catch(() => {})
}
