/** One costly flush for all who wait for it. */

/**
 * Returns a function that resolves once a flush that *began after the call* has ended: callers that come while one runs share
 * the next. One flush a key at a time; its error goes to all who shared it.
 */
export function groupCommit<K>(flush: (key: K) => Promise<void>): (key: K) => Promise<void> {
  const running = new Map<K, Promise<void>>()
  const next = new Map<K, Promise<void>>()
  const start = (key: K): Promise<void> => {
    const flushing = flush(key).finally(() => {
      if (running.get(key) === flushing) running.delete(key)
    })
    running.set(key, flushing)
    return flushing
  }
  return (key) => {
    const current = running.get(key)
    if (current === undefined) return start(key)
    const waiting = next.get(key)
    if (waiting !== undefined) return waiting
    const following = current
      .catch(() => undefined)
      .then(() => {
        next.delete(key)
        return start(key)
      })
    next.set(key, following)
    return following
  }
}
