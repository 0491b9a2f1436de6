/** One request that needs a token, with the token's refresh around it. */
import { isCancellation, proxyActivities, type ActivityOptions } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { failureOf } from './failure-code.ts'
import { ensureTokenActivity } from './policies.ts'

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
  let refreshed = false
  for (;;) {
    try {
      return await request()
    } catch (error) {
      const refused = !isCancellation(error) && failureOf(error).code === 'TOKEN_EXPIRED'
      const endedByAge = Date.now() >= Date.parse(token.expiresAt)
      if (!refused || (refreshed && !endedByAge)) throw error
      onRefresh()
      token = await ensureClientToken({ staleFingerprint: token.fingerprint })
      refreshed = true
    }
  }
}
