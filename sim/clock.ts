/** The custodian's clock: it goes as its base does, and can be put forward, so that days pass in a moment. */

export interface SimulatedClock {
  /** Unix ms. */
  readonly now: () => number
  /** Puts it forward; whoever waited for a moment that is over by then is woken. */
  advance(ms: number): void
  /** Resolves when so much time has passed on this clock. Rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** setTimeout takes no longer times. */
const longestTimerMs = 2 ** 31 - 1

export function createClock(base: () => number = Date.now): SimulatedClock {
  let ahead_ms = 0
  const checks = new Set<() => void>()
  const now = (): number => base() + ahead_ms
  return {
    now,
    advance(ms) {
      ahead_ms += ms
      for (const check of checks) check()
    },
    async wait(ms, signal) {
      signal.throwIfAborted()
      const due_ms = now() + ms
      const over = Promise.withResolvers<void>()
      let timer: NodeJS.Timeout | undefined
      const check = (): void => {
        clearTimeout(timer)
        const left_ms = due_ms - now()
        if (left_ms <= 0) over.resolve()
        else timer = setTimeout(check, Math.min(left_ms, longestTimerMs))
      }
      const give = (): void => over.reject(signal.reason as Error)
      signal.addEventListener('abort', give)
      checks.add(check)
      try {
        check()
        await over.promise
      } finally {
        clearTimeout(timer)
        checks.delete(check)
        signal.removeEventListener('abort', give)
      }
    },
  }
}
