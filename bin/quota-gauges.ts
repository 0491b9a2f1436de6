/** What is used of the custodian's limits, as gauges: asked of the entity that holds them. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import type { MetricMeter } from '@temporalio/common'
import { quotaDayOf } from '../activities/quota-day.ts'
import { messageNames, workflowIds } from '../schemas/orchestration.ts'
import type { Profile } from '../schemas/profile.ts'
import type { QuotaUsage } from '../schemas/quota.ts'

/** Makes the gauges; the function that comes back sets them. Without a request so far there is no entity, and nothing used. */
export function quotaGauges(
  meter: MetricMeter,
  client: Client,
  { name, timeZone, limits }: Pick<Profile, 'name' | 'timeZone' | 'limits'>,
): () => Promise<void> {
  const used = meter.createGauge('meterlake_quota_used', 'int', '{request}', 'requests of a client in a window')
  const limit = meter.createGauge('meterlake_quota_limit', 'int', '{request}', 'requests a client may send in a window')
  const waiting = meter.createGauge('meterlake_quota_waiting', 'int', '{request}', 'requests that wait for their turn')
  return async () => {
    const usage = await usageOf(client, name)
    const nowMs = Date.now()
    const today = quotaDayOf(nowMs, timeZone, limits.dayStartsAtLocal)
    limit.set(limits.perHourPerClient, { window: 'hour' })
    limit.set(limits.perDayPerClient, { window: 'day' })
    waiting.set(usage?.waiting ?? 0)
    for (const [alias, { hour, days }] of Object.entries(usage?.clients ?? {})) {
      const day = days.find(({ startsAtMs }) => startsAtMs === today.startsAtMs)
      used.set(hour, { client: alias, window: 'hour' })
      used.set(day?.requests ?? 0, { client: alias, window: 'day' })
    }
  }
}

async function usageOf(client: Client, vendor: string): Promise<QuotaUsage | undefined> {
  try {
    return await client.workflow.getHandle(workflowIds.apiQuota(vendor)).query<QuotaUsage>(messageNames.usage)
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}
