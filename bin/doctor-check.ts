/** One line of `meterlake doctor`: what was looked at, what came of it, and the next step where something is to be done. */
import { isMeterlakeError } from '../schemas/errors.ts'

export interface Check {
  readonly check: string
  readonly result: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do; null where nothing is. */
  readonly next: string | null
}

export const ok = (check: string, detail: string): Check => ({ check, result: 'ok', detail, next: null })
export const warn = (check: string, detail: string, next: string): Check => ({ check, result: 'warn', detail, next })
export const fail = (check: string, detail: string, next: string): Check => ({ check, result: 'fail', detail, next })

/** What a check answers, or its error as a failed line with the error's own next step. */
export async function attempt(check: string, work: () => Promise<Check>): Promise<Check> {
  try {
    return await work()
  } catch (error) {
    return failureOf(check, error)
  }
}

export function failureOf(check: string, error: unknown): Check {
  const message = error instanceof Error ? error.message : String(error)
  return isMeterlakeError(error)
    ? fail(check, `${message} (${error.code})`, error.next)
    : fail(check, message, 'This is a defect of meterlake. Report it.')
}
