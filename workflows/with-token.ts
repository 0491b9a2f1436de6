/** One request that needs a token, with the token's refresh around it. */
import { isCancellation, proxyActivities, type ActivityOptions } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { failureOf } from './failure-code.ts'
import { ensureTokenActivity } from './policies.ts'

/** In its last seconds a token is not used (custodian.ts, tokenMarginMs): a refusal then is its age. */
const lastSecondsMs = 5_000

/** Tokens that live for seconds may be over each time they are used; so often it is tried. */
const mostShortTokens = 10

/**
 * Token, then `request`. A refused token is refreshed and the request made anew; refused again at once, it is not the token's
 * age. An hour of 503 in between may outlive a token, so the bound is on refusals of a token just refreshed.
 */
export async function withToken<T>(
  untilDeadline: Pick<ActivityOptions, 'scheduleToCloseTimeout'>,
  request: () => Promise<T>,
  onRefresh: () => void = () => {},
): Promise<T> {
  const { ensureClientToken } = proxyActivities<Pick<Activities, 'ensureClientToken'>>({
    ...ensureTokenActivity,
    ...untilDeadline,
  })
  let token = await ensureClientToken({})
  let handedAtMs = Date.now()
  let refreshed = false
  let shortTokens = 0
  for (;;) {
    try {
      return await request()
    } catch (error) {
      const refused = !isCancellation(error) && failureOf(error).code === 'TOKEN_EXPIRED'
      const expiresAtMs = Date.parse(token.expiresAt)
      const endedByAge = Date.now() >= expiresAtMs - lastSecondsMs
      if (!refused || (refreshed && !endedByAge)) throw error
      if (expiresAtMs - handedAtMs < 2 * lastSecondsMs) shortTokens += 1
      if (shortTokens > mostShortTokens) throw error
      onRefresh()
      token = await ensureClientToken({ staleFingerprint: token.fingerprint })
      handedAtMs = Date.now()
      refreshed = true
    }
  }
}
