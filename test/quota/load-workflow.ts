/** A crowd that asks the custodian something, beside the workflows of the product: for the proof of the limits. */
import { proxyActivities } from '@temporalio/workflow'
import type { QuotaActivities } from './worker-process.ts'

export { apiQuota } from '../../workflows/index.ts'

/** Asks `requests` times on the queue of a client, `atOnce` at a time, each until it is answered or `withinMs` are over. */
export async function askMany(input: {
  readonly taskQueue: string
  readonly requests: number
  readonly atOnce: number
  readonly withinMs: number
}): Promise<{ readonly answered: number; readonly refused: number }> {
  const { askStatus } = proxyActivities<QuotaActivities>({
    taskQueue: input.taskQueue,
    startToCloseTimeout: '1 minute',
    heartbeatTimeout: '5 seconds',
    scheduleToCloseTimeout: input.withinMs,
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 1 },
  })
  let left = input.requests
  let answered = 0
  let refused = 0
  const takeTurns = async (): Promise<void> => {
    while (left-- > 0) {
      try {
        await askStatus()
        answered += 1
      } catch {
        refused += 1
      }
    }
  }
  await Promise.all(Array.from({ length: input.atOnce }, takeTurns))
  return { answered, refused }
}
