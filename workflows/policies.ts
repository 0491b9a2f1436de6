/**
 * How long each activity may take and how it is tried again. Which codes are final is decided by their `retryable` flag in
 * schemas/errors.ts (activities/failures.ts applies it, with the bound of attempts per code); here stands only what a
 * workflow handles itself.
 */
import type { ActivityOptions } from '@temporalio/workflow'
import type { ErrorCode } from '../schemas/errors.ts'
import { taskQueues } from '../schemas/orchestration.ts'

/** Reading a spool file, staging one row: milliseconds; 20 seconds cover a slow disk, and are what a killed worker costs. */
export const lightActivity = {
  taskQueue: taskQueues.orchestrate,
  startToCloseTimeout: '20 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
} as const satisfies ActivityOptions

/** Waits for the entity's answer, which waits for one token request with its retries: see tokenActivity. */
export const ensureTokenActivity = {
  taskQueue: taskQueues.orchestrate,
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '2 seconds', backoffCoefficient: 2, maximumInterval: '5 minutes' },
} as const satisfies ActivityOptions

/**
 * One token request. After 4 minutes the entity gives its callers the last reason; they come again by their own policy. Shorter than
 * the caller's 5 minutes, so that the caller hears the reason and not a timeout.
 */
export const tokenActivity = {
  taskQueue: taskQueues.custodian,
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '4 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '2 seconds', backoffCoefficient: 2, maximumInterval: '1 minute' },
} as const satisfies ActivityOptions

/**
 * One download. Bulk files reach gigabytes on a slow line: 6 hours. It beats every 2 seconds: 20 without one is a dead
 * worker. An unavailable custodian is asked every 15 minutes at most, until the package's deadline (given per call).
 * TOKEN_EXPIRED comes back at once: the workflow refreshes the token and makes a new attempt.
 */
export const downloadActivity = {
  taskQueue: taskQueues.custodian,
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 seconds',
  retry: {
    initialInterval: '2 seconds',
    backoffCoefficient: 2,
    maximumInterval: '15 minutes',
    nonRetryableErrorTypes: ['TOKEN_EXPIRED'],
  },
} as const satisfies ActivityOptions

/** One load: gigabytes at tens of MB/s are minutes; 6 hours bound a disk that crawls. A full disk is retried for 5 days. */
export const loadActivity = {
  taskQueue: taskQueues.load,
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '5 days',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
} as const satisfies ActivityOptions

/** One group commit; it may carry other loads than the caller's, and merges large backfills. */
export const publishActivity = {
  taskQueue: taskQueues.publish,
  startToCloseTimeout: '6 hours',
  scheduleToCloseTimeout: '5 days',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
} as const satisfies ActivityOptions

/**
 * One request for a package. An unavailable custodian is asked for a day: then the pull fails by name, and the reconcile comes again.
 * What the workflow handles itself comes back at once.
 */
export const requestActivity = {
  taskQueue: taskQueues.custodian,
  // A small package may come at once, as the body.
  startToCloseTimeout: '1 hour',
  scheduleToCloseTimeout: '1 day',
  heartbeatTimeout: '20 seconds',
  retry: {
    initialInterval: '2 seconds',
    backoffCoefficient: 2,
    maximumInterval: '15 minutes',
    nonRetryableErrorTypes: ['TOKEN_EXPIRED'],
  },
} as const satisfies ActivityOptions

/** Resources of one notification in flight. The custodian takes one request a second: more would only wait. */
export const resourcesInFlight = 20

/** Updates a run of apiQuota answers before it continues as new: each leaves some six events, and all are replayed within a task's 3 s. */
export const quotaUpdatesPerRun = 500

/** Updates a run of clientToken answers before it continues as new. The server's bound is 2,000. */
export const updatesPerRun = 500

/** An Authorization or a list of them: one small answer. A custodian that is away is asked until the caller's deadline. */
export const authorizationActivity = {
  ...downloadActivity,
  startToCloseTimeout: '5 minutes',
} as const satisfies ActivityOptions

/** Failures that no operator can mend: the answer is the answer. All others park the package. */
export const finalCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'RESOURCE_GONE',
  // Five days of 202.
  'NOT_READY',
  'URL_REFUSED',
  'FEED_EMPTY',
  'FEED_SECRET',
  'LOAD_CANCELLED',
])

/** How long a parked package waits for an operator before it ends as failed: well past the custodian's five days. */
export const parkedFor = '30 days'
