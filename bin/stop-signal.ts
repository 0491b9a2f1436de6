/** Ctrl-C and SIGTERM as an AbortSignal: the first asks for a clean stop, a later one ends the process at once. SIGHUP reloads a service. */
import { MeterlakeError } from '../schemas/errors.ts'

/** Launchers pass a Ctrl-C on that the terminal has sent already: what comes this soon is the same one. */
const sameSignalMs = 1_000

export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export interface StopSignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Listens until disposed of. `onStop` is called once, when the first signal comes. SIGHUP calls `onReload` where there is one, and
 * is a stop like the others where there is none (the terminal is gone).
 */
export function listenForStop(onStop: () => void, onReload?: () => void): StopSignal {
  const abort = new AbortController()
  let firstMs: number | undefined
  const listener = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now()
      onStop()
      abort.abort(new Interrupted('interrupted'))
    } else if (performance.now() - firstMs > sameSignalMs) process.exit(1)
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  const onHangUp = onReload ?? listener
  for (const name of signals) process.on(name, listener)
  process.on('SIGHUP', onHangUp)
  return {
    signal: abort.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.removeListener(name, listener)
      process.removeListener('SIGHUP', onHangUp)
    },
  }
}

/** Listens until disposed of: the signal is aborted with LOAD_CANCELLED, and this message. For work that leaves nothing half-done. */
export function listenForCancel(message: string): StopSignal {
  const abort = new AbortController()
  const stop = listenForStop(() => abort.abort(new MeterlakeError('LOAD_CANCELLED', message)))
  return { signal: abort.signal, [Symbol.dispose]: () => stop[Symbol.dispose]() }
}

/** `work`, or the signal's reason as soon as it is aborted; `work` itself goes on and its failure is heard by nobody. */
export async function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(signal.reason as Error)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  work.catch(() => {})
  try {
    return await Promise.race([work, stopped.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** A service that was asked to stop while it started has done what it was asked. */
export async function unlessInterrupted(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  }
}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
