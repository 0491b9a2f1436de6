/** From the outcomes of its windows to the outcome of a pull. */
import type { PullOutcome, WindowOutcome } from '../schemas/pull.ts'

/** `failed` if nothing but failures, `partial` if some, `answered` if any brought something. */
export function pullOutcome(outcomes: readonly WindowOutcome[], asked: number): PullOutcome {
  const count = (status: WindowOutcome['status']): number => outcomes.filter((its) => its.status === status).length
  const failed = count('failed')
  const first = outcomes.find((outcome) => outcome.status === 'failed')
  const [lacking = null] = outcomes.flatMap((outcome) =>
    outcome.status === 'answered' && outcome.message !== null ? [outcome.message] : [],
  )
  return {
    status: statusOf(failed, outcomes.length, count('answered'), count('not_entitled')),
    asked,
    answered: count('answered'),
    noData: count('no_data'),
    failed,
    loaded: outcomes.reduce((sum, outcome) => sum + (outcome.status === 'answered' ? outcome.loaded : 0), 0),
    code: first?.code ?? null,
    message: first?.message ?? lacking,
  }
}

function statusOf(failed: number, all: number, answered: number, refused: number): PullOutcome['status'] {
  if (failed > 0) return failed === all ? 'failed' : 'partial'
  if (answered > 0) return 'answered'
  return refused > 0 ? 'not_entitled' : 'no_data'
}
