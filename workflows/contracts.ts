/** Queries, updates and search attributes as the workflows use them; their names live in schemas/orchestration.ts. */
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common'
import { defineQuery, defineUpdate } from '@temporalio/workflow'
import type { EnsureFreshInput, IngestProgress, TokenHandle } from '../schemas/ingest.ts'
import { messageNames } from '../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, PenaliseInput, QuotaUsage } from '../schemas/quota.ts'

export const progressQuery = defineQuery<IngestProgress>(messageNames.progress)
export const ensureFreshUpdate = defineUpdate<TokenHandle, [EnsureFreshInput]>(messageNames.ensureFresh)
export const acquireUpdate = defineUpdate<AcquireAnswer, [AcquireInput]>(messageNames.acquire)
export const penaliseUpdate = defineUpdate<void, [PenaliseInput]>(messageNames.penalise)
export const usageQuery = defineQuery<QuotaUsage>(messageNames.usage)

const feedKey = defineSearchAttributeKey('MeterlakeFeed', 'KEYWORD')
const statusKey = defineSearchAttributeKey('MeterlakeStatus', 'KEYWORD')
const deadlineKey = defineSearchAttributeKey('MeterlakeDeadline', 'DATETIME')

/** What an operator filters by: which feed, how it stands, until when it must be fetched. */
export const searchable = {
  feed: (value: string): SearchAttributeUpdatePair => ({ key: feedKey, value }),
  status: (value: string): SearchAttributeUpdatePair => ({ key: statusKey, value }),
  deadline: (value: string): SearchAttributeUpdatePair => ({ key: deadlineKey, value: new Date(value) }),
} as const
