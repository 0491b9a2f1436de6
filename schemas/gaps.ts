/** What should have come and what did, by feed and operating day: the facts it is judged by, and the judgement. */
import type { DayWindow } from './calendar-day.ts'
import type { PullFeed, PullTarget, RequestReason, RequestStatus, WindowBy } from './pull.ts'

/** A load that is in the lake. */
export interface LoadFact {
  readonly feed: 'usage' | 'customer'
  readonly notificationId: string | null
  readonly receivedAt: string
  /** Latest local day of its readings; null: it has none. */
  readonly lastDate: string | null
}

export interface NotificationFact {
  readonly notificationId: string
  readonly receivedAt: string
  readonly isFailed: boolean
  /** URLs that were to be fetched and did not get into the lake. */
  readonly lacking: number
}

export interface RequestFact {
  readonly feed: PullFeed
  readonly by: WindowBy | null
  readonly window: DayWindow | null
  readonly reason: RequestReason
  readonly status: RequestStatus
  readonly notificationId: string | null
  readonly askedAt: string
}

export interface GapFacts {
  /** When the first package of a notification came; null: none ever did. */
  readonly firstReceivedAt: string | null
  readonly loads: readonly LoadFact[]
  readonly notifications: readonly NotificationFact[]
  readonly requests: readonly RequestFact[]
}

export type DailyFeed = 'usage' | 'customer'

/** How one operating day of one daily feed stands. `expected`: not due yet; `late`: it came after it was due. */
export interface DayStatus {
  readonly feed: DailyFeed
  readonly day: string
  readonly status: 'expected' | 'received' | 'late' | 'empty' | 'missing'
  readonly dueAt: string
  readonly receivedAt: string | null
  /** How often the reconcile has asked for it. */
  readonly asked: number
  /** What comes next for a missing day. */
  readonly next: 'ask' | 'wait' | 'give_up' | null
}

export type PackageSeverity = 'ok' | 'warn' | 'page' | 'lost'

/** A notification whose packages are not all in the lake. */
export interface WaitingPackage {
  readonly notificationId: string
  readonly receivedAt: string
  readonly lacking: number
  readonly severity: PackageSeverity
}

export interface GapReport {
  readonly days: readonly DayStatus[]
  readonly packages: readonly WaitingPackage[]
  /** What a reconcile would ask for now. */
  readonly asks: readonly PullTarget[]
}
