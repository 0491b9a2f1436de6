/**
 * One URL of a notification, from token to publish. It always ends with an outcome: what fails here fails alone, the parent
 * goes on with the rest.
 */
import {
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type ActivityOptions,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type {
  DownloadOutcome,
  IngestProgress,
  IngestResourceInput,
  RawFeed,
  ResourceOutcome,
} from '../schemas/ingest.ts'
import { progressQuery, searchable } from './contracts.ts'
import { failedOutcome, failureOf } from './failure-code.ts'
import { downloadActivity, ensureTokenActivity, loadActivity, publishActivity } from './policies.ts'

const { loadFeed } = proxyActivities<Pick<Activities, 'loadFeed'>>(loadActivity)
const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** Answers an outcome for whatever the custodian or the load does; throws on cancellation only. Query `progress`. */
export async function ingestResource(input: IngestResourceInput): Promise<ResourceOutcome> {
  let step: IngestProgress['step'] = 'token'
  setHandler(progressQuery, () => ({ step }))
  const enter = (next: IngestProgress['step']): void => {
    step = next
    setCurrentDetails(next)
    upsertSearchAttributes([searchable.status(next)])
  }
  upsertSearchAttributes([searchable.feed(input.resource.feed), searchable.deadline(input.deadlineAt)])
  try {
    const outcome = await ingest(input, enter)
    enter('done')
    return outcome
  } catch (error) {
    if (isCancellation(error)) throw error
    enter('failed')
    return failedOutcome(error)
  }
}

async function ingest(
  input: IngestResourceInput,
  enter: (step: IngestProgress['step']) => void,
): Promise<ResourceOutcome> {
  if (input.resource.feed === 'authorization') return { status: 'noted' }
  const download = await downloadWithToken(input, enter)
  if (download.status !== 'downloaded') return { status: download.status }
  const { raw } = download
  enter('loading')
  const staged = await loadFeed(loadRequest(input, raw))
  enter('publishing')
  const [load = null] = await publishLake({ loadIds: [staged.loadId] })
  const { sha256, bytes } = raw
  if (staged.outcome === 'known' || load === null) return { status: 'known', sha256, bytes, load }
  if (load.status === 'failed') {
    return { status: 'failed', code: 'UNKNOWN', message: `load ${load.loadId} is in the ledger as failed` }
  }
  return { status: load.status, sha256, bytes, load }
}

/**
 * Token, then download. A refused token is refreshed and the request made anew; refused again at once, it is not the token's
 * age. An hour of 503 in between may outlive a token, so the bound is on refusals of a token just refreshed.
 */
async function downloadWithToken(
  input: IngestResourceInput,
  enter: (step: IngestProgress['step']) => void,
): Promise<DownloadOutcome> {
  const untilDeadline = remaining(input.deadlineAt)
  const { ensureClientToken } = proxyActivities<Pick<Activities, 'ensureClientToken'>>({
    ...ensureTokenActivity,
    ...untilDeadline,
  })
  let token = await ensureClientToken({})
  let refreshed = false
  for (;;) {
    enter('downloading')
    const { downloadResource } = proxyActivities<Pick<Activities, 'downloadResource'>>({
      ...downloadActivity,
      ...remaining(input.deadlineAt),
    })
    try {
      return await downloadResource(input)
    } catch (error) {
      const refused = !isCancellation(error) && failureOf(error).code === 'TOKEN_EXPIRED'
      const endedByAge = Date.now() >= Date.parse(token.expiresAt)
      if (!refused || (refreshed && !endedByAge)) throw error
      enter('token')
      token = await ensureClientToken({ staleFingerprint: token.fingerprint })
      refreshed = true
    }
  }
}

/** The custodian keeps a package until the deadline: tries end there. A minute at least, so that a late start still asks once. */
function remaining(deadlineAt: string): Pick<ActivityOptions, 'scheduleToCloseTimeout'> {
  return { scheduleToCloseTimeout: Math.max(60_000, Date.parse(deadlineAt) - Date.now()) }
}

function loadRequest(input: IngestResourceInput, raw: RawFeed) {
  const { notificationId, resource } = input
  const sourceName = resource.url.replace(/[?#].*$/, '').replace(/^[a-z]+:\/\/[^/]*/i, '')
  return {
    raw,
    source: 'notification' as const,
    sourceName,
    notificationId,
    correlationId: resource.correlationId,
  }
}
