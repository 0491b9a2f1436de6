/** Sends what is ready to the webhook, once each as the utility does, bent by the faults that are due. */
import type { NotificationAnswer } from './batch-list.ts'
import type { SimulatedClock } from './clock.ts'
import type { FaultPlan } from './fault-plan.ts'
import { listsToSend } from './notification-fault.ts'

interface OutboxParts {
  readonly faults: FaultPlan
  readonly clock: SimulatedClock
  /** No more is sent once it is aborted. */
  readonly signal: AbortSignal
  /** POSTs a BatchList of these URLs. */
  readonly post: (urls: readonly string[]) => Promise<NotificationAnswer>
}

/** Answers what the webhook said last; null where nothing has gone out (yet). */
export function createOutbox({ faults, clock, signal, post }: OutboxParts) {
  const held: (readonly string[])[] = []
  return async (urls: readonly string[]): Promise<NotificationAnswer | null> => {
    const effect = faults.takeNotification()
    if (effect?.kind === 'late') {
      clock.wait(effect.delay_s * 1000, signal).then(
        async () => post(urls),
        () => undefined,
      )
    }
    let answer: NotificationAnswer | null = null
    for (const list of listsToSend(urls, effect)) answer = await post(list)
    const overtaken = held.splice(0)
    if (effect?.kind === 'reordered') held.push(urls)
    for (const list of overtaken) await post(list)
    return answer
  }
}
