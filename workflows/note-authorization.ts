/** An Authorization changed: what changed is fetched and published, its secrets are not. */
import { isCancellation, proxyActivities, type ActivityOptions } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { IngestProgress, IngestResourceInput, ResourceOutcome } from '../schemas/ingest.ts'
import { failureOf } from './failure-code.ts'
import { authorizationActivity, ensureTokenActivity, publishActivity } from './policies.ts'

const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** The custodian refused: for a CCA authorizations are best effort, so the change is noted and nothing more. */
const notEntitled: ResourceOutcome = { status: 'noted', authorizations: 0, entitled: false }

/** `noted` with how many Authorizations are new or different; `entitled: false` where the custodian refuses to tell. */
export async function noteAuthorization(
  input: IngestResourceInput,
  enter: (step: IngestProgress['step']) => void,
  untilDeadline: Pick<ActivityOptions, 'scheduleToCloseTimeout'>,
): Promise<ResourceOutcome> {
  const { ensureClientToken } = proxyActivities<Pick<Activities, 'ensureClientToken'>>({
    ...ensureTokenActivity,
    ...untilDeadline,
  })
  const { fetchAuthorization } = proxyActivities<Pick<Activities, 'fetchAuthorization'>>({
    ...authorizationActivity,
    ...untilDeadline,
  })
  let token = await ensureClientToken({})
  for (let isFresh = false; ; isFresh = true) {
    enter('downloading')
    try {
      const { staged } = await fetchAuthorization(input)
      if (staged > 0) {
        enter('publishing')
        await publishLake({ loadIds: [] })
      }
      return { status: 'noted', authorizations: staged, entitled: true }
    } catch (error) {
      if (isCancellation(error)) throw error
      const { code } = failureOf(error)
      // 403 says either that the token is old or that we may not: a fresh one tells which.
      if (code === 'REQUEST_REFUSED' || (code === 'TOKEN_EXPIRED' && isFresh)) return notEntitled
      if (code !== 'TOKEN_EXPIRED') throw error
      enter('token')
      token = await ensureClientToken({ staleFingerprint: token.fingerprint })
    }
  }
}
