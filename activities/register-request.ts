import { getClient } from '@temporalio/activity'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { OutstandingInput, OutstandingRequest } from '../schemas/pull.ts'
import type { Deps } from './deps.ts'

/** Enters a request that is about to be sent among those whose notification is waited for; starts that entity if there is none. */
export const registerRequest =
  (deps: Deps) =>
  async (request: OutstandingRequest): Promise<void> => {
    await getClient().workflow.signalWithStart<(input: OutstandingInput) => Promise<void>, [OutstandingRequest]>(
      workflowNames.outstandingRequests,
      {
        workflowId: workflowIds.outstandingRequests(deps.clientAlias),
        taskQueue: taskQueues.orchestrate,
        args: [{ outstanding: [] }],
        signal: messageNames.asked,
        signalArgs: [request],
      },
    )
  }
