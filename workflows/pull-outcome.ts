/** From the outcomes of its windows to the outcome of a pull. */
import type { ErrorCode } from '../schemas/errors.ts'
import type { PullOutcome } from '../schemas/pull.ts'

export type WindowOutcome =
  | { readonly status: 'answered' | 'no_data' | 'not_entitled'; readonly loaded: number }
  | { readonly status: 'failed'; readonly code: ErrorCode | 'UNKNOWN'; readonly message: string }

/** `failed` if nothing but failures, `partial` if some, `answered` if any brought something. */
export function pullOutcome(outcomes: readonly WindowOutcome[], asked: number): PullOutcome {
  const count = (status: WindowOutcome['status']): number => outcomes.filter((its) => its.status === status).length
  const failed = count('failed')
  const first = outcomes.find((outcome) => outcome.status === 'failed')
  return {
    status: statusOf(failed, outcomes.length, count('answered'), count('not_entitled')),
    asked,
    answered: count('answered'),
    noData: count('no_data'),
    failed,
    loaded: outcomes.reduce((sum, outcome) => sum + (outcome.status === 'failed' ? 0 : outcome.loaded), 0),
    code: first?.code ?? null,
    message: first?.message ?? null,
  }
}

function statusOf(failed: number, all: number, answered: number, refused: number): PullOutcome['status'] {
  if (failed > 0) return failed === all ? 'failed' : 'partial'
  if (answered > 0) return 'answered'
  return refused > 0 ? 'not_entitled' : 'no_data'
}
