/** How an error ends a command: what happened, the next step, and the exit code. */
import { CommanderError } from 'commander'
import { isMeterlakeError } from '../schemas/errors.ts'

/** 0 done; 1 failed, nothing half-done; 2 wrong use; 3 done, with rows quarantined or checks not green. */
export const exitCodes = { done: 0, failed: 1, usage: 2, incomplete: 3 } as const

const usageCodes: ReadonlySet<string> = new Set(['USAGE', 'CONFIG_INVALID'])

/** Lines for stderr and the exit code. `verbose` adds the stack and its causes. */
export function describeFailure(error: unknown, verbose: boolean): { lines: string[]; exitCode: number } {
  // commander has said what it had to say
  if (error instanceof CommanderError)
    return { lines: [], exitCode: error.exitCode === 0 ? exitCodes.done : exitCodes.usage }
  const stack = verbose ? stackOf(error) : []
  if (isMeterlakeError(error)) {
    const lines = [`meterlake: ${error.message}`, `${error.next} (${error.code})`, ...stack]
    return { lines, exitCode: usageCodes.has(error.code) ? exitCodes.usage : exitCodes.failed }
  }
  const message = error instanceof Error ? error.message : String(error)
  const next = verbose
    ? 'This is a defect of meterlake. Report it with these lines.'
    : 'Run it again with --verbose and report what it shows.'
  return { lines: [`meterlake: ${message}`, next, ...stack], exitCode: exitCodes.failed }
}

function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const own = error.stack ?? error.message
  return [own, ...stackOf(error.cause).map((line) => `caused by ${line}`)]
}
