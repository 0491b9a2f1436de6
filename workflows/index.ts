/** What the worker's workflow bundle holds. */
export { apiQuota } from './api-quota.ts'
export { backfill } from './backfill.ts'
export { clientToken } from './client-token.ts'
export { ingestNotification } from './ingest-notification.ts'
export { ingestResource } from './ingest-resource.ts'
export { outstandingRequests } from './outstanding-requests.ts'
export { pullFeed } from './pull-feed.ts'
export { reconcile } from './reconcile.ts'
