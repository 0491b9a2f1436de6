/** Names that workflows, activities, workers and clients must agree on. No imports: workflow code may hold it. */
export const workflowIds = {
  notification: (notificationId: string) => `notify/${notificationId}`,
  resource: (notificationId: string | null, urlSha256: string) =>
    `resource/${notificationId?.slice(0, 12) ?? 'adhoc'}/${urlSha256.slice(0, 32)}`,
  clientToken: (clientAlias: string) => `token/${clientAlias}`,
} as const

export const workflowNames = {
  ingestNotification: 'ingestNotification',
  ingestResource: 'ingestResource',
  clientToken: 'clientToken',
} as const

/** Queries and updates of the workflows. */
export const messageNames = {
  /** Query of ingestNotification and ingestResource → IngestProgress. */
  progress: 'progress',
  /** Update of clientToken: EnsureFreshInput → TokenHandle. */
  ensureFresh: 'ensureFresh',
  /** Update of ingestResource, no argument: a parked package is tried anew, one that waits between tries is tried at once. */
  retryNow: 'retryNow',
  /** Update of ingestResource, no argument: the package is given up. */
  abandon: 'abandon',
  /** Signal of ingestResource to the notification it belongs to: ParkedResource. */
  parked: 'parked',
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

/** Typed search attributes (values are not encrypted: no ids of customers). */
export const searchAttributes = {
  MeterlakeFeed: 'KEYWORD',
  MeterlakeStatus: 'KEYWORD',
  MeterlakeDeadline: 'DATETIME',
} as const
