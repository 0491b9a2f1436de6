/** What an ad hoc request comes to where the custodian's answer decides it at once: refused, too large, or the feed itself. */
import { ApplicationFailure } from '@temporalio/common'
import { isCancellation, proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { PackageAnswer, PullTarget, RequestRecord, WindowOutcome } from '../schemas/pull.ts'
import { failureOf } from './failure-code.ts'
import { loadActivity, publishActivity } from './policies.ts'
import { halves, widened } from './request-windows.ts'

const { loadFeed } = proxyActivities<Pick<Activities, 'loadFeed'>>(loadActivity)
const { publishLake } = proxyActivities<Pick<Activities, 'publishLake'>>(publishActivity)

/** How a window ended, or what is asked for instead of it. */
export type Asked = WindowOutcome | { readonly status: 'instead'; readonly targets: readonly PullTarget[] }

/** Writes down how the request stands. */
export type RecordStatus = (status: RequestRecord['status'], more?: Partial<RequestRecord>) => Promise<void>

/** A refusal: not entitled (enrolments), by readings instead of changes, or final. */
export async function refusedOutcome(target: PullTarget, error: unknown, record: RecordStatus): Promise<Asked> {
  const { code, message } = failureOf(error)
  if (target.feed === 'program' && notEntitledCodes.has(code)) {
    await record('not_entitled', { errorCode: code, message: 'demand-response enrolment is not open to this client' })
    return { status: 'not_entitled' }
  }
  await record('failed', { errorCode: code, message })
  if (target.by === 'updated' && target.window !== null && code === 'REQUEST_REFUSED') {
    const window = widened(target.window, 'published')
    return { status: 'instead', targets: [{ feed: target.feed, by: 'published', window }] }
  }
  return { status: 'failed', code, message }
}

/** The right token and still no access, or no such thing here. */
const notEntitledCodes: ReadonlySet<string> = new Set(['TOKEN_EXPIRED', 'REQUEST_REFUSED', 'RESOURCE_GONE'])

/** Too large a range: its halves instead, the later first; final where it is one day. */
export async function splitOutcome(
  target: PullTarget,
  transaction: string | null,
  record: RecordStatus,
): Promise<Asked> {
  const { window } = target
  const parts = window === null ? undefined : halves(window)
  if (parts === undefined) {
    const message = `${nameOf(target)} is refused as too large a range`
    await record('failed', { transaction, errorCode: 'RANGE_TOO_LARGE', message })
    return { status: 'failed', code: 'RANGE_TOO_LARGE', message }
  }
  await record('split', { transaction, message: 'date range too large: asked for in halves' })
  return { status: 'instead', targets: parts.map((part) => ({ ...target, window: part })) }
}

/** The custodian answered with the feed itself: it is loaded here. */
export async function loadedAtOnce(
  target: PullTarget,
  { raw, transaction }: PackageAnswer,
  record: RecordStatus,
): Promise<Asked> {
  if (raw === null) throw ApplicationFailure.create({ type: 'INTERNAL', message: 'a ready answer without a feed' })
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
    return isEmpty ? { status: 'no_data' } : { status: 'failed', code, message }
  }
  await record('answered', { transaction, resources: 1, loaded: 1 })
  return { status: 'answered', loaded: 1, message: null }
}

/** What is asked for, in messages. */
export const nameOf = ({ feed, by, window }: PullTarget): string =>
  window === null ? `${feed} snapshot` : `${feed} ${by ?? 'published'} ${window.from} to ${window.to}`
