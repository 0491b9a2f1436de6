/** Queries, updates and search attributes as the workflows use them; their names live in schemas/orchestration.ts. */
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common'
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { EnsureFreshInput, IngestProgress, ParkedResource, TokenHandle } from '../schemas/ingest.ts'
import type {
  BackfillProgress,
  NotificationArrival,
  OutstandingRequest,
  PullProgress,
  RequestArrival,
} from '../schemas/pull.ts'
import { messageNames } from '../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, SettleInput, QuotaUsage } from '../schemas/quota.ts'

export const progressQuery = defineQuery<IngestProgress>(messageNames.progress)
export const pullProgressQuery = defineQuery<PullProgress>(messageNames.progress)
export const backfillProgressQuery = defineQuery<BackfillProgress>(messageNames.progress)
export const outstandingQuery = defineQuery<readonly OutstandingRequest[]>(messageNames.outstanding)
export const askedSignal = defineSignal<[OutstandingRequest]>(messageNames.asked)
export const closedSignal = defineSignal<[readonly string[]]>(messageNames.closed)
export const arrivedSignal = defineSignal<[NotificationArrival]>(messageNames.arrived)
export const cameSignal = defineSignal<[RequestArrival]>(messageNames.came)
export const ensureFreshUpdate = defineUpdate<TokenHandle, [EnsureFreshInput]>(messageNames.ensureFresh)
export const acquireUpdate = defineUpdate<AcquireAnswer, [AcquireInput]>(messageNames.acquire)
export const settleUpdate = defineUpdate<void, [SettleInput]>(messageNames.settle)
export const usageQuery = defineQuery<QuotaUsage>(messageNames.usage)
export const retryNowUpdate = defineUpdate<void>(messageNames.retryNow)
export const abandonUpdate = defineUpdate<void>(messageNames.abandon)
export const parkedSignal = defineSignal<[ParkedResource]>(messageNames.parked)

const feedKey = defineSearchAttributeKey('MeterlakeFeed', 'KEYWORD')
const statusKey = defineSearchAttributeKey('MeterlakeStatus', 'KEYWORD')
const deadlineKey = defineSearchAttributeKey('MeterlakeDeadline', 'DATETIME')

/** What an operator filters by: which feed, how it stands, until when it must be fetched. */
export const searchable = {
  feed: (value: string): SearchAttributeUpdatePair => ({ key: feedKey, value }),
  status: (value: string): SearchAttributeUpdatePair => ({ key: statusKey, value }),
  deadline: (value: string): SearchAttributeUpdatePair => ({ key: deadlineKey, value: new Date(value) }),
} as const
