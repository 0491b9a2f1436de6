/**
 * One notification: reads its list from the spool, gives each URL to a child, records what became of it. Its id is made of
 * its content, so the same list twice is one run.
 */
import {
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type {
  AnnouncedFile,
  IngestNotificationInput,
  IngestProgress,
  NotificationOutcome,
  NotificationPage,
  ParkedResource,
  PlannedResource,
  ResourceOutcome,
} from '../schemas/ingest.ts'
import { workflowIds } from '../schemas/orchestration.ts'
import { parkedSignal, progressQuery, searchable } from './contracts.ts'
import { failedOutcome } from './failure-code.ts'
import { ingestResource } from './ingest-resource.ts'
import { summarise } from './notification-summary.ts'
import { lightActivity, publishActivity, resourcesInFlight } from './policies.ts'

const { readNotification, recordNotification } =
  proxyActivities<Pick<Activities, 'readNotification' | 'recordNotification'>>(lightActivity)
const { announceNotification } = proxyActivities<Pick<Activities, 'announceNotification'>>(lightActivity)
const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** Answers what became of each URL, in the order of the list; a parked one counts as failed, and its run lives on. Query `progress`. */
export async function ingestNotification(input: IngestNotificationInput): Promise<NotificationOutcome> {
  const { received } = input
  const outcomes: ResourceOutcome[] = [...(input.resume?.outcomes ?? [])]
  const feeds = [...(input.resume?.feeds ?? [])]
  let step: IngestProgress['step'] = 'reading'
  let total = 0
  let finished = outcomes.length
  setHandler(progressQuery, () => ({ step, resources: total, finished }))
  const whenParked = new Map<string, (parked: ParkedResource) => void>()
  setHandler(parkedSignal, (parked) => whenParked.get(parked.urlSha256)?.(parked))
  const onFinished = (): void => {
    finished += 1
    setCurrentDetails(`${finished} of ${total} resources`)
  }

  let page: NotificationPage
  do {
    page = await readNotification({ received, offset: outcomes.length })
    total = page.total
    step = 'downloading'
    if (outcomes.length === 0) {
      upsertSearchAttributes([searchable.status(page.status), searchable.deadline(page.deadlineAt)])
    }
    feeds.push(...page.resources.map(({ feed }) => feed))
    outcomes.push(...(await ingestAll(received.notificationId, page, whenParked, onFinished)))
    if (outcomes.length < total && workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof ingestNotification>({ received, resume: { offset: outcomes.length, outcomes, feeds } })
    }
  } while (outcomes.length < total)

  const { outcome, record } = summarise(received, page, outcomes)
  step = 'publishing'
  await recordNotification(record)
  await publishLake({ loadIds: [] })
  // Runs begun before there were ad hoc requests go on without.
  if (outcomes.length > 0 && patched('announce')) {
    const { notificationId, receivedAt } = received
    await announceNotification({
      notificationId,
      receivedAt,
      files: outcomes.map((its, at) => announced(its, feeds[at])),
    })
  }
  step = outcome.status === 'failed' ? 'failed' : 'done'
  upsertSearchAttributes([searchable.status(outcome.status)])
  return outcome
}

/** The outcomes of one page in its order, `resourcesInFlight` at a time. */
async function ingestAll(
  notificationId: string,
  page: NotificationPage,
  whenParked: Map<string, (parked: ParkedResource) => void>,
  onFinished: () => void,
): Promise<ResourceOutcome[]> {
  const outcomes: ResourceOutcome[] = []
  let next = 0
  const takeTurns = async (): Promise<void> => {
    for (;;) {
      const at = next++
      const resource = page.resources[at]
      if (resource === undefined) return
      const parked = new Promise<ParkedResource>((resolve) => whenParked.set(resource.urlSha256, resolve))
      outcomes[at] = await ingestOne(notificationId, resource, page.deadlineAt, parked)
      onFinished()
    }
  }
  await Promise.all(Array.from({ length: Math.min(resourcesInFlight, page.resources.length) }, takeTurns))
  return outcomes
}

async function ingestOne(
  notificationId: string,
  resource: PlannedResource,
  deadlineAt: string,
  parked: Promise<ParkedResource>,
): Promise<ResourceOutcome> {
  try {
    const child = await startChild(ingestResource, {
      workflowId: workflowIds.resource(notificationId, resource.urlSha256),
      args: [{ notificationId, resource, deadlineAt }],
      staticSummary: resource.feed,
      // A parked package outlives its notification; a cancelled notification cancels what is under way.
      parentClosePolicy: ParentClosePolicy.ABANDON,
    })
    return await Promise.race([child.result(), parked.then(parkedOutcome)])
  } catch (error) {
    if (isCancellation(error)) throw error
    return failedOutcome(error)
  }
}

const parkedOutcome = ({ code, message }: ParkedResource): ResourceOutcome => ({
  status: 'failed',
  code,
  message,
  parked: true,
})

const announced = (outcome: ResourceOutcome, feed: PlannedResource['feed'] | undefined): AnnouncedFile => ({
  feed: feed ?? 'usage',
  status: outcome.status,
  sha256: 'sha256' in outcome ? outcome.sha256 : null,
})
