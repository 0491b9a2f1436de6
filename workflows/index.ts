/** What the worker's workflow bundle holds. */
export { apiQuota } from './api-quota.ts'
export { clientToken } from './client-token.ts'
export { ingestNotification } from './ingest-notification.ts'
export { ingestResource } from './ingest-resource.ts'
