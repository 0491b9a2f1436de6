/** An Authorization changed: what changed is fetched and published, its secrets are not. */
import { isCancellation, proxyActivities, type ActivityOptions } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { IngestProgress, IngestResourceInput, ResourceOutcome } from '../schemas/ingest.ts'
import { failureOf } from './failure-code.ts'
import { authorizationActivity, publishActivity } from './policies.ts'
import { withToken } from './with-token.ts'

const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** The custodian refused: for a CCA authorizations are best effort, so the change is noted and nothing more. */
const notEntitled: ResourceOutcome = { status: 'noted', authorizations: 0, entitled: false }

/** `noted` with how many Authorizations are new or different; `entitled: false` where the custodian refuses to tell. */
export async function noteAuthorization(
  input: IngestResourceInput,
  enter: (step: IngestProgress['step']) => void,
  untilDeadline: Pick<ActivityOptions, 'scheduleToCloseTimeout'>,
): Promise<ResourceOutcome> {
  const { fetchAuthorization } = proxyActivities<Pick<Activities, 'fetchAuthorization'>>({
    ...authorizationActivity,
    ...untilDeadline,
  })
  try {
    const { staged } = await withToken(
      untilDeadline,
      async () => {
        enter('downloading')
        return fetchAuthorization(input)
      },
      () => {
        enter('token')
      },
    )
    if (staged > 0) {
      enter('publishing')
      await publishLake({ loadIds: [] })
    }
    return { status: 'noted', authorizations: staged, entitled: true }
  } catch (error) {
    if (isCancellation(error)) throw error
    const { code } = failureOf(error)
    // 403 says either that the token is old or that we may not: it has been asked with a fresh one.
    if (code === 'REQUEST_REFUSED' || code === 'TOKEN_EXPIRED') return notEntitled
    throw error
  }
}
