/** Nothing is sent to the custodian but in its turn: one request a turn, on a connection that stands when the turn comes. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { HttpAnswer, HttpClient, HttpPool, HttpRequest } from './http.ts'
import { retryAfterMsOf } from './refusal.ts'

export interface TurnRequest {
  /** What the request is for, in a word. */
  readonly kind: string
  /** Called shortly before the turn: gets ready to send. */
  readonly prepare: () => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/** A moment that belongs to one request. */
export interface Turn {
  /** Resolves at the moment; false where it is past: then nothing may be sent in it. */
  arrive(): Promise<boolean>
}

/** Where turns come from; `activities/quota-turns.ts` asks the quota entity. */
export interface Turns {
  /** Resolves when the turn is at hand. Throws QUOTA_EXHAUSTED, the reason of the caller's signal. */
  take(request: TurnRequest): Promise<Turn>
  /** The custodian asked everyone to wait until then (Unix ms). */
  penalise(untilMs: number): Promise<void>
}

/** A turn missed so often in a row: the machine is too busy to keep any. */
const missedAtMost = 5
const afterMissesMs = 10_000

/**
 * Waits for a turn; what comes back sends exactly one request, to the host of `url`, when the moment has come. Without `turns` it is the
 * pool itself. Throws what `Turns.take` and `HttpClient.send` throw.
 */
export async function inTurn(
  pool: HttpPool,
  turns: Turns | undefined,
  { kind, url, what, signal }: { kind: string; url: string; what: string; signal?: AbortSignal | undefined },
): Promise<HttpClient> {
  if (turns === undefined) return pool
  let connection: HttpClient | undefined
  const take = async (): Promise<Turn> =>
    turns.take({
      kind,
      signal,
      prepare: async () => {
        connection = await pool.prepare(url, what, signal)
      },
    })
  let turn = await take()
  let isSpent = false

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    if (isSpent) throw new MeterlakeError('INTERNAL', `${what}: a second request in one turn`)
    isSpent = true
    for (let missed = 0; !(await turn.arrive());) {
      missed += 1
      if (missed === missedAtMost) {
        throw new MeterlakeError('QUOTA_EXHAUSTED', `${what}: ${missed} turns were missed, the machine is too busy`, {
          retryAfterMs: afterMissesMs,
        })
      }
      turn = await take()
    }
    signal?.throwIfAborted()
    const answer = await (connection ?? pool).send(request)
    if (answer.status === 429 || answer.status === 503) {
      const waitMs = retryAfterMsOf(answer.headers['retry-after'], new Date())
      if (waitMs !== undefined && waitMs > 0) await turns?.penalise(Date.now() + waitMs)
    }
    return answer
  }
  return { send }
}
