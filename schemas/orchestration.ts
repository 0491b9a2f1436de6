/** Names that workflows, activities, workers and clients must agree on. Types are all it imports: workflow code may hold it. */
import type { PullTarget } from './pull.ts'

export const workflowIds = {
  notification: (notificationId: string) => `notify/${notificationId}`,
  resource: (notificationId: string | null, urlSha256: string) =>
    `resource/${notificationId?.slice(0, 12) ?? 'adhoc'}/${urlSha256.slice(0, 32)}`,
  clientToken: (clientAlias: string) => `token/${clientAlias}`,
  apiQuota: (vendor: string) => `quota/${vendor}`,
  outstandingRequests: (clientAlias: string) => `requests/${clientAlias}`,
  /** The same target asked for twice at a time is one run. */
  pull: (clientAlias: string, { feed, by, window }: PullTarget) =>
    `pull/${clientAlias}/${feed}${window === null ? '' : `/${by ?? 'published'}/${window.from}_${window.to}`}`,
  backfill: (clientAlias: string) => `backfill/${clientAlias}`,
  reconcile: (clientAlias: string) => `reconcile/${clientAlias}`,
} as const

export const workflowNames = {
  ingestNotification: 'ingestNotification',
  ingestResource: 'ingestResource',
  clientToken: 'clientToken',
  apiQuota: 'apiQuota',
  outstandingRequests: 'outstandingRequests',
  pullFeed: 'pullFeed',
  backfill: 'backfill',
  reconcile: 'reconcile',
} as const

/** Queries, signals and updates of the workflows. */
export const messageNames = {
  /** Query of ingestNotification and ingestResource → IngestProgress. */
  progress: 'progress',
  /** Update of clientToken: EnsureFreshInput → TokenHandle. */
  ensureFresh: 'ensureFresh',
  /** Update of apiQuota: AcquireInput → AcquireAnswer. */
  acquire: 'acquire',
  /** Update of apiQuota: SettleInput → nothing. */
  settle: 'settle',
  /** Query of apiQuota → QuotaUsage. */
  usage: 'usage',
  /** Update of ingestResource, no argument: a parked package is tried anew, one that waits between tries is tried at once. */
  retryNow: 'retryNow',
  /** Update of ingestResource, no argument: the package is given up. */
  abandon: 'abandon',
  /** Signal of ingestResource to the notification it belongs to: ParkedResource. */
  parked: 'parked',
  /** Query of outstandingRequests → OutstandingRequest[]. */
  outstanding: 'outstanding',
  /** Signal to outstandingRequests: a request is about to be sent (OutstandingRequest). */
  asked: 'asked',
  /** Signal to outstandingRequests: nobody waits for these (ids). */
  closed: 'closed',
  /** Signal to outstandingRequests: a notification has been ingested (NotificationArrival). */
  arrived: 'arrived',
  /** Signal to pullFeed: what answers its request came (RequestArrival). */
  came: 'came',
} as const

export const taskQueues = {
  /** Workflows and light activities. */
  orchestrate: 'meterlake',
  /** Everything that sends a request to the custodian; its rate is the vendor's limit. */
  custodian: 'meterlake-custodian',
  /** Loads: CPU and disk. */
  load: 'meterlake-load',
  /** One publisher. */
  publish: 'meterlake-publish',
} as const

/** Value of MeterlakeStatus of a package that waits for an operator. */
export const parkedStatus = 'parked'

/** Temporal's priority keys: 1 first, 5 last, 3 where none is said. Backfill gives way to the daily packages, whose days are counted. */
export const priorityKeys = { backfill: 5 } as const

/** Id of the Temporal Schedule of the reconcile. */
export const scheduleIds = { reconcile: (clientAlias: string) => `reconcile-daily/${clientAlias}` } as const

/** Typed search attributes (values are not encrypted: no ids of customers). */
export const searchAttributes = {
  MeterlakeFeed: 'KEYWORD',
  MeterlakeStatus: 'KEYWORD',
  MeterlakeDeadline: 'DATETIME',
} as const
