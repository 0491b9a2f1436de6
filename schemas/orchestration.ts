/** Names that workflows, activities, workers and clients must agree on. No imports: workflow code may hold it. */
export const workflowIds = {
  notification: (notificationId: string) => `notify/${notificationId}`,
  resource: (notificationId: string | null, urlSha256: string) =>
    `resource/${notificationId?.slice(0, 12) ?? 'adhoc'}/${urlSha256.slice(0, 32)}`,
  clientToken: (clientAlias: string) => `token/${clientAlias}`,
  apiQuota: (vendor: string) => `quota/${vendor}`,
} as const

export const workflowNames = {
  ingestNotification: 'ingestNotification',
  ingestResource: 'ingestResource',
  clientToken: 'clientToken',
  apiQuota: 'apiQuota',
} as const

/** Queries and updates of the workflows. */
export const messageNames = {
  /** Query of ingestNotification and ingestResource → IngestProgress. */
  progress: 'progress',
  /** Update of clientToken: EnsureFreshInput → TokenHandle. */
  ensureFresh: 'ensureFresh',
  /** Update of apiQuota: AcquireInput → AcquireAnswer. */
  acquire: 'acquire',
  /** Update of apiQuota: PenaliseInput → nothing. */
  penalise: 'penalise',
  /** Query of apiQuota → QuotaUsage. */
  usage: 'usage',
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

/** Typed search attributes (values are not encrypted: no ids of customers). */
export const searchAttributes = {
  MeterlakeFeed: 'KEYWORD',
  MeterlakeStatus: 'KEYWORD',
  MeterlakeDeadline: 'DATETIME',
} as const
