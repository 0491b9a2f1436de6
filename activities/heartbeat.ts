/** Heartbeats of a long activity: progress as it comes, and a beat while a child process is silent, so that cancellation arrives. */
import { Context } from '@temporalio/activity'

export interface Heartbeat<Details> extends Disposable {
  /** Remembers the details; they go with the next beat. Call as often as you like. */
  report(details: Details): void
}

/** Beats every `intervalMs` (default 2 s, a tenth of the heartbeat timeout) until disposed of. */
export function startHeartbeat<Details>(initial: Details, intervalMs = 2_000): Heartbeat<Details> {
  const context = Context.current()
  let latest = initial
  context.heartbeat(latest)
  const timer = setInterval(() => {
    context.heartbeat(latest)
  }, intervalMs)
  return {
    report: (details) => {
      latest = details
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
    },
  }
}
