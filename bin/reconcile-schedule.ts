/** The Temporal Schedule of the reconcile: once a day, when the day's packages should be there. */
import { type Client, ScheduleAlreadyRunning, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client'
import { dueAtLocal } from '../custodian/gaps.ts'
import { scheduleIds, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'

/** The schedule as it should be. No workflow retry: under an overlap policy a retrying run would keep every later one away. */
function reconcileSchedule(clientAlias: string, timeZone: string): ScheduleOptions {
  const [hour = 18, minute = 0] = dueAtLocal.split(':').map(Number)
  return {
    scheduleId: scheduleIds.reconcile(clientAlias),
    spec: { calendars: [{ hour, minute }], timezone: timeZone },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '1 day', pauseOnFailure: false },
    action: {
      type: 'startWorkflow',
      workflowType: workflowNames.reconcile,
      // Temporal appends the time of the run.
      workflowId: workflowIds.reconcile(clientAlias),
      taskQueue: taskQueues.orchestrate,
      args: [{ clientAlias }],
      workflowExecutionTimeout: '12 hours',
    },
  }
}

/** Creates the schedule, or brings an older one up to date; one that an operator has paused stays paused. */
export async function ensureReconcileSchedule(client: Client, clientAlias: string, timeZone: string): Promise<void> {
  const options = reconcileSchedule(clientAlias, timeZone)
  try {
    await client.schedule.create(options)
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
    const handle = client.schedule.getHandle(options.scheduleId)
    await handle.update(({ state }) => ({
      ...options,
      state: { paused: state.paused, ...(state.note && { note: state.note }) },
    }))
  }
}
