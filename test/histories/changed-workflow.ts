/** What a careless change would do: it publishes before it has read the notification. Replayed only to see that replay finds out. */
import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../../activities/index.ts'
import { publishActivity } from '../../workflows/policies.ts'

const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

export async function ingestNotification(): Promise<void> {
  await publishLake({ loadIds: [] })
}
