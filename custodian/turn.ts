/** Nothing is sent to the custodian but in its turn: one request a turn, on a connection that stands when the turn comes. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { HttpAnswer, HttpClient, HttpPool, HttpRequest } from './http.ts'
import { retryAfterMsOf } from './refusal.ts'

/** A moment that belongs to one request. It ends with `ended` or `release`; the next one waits for that. */
export interface Turn {
  /** Resolves at the moment; false where the turn is over or taken back: then nothing may be sent in it. */
  arrive(): Promise<boolean>
  /** A request is sent in it right now. */
  sent(): void
  /** What was sent was answered, or failed. `waitMs`: the custodian asked everyone to wait so long; resolves when that is known. */
  ended(waitMs?: number): Promise<void>
  /** Nothing was sent in it, and nothing will be. */
  release(): void
}

/** Where turns come from; `activities/quota-turns.ts` asks the quota entity. */
export interface Turns {
  /** Resolves shortly before the turn; `kind` is what the request is for, in a word. Throws QUOTA_EXHAUSTED, the reason of the signal. */
  readonly take: (kind: string, signal?: AbortSignal) => Promise<Turn>
}

/** One request that is to be sent. */
export interface Outgoing {
  readonly kind: string
  readonly url: string
  /** Names the thing in messages. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
}

/** A turn missed so often in a row: the machine is too busy to keep any. */
const missedAtMost = 5
const afterMissesMs = 10_000

/**
 * Waits for a turn and gives `use` a client that sends exactly one request in it, to the host of `url`. Without `turns` it is the pool
 * itself. Throws what `use`, `Turns.take` and `HttpClient.send` throw.
 */
export async function inTurn<T>(
  pool: HttpPool,
  turns: Turns | undefined,
  { kind, url, what, signal }: Outgoing,
  use: (http: HttpClient) => Promise<T>,
): Promise<T> {
  if (turns === undefined) return use(pool)
  const { take } = turns
  let turn = await take(kind, signal)
  let isSpent = false

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    if (isSpent) throw new MeterlakeError('INTERNAL', `${what}: a second request in one turn`)
    const connection = await pool.prepare(url, what, signal)
    for (let missed = 1; !(await turn.arrive()); missed += 1) {
      if (missed === missedAtMost) {
        throw new MeterlakeError('QUOTA_EXHAUSTED', `${what}: ${missed} turns were missed, the machine is too busy`, {
          retryAfterMs: afterMissesMs,
        })
      }
      turn.release()
      turn = await take(kind, signal)
    }
    signal?.throwIfAborted()
    isSpent = true
    turn.sent()
    try {
      const answer = await connection.send(request)
      const isAskedToWait = answer.status === 429 || answer.status === 503
      const waitMs = isAskedToWait ? retryAfterMsOf(answer.headers['retry-after'], new Date()) : undefined
      await turn.ended(waitMs)
      return answer
    } catch (error) {
      // It may have arrived all the same.
      await turn.ended()
      throw error
    }
  }
  try {
    return await use({ send })
  } finally {
    if (!isSpent) turn.release()
  }
}
