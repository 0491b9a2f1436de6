/**
 * One ad hoc pull: asks, waits for the notification, asks again where none comes. The package itself is ingested by the workflow of its
 * notification; this one says what became of each request, in ops.request. It always ends with an outcome.
 */
import { ApplicationFailure } from '@temporalio/common'
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import type {
  PackageAnswer,
  PullInput,
  PullOutcome,
  PullProgress,
  PullTarget,
  RequestArrival,
  RequestRecord,
} from '../schemas/pull.ts'
import { workflowIds } from '../schemas/orchestration.ts'
import { cameSignal, closedSignal, pullProgressQuery, searchable } from './contracts.ts'
import { failureOf } from './failure-code.ts'
import { lightActivity, loadActivity, publishActivity, requestActivity } from './policies.ts'
import { pullOutcome, type WindowOutcome } from './pull-outcome.ts'
import { halves, widened } from './request-windows.ts'
import { withToken } from './with-token.ts'

const { registerRequest, recordRequest } =
  proxyActivities<Pick<Activities, 'registerRequest' | 'recordRequest'>>(lightActivity)
const { requestPackage } = proxyActivities<Pick<Activities, 'requestPackage'>>(requestActivity)
const { loadFeed } = proxyActivities<Pick<Activities, 'loadFeed'>>(loadActivity)
const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** After its deadline a package is gone: nobody waits longer for the notification of a first ask. */
const longestWaitMs = 5 * 86_400_000

/** What a pull knows while it runs. */
interface Pull {
  readonly input: PullInput
  readonly arrivals: RequestArrival[]
  asked: number
  enter(step: PullProgress['step']): void
}

/** Answers what became of all windows; throws on cancellation only. Signal `came`; query `progress`. */
export async function pullFeed(input: PullInput): Promise<PullOutcome> {
  let step: PullProgress['step'] = 'asking'
  const arrivals: RequestArrival[] = []
  const { feed, by, window } = input
  const first = window === null ? null : widened(window, by ?? 'published')
  const targets: PullTarget[] = [{ feed, by, window: first }]
  const pull: Pull = {
    input,
    arrivals,
    asked: 0,
    enter: (next) => {
      step = next
      setCurrentDetails(next)
    },
  }
  setHandler(cameSignal, (arrival) => {
    arrivals.push(arrival)
  })
  setHandler(pullProgressQuery, () => ({ step, asked: pull.asked, windowsLeft: targets.length }))
  upsertSearchAttributes([searchable.feed(feed), searchable.status('asking')])

  const outcomes: WindowOutcome[] = []
  for (let target = targets.shift(); target !== undefined; target = targets.shift()) {
    const outcome = await askUntilAnswered(pull, target)
    if (outcome.status === 'instead') targets.unshift(...outcome.targets)
    else outcomes.push(outcome)
  }
  await publishLake({ loadIds: [] })
  const outcome = pullOutcome(outcomes, pull.asked)
  pull.enter('done')
  upsertSearchAttributes([searchable.status(outcome.status)])
  return outcome
}

type Asked = WindowOutcome | { readonly status: 'instead'; readonly targets: readonly PullTarget[] }

/** Asks for one target, and again while no notification comes, as often as the input allows. */
async function askUntilAnswered(pull: Pull, target: PullTarget): Promise<Asked> {
  const requestIds: string[] = []
  try {
    for (let ask = 1; ask <= pull.input.asks; ask += 1) {
      const requestId = uuid4()
      requestIds.push(requestId)
      const outcome = await askOnce(pull, target, { requestId, ask, requestIds })
      if (outcome !== undefined) return outcome
    }
  } finally {
    const mailbox = getExternalWorkflowHandle(workflowIds.outstandingRequests(pull.input.clientAlias))
    // Nobody waits any more, also where this run was cancelled; a mailbox that has ended has forgotten them itself.
    await CancellationScope.nonCancellable(async () => mailbox.signal(closedSignal, requestIds)).catch(() => {})
  }
  const times = pull.input.asks === 1 ? 'once' : `${pull.input.asks} times`
  const message = `${nameOf(target)} was accepted ${times} and no notification came`
  return { status: 'failed', code: 'REQUEST_UNANSWERED', message }
}

interface Ask {
  readonly requestId: string
  readonly ask: number
  /** All asks for this target: a late answer to an earlier one counts. */
  readonly requestIds: readonly string[]
}

/** One request and the wait for its notification; undefined where none came. */
async function askOnce(
  pull: Pull,
  target: PullTarget,
  { requestId, ask, requestIds }: Ask,
): Promise<Asked | undefined> {
  const { reason, notifyWithinMs } = pull.input
  const askedAt = now()
  const asked = { ...target, requestId, reason, ask, askedAt }
  const record = async (status: RequestRecord['status'], more: Partial<RequestRecord> = {}): Promise<void> =>
    recordRequest({ ...asked, changedAt: now(), status, ...nothing, ...more })
  pull.enter('asking')
  pull.asked += 1
  // Before the request is sent: its notification may overtake the 202.
  const expiresAt = new Date(Date.now() + longestWaitMs + notifyWithinMs * pull.input.asks).toISOString()
  await registerRequest({ ...target, requestId, askedAt, expiresAt, workflowId: workflowInfo().workflowId })

  let answer: PackageAnswer
  try {
    answer = await withToken({ scheduleToCloseTimeout: requestActivity.scheduleToCloseTimeout }, async () =>
      requestPackage({ ...target, transaction: requestId }),
    )
  } catch (error) {
    if (isCancellation(error)) throw error
    return refusedOutcome(pull, target, error, record)
  }
  const { transaction } = answer
  if (answer.status === 'no_data') {
    await record('no_data', { transaction })
    return { status: 'no_data', loaded: 0 }
  }
  if (answer.status === 'too_large') return splitOutcome(target, transaction, record)
  if (answer.status === 'ready') return loadedAtOnce(pull, target, answer, record)

  await record('accepted', { transaction })
  pull.enter('waiting')
  const isOurs = ({ requestId: answered }: RequestArrival): boolean => requestIds.includes(answered)
  if (!(await condition(() => pull.arrivals.some(isOurs), notifyWithinMs))) {
    await record('unanswered', { transaction, message: 'no notification came in time' })
    return undefined
  }
  const came = pull.arrivals.find(isOurs) as RequestArrival
  const { notificationId, resources, loaded, failed } = came
  const message = failed === 0 ? null : `${failed} of ${resources} files failed: see the notification`
  await record('answered', { transaction, notificationId, resources, loaded, message })
  return { status: 'answered', loaded }
}

const nothing = {
  transaction: null,
  notificationId: null,
  resources: 0,
  loaded: 0,
  errorCode: null,
  message: null,
} as const

const now = (): string => new Date(Date.now()).toISOString()

/** A refusal: not entitled (enrolments), by readings instead of changes, or final. */
async function refusedOutcome(
  { input }: Pull,
  target: PullTarget,
  error: unknown,
  record: (status: RequestRecord['status'], more?: Partial<RequestRecord>) => Promise<void>,
): Promise<Asked> {
  const { code, message } = failureOf(error)
  if (target.feed === 'program' && notEntitledCodes.has(code)) {
    await record('not_entitled', { errorCode: code, message: 'demand-response enrolment is not open to this client' })
    return { status: 'not_entitled', loaded: 0 }
  }
  await record('failed', { errorCode: code, message })
  if (target.by === 'updated' && input.window !== null && code === 'REQUEST_REFUSED') {
    const window = widened(input.window, 'published')
    return { status: 'instead', targets: [{ feed: target.feed, by: 'published', window }] }
  }
  return { status: 'failed', code, message }
}

/** The right token and still no access, or no such thing here. */
const notEntitledCodes: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'REQUEST_REFUSED', 'RESOURCE_GONE'])

async function splitOutcome(
  target: PullTarget,
  transaction: string | null,
  record: (status: RequestRecord['status'], more?: Partial<RequestRecord>) => Promise<void>,
): Promise<Asked> {
  const { window } = target
  const parts = window === null ? undefined : halves(window)
  if (parts === undefined) {
    const message = `${nameOf(target)} is refused as too large a range`
    await record('failed', { transaction, errorCode: 'RANGE_TOO_LARGE', message })
    return { status: 'failed', code: 'RANGE_TOO_LARGE', message }
  }
  await record('split', { transaction, message: 'date range too large: asked for in halves' })
  return { status: 'instead', targets: parts.map((part: DayWindow) => ({ ...target, window: part })) }
}

/** The custodian answered with the feed itself: it is loaded here. */
async function loadedAtOnce(
  pull: Pull,
  target: PullTarget,
  { raw, transaction }: PackageAnswer,
  record: (status: RequestRecord['status'], more?: Partial<RequestRecord>) => Promise<void>,
): Promise<Asked> {
  if (raw === null) throw ApplicationFailure.create({ type: 'INTERNAL', message: 'a ready answer without a feed' })
  pull.enter('loading')
  try {
    const sourceName = `ad hoc ${target.feed}`
    const source = 'notification' as const
    const staged = await loadFeed({ raw, source, sourceName, notificationId: null, correlationId: null })
    await publishLake({ loadIds: [staged.loadId] })
  } catch (error) {
    if (isCancellation(error)) throw error
    const { code, message } = failureOf(error)
    const isEmpty = code === 'FEED_EMPTY'
    await record(isEmpty ? 'no_data' : 'failed', { transaction, resources: 1, errorCode: code, message })
    return isEmpty ? { status: 'no_data', loaded: 0 } : { status: 'failed', code, message }
  }
  await record('answered', { transaction, resources: 1, loaded: 1 })
  return { status: 'answered', loaded: 1 }
}

const nameOf = ({ feed, by, window }: PullTarget): string =>
  window === null ? `${feed} snapshot` : `${feed} ${by ?? 'published'} ${window.from} to ${window.to}`
