/** Which activities a worker has begun, asked of the server: needs no worker. */
import type { Client } from '@temporalio/client'

/** PENDING_ACTIVITY_STATE_STARTED of temporal.api.enums.v1. */
const started = 2

/** Names of the activities under way in all runs. */
export async function runningActivities(client: Client): Promise<string[]> {
  const names: string[] = []
  for await (const { workflowId, status } of client.workflow.list()) {
    if (status.name !== 'RUNNING') continue
    const { raw } = await client.workflow.getHandle(workflowId).describe()
    for (const activity of raw.pendingActivities ?? []) {
      if (Number(activity.state) === started) names.push(activity.activityType?.name ?? '')
    }
  }
  return names
}
