/**
 * One URL of a notification, from token to publish. What fails here fails alone, the parent goes on with the rest. A package that
 * no retry mends parks: it waits for an operator, who has it tried anew or gives it up.
 */
import {
  CancellationScope,
  isCancellation,
  patched,
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
import { parkedStatus } from '../schemas/orchestration.ts'
import { progressQuery, searchable } from './contracts.ts'
import { failedOutcome, failureOf } from './failure-code.ts'
import { noteAuthorization } from './note-authorization.ts'
import { openOperatorDesk, tellParent } from './operator-desk.ts'
import { downloadActivity, finalCodes, loadActivity, publishActivity } from './policies.ts'
import { withToken } from './with-token.ts'

const { loadFeed } = proxyActivities<Pick<Activities, 'loadFeed'>>(loadActivity)
const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

type Enter = (step: IngestProgress['step']) => void

/**
 * Answers an outcome for whatever the custodian or the load does; throws on cancellation only. Query `progress`; updates
 * `retryNow` and `abandon`, taken at any time.
 */
export async function ingestResource(input: IngestResourceInput): Promise<ResourceOutcome> {
  let progress: IngestProgress = { step: 'token' }
  setHandler(progressQuery, () => progress)
  const enter: Enter = (step) => {
    progress = { step }
    setCurrentDetails(step)
    upsertSearchAttributes([searchable.status(step)])
  }
  let underWay: CancellationScope | undefined
  const desk = openOperatorDesk(() => underWay?.cancel())
  upsertSearchAttributes([searchable.feed(input.resource.feed), searchable.deadline(input.deadlineAt)])
  let retry = 0
  for (;;) {
    const scope = new CancellationScope()
    underWay = scope
    let failure: { readonly outcome: ResourceOutcome; readonly isFinal: boolean }
    try {
      const outcome = await scope.run(async () => ingest(retry === 0 ? input : { ...input, retry }, enter))
      enter('done')
      return outcome
    } catch (error) {
      const isOrdered = isCancellation(error) && desk.pending !== undefined
      if (isCancellation(error) && !isOrdered) throw error
      // Runs that began before packages were parked end as they did.
      const parks = patched('parked-packages')
      const { code, message } = failureOf(error)
      // Bytes that are no feed are asked for anew; others rest in the archive.
      if (code.startsWith('FEED_')) retry += 1
      failure = {
        outcome: isOrdered ? abandoned : failedOutcome(error),
        isFinal: !parks || (!isOrdered && finalCodes.has(code)),
      }
      if (!failure.isFinal && !isOrdered) {
        enter(parkedStatus)
        progress = { step: 'parked', code }
        setCurrentDetails(`parked: ${code}. ${message}`)
        await tellParent({ urlSha256: input.resource.urlSha256, code, message })
      }
    } finally {
      underWay = undefined
    }
    if (failure.isFinal || (await desk.takeOrder()) !== 'retry') {
      enter('failed')
      return failure.outcome
    }
    enter('token')
  }
}

const abandoned: ResourceOutcome = { status: 'failed', code: 'UNKNOWN', message: 'an operator gave it up' }

async function ingest(input: IngestResourceInput, enter: Enter): Promise<ResourceOutcome> {
  if (input.resource.feed === 'authorization') {
    if (!patched('authorization-fetched')) return { status: 'noted' }
    return await noteAuthorization(input, enter, remaining(input.deadlineAt))
  }
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

/** Token, then download, until the package's deadline. */
async function downloadWithToken(input: IngestResourceInput, enter: Enter): Promise<DownloadOutcome> {
  return withToken(
    remaining(input.deadlineAt),
    async () => {
      enter('downloading')
      const { downloadResource } = proxyActivities<Pick<Activities, 'downloadResource'>>({
        ...downloadActivity,
        ...remaining(input.deadlineAt),
      })
      return downloadResource(input)
    },
    () => {
      enter('token')
    },
  )
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
