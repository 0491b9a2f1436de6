/** Ad hoc requests: what pulls, backfill and reconcile hand to each other. Workflow code may hold it. */
import type { DayWindow } from './calendar-day.ts'
import type { ErrorCode } from './errors.ts'
import type { RawFeed, ResourceOutcome } from './ingest.ts'

/** `program`: demand-response enrolment. */
export type PullFeed = 'usage' | 'customer' | 'program'

/** `published`: readings of these days; `updated`: whatever changed on these days. */
export type WindowBy = 'published' | 'updated'

export type RequestReason = 'pull' | 'backfill' | 'reconcile'

/** What is asked for. `by` and `window` are null for snapshots (customer, program). */
export interface PullTarget {
  readonly feed: PullFeed
  readonly by: WindowBy | null
  readonly window: DayWindow | null
}

export interface PullInput extends PullTarget {
  readonly clientAlias: string
  readonly reason: RequestReason
  /** How often each window is asked for at most while its notification does not come. */
  readonly asks: number
  /** How long a notification is waited for before the next ask. */
  readonly notifyWithinMs: number
}

export interface PullOutcome {
  /** `partial`: some windows failed, others did not. */
  readonly status: 'answered' | 'no_data' | 'not_entitled' | 'partial' | 'failed'
  /** Requests sent. */
  readonly asked: number
  /** Windows by how they ended; a refused one that was split does not count. */
  readonly answered: number
  readonly noData: number
  readonly failed: number
  /** Files of the answers that are in the lake. */
  readonly loaded: number
  /** Of the first failure. */
  readonly code: ErrorCode | 'UNKNOWN' | null
  readonly message: string | null
}

/** Answer of the `progress` query of pullFeed. */
export interface PullProgress {
  readonly step: 'asking' | 'waiting' | 'loading' | 'done'
  readonly asked: number
  readonly windowsLeft: number
}

/** One request on the wire. `transaction` is our x-transaction, and the id of the request. */
export interface PackageRequest extends PullTarget {
  readonly transaction: string
}

/** What the custodian answered; `transaction` is the one that came back. */
export interface PackageAnswer {
  readonly status: 'accepted' | 'no_data' | 'ready' | 'too_large'
  readonly transaction: string | null
  /** The archived feed, where it came at once. */
  readonly raw: RawFeed | null
}

export const requestStatuses = [
  'accepted',
  'answered',
  'no_data',
  'split',
  'not_entitled',
  'unanswered',
  'failed',
] as const

export type RequestStatus = (typeof requestStatuses)[number]

/** A row for ops.request: how a request stands. The latest row of a request counts. */
export interface RequestRecord extends PullTarget {
  readonly requestId: string
  readonly reason: RequestReason
  /** 1: the first ask for this window. */
  readonly ask: number
  readonly askedAt: string
  readonly changedAt: string
  readonly status: RequestStatus
  /** The x-transaction that came back. */
  readonly transaction: string | null
  readonly notificationId: string | null
  readonly resources: number
  readonly loaded: number
  readonly errorCode: string | null
  readonly message: string | null
}

/** A request whose notification is waited for. */
export interface OutstandingRequest extends PullTarget {
  readonly requestId: string
  /** Whom to tell. */
  readonly workflowId: string
  readonly askedAt: string
  /** After that nobody waits any more. */
  readonly expiresAt: string
}

/** One file that a notification brought, after its ingest. */
export interface ArrivedFile {
  readonly feed: PullFeed
  readonly status: ResourceOutcome['status']
  /** Local days of its readings; null: none, or not known. */
  readonly days: DayWindow | null
}

/** A notification after its ingest. */
export interface NotificationArrival {
  readonly notificationId: string
  readonly receivedAt: string
  readonly files: readonly ArrivedFile[]
}

/** What of a notification answers one request. */
export interface RequestArrival {
  readonly requestId: string
  readonly notificationId: string
  readonly resources: number
  readonly loaded: number
  readonly failed: number
}

export interface OutstandingInput {
  readonly outstanding: readonly OutstandingRequest[]
}

export interface BackfillInput {
  readonly clientAlias: string
  readonly range: DayWindow
  readonly monthsPerRequest: number
  readonly inFlight: number
  readonly asks: number
  readonly notifyWithinMs: number
  /** Set by its own continue-as-new only. */
  readonly resume?: BackfillProgress
}

/** Answer of the `progress` query of backfill, and its result. */
export interface BackfillProgress {
  readonly status: 'running' | 'done' | 'incomplete' | 'stopped'
  readonly windows: number
  /** Windows that are settled, those of earlier runs included. */
  readonly finished: number
  readonly answered: number
  readonly noData: number
  readonly failed: readonly (DayWindow & { readonly code: string })[]
  readonly inFlight: readonly DayWindow[]
  readonly loaded: number
  readonly asked: number
}

export interface ReconcileInput {
  readonly clientAlias: string
}

export interface ReconcileOutcome {
  readonly missing: number
  /** Targets asked for by this run. */
  readonly asked: readonly PullTarget[]
  /** Targets that are being asked for already. */
  readonly underWay: number
  /** Days that were asked for as often as they may be. */
  readonly givenUp: number
}
