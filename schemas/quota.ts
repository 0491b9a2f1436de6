/** The custodian's limits as they are asked for and answered: between the activities that send requests and the apiQuota entity. */

/** What the vendor may send, as the ledger counts it. */
export interface QuotaLimits {
  /** Least distance of two requests of the vendor, over all its clients, where they arrive. */
  readonly spacingMs: number
  /** Kept beside each limit for what lies between the sender's clock and the arrival. */
  readonly marginMs: number
  /** Requests of a client in any window of `hourMs`. */
  readonly perHour: number
  readonly hourMs: number
  /** Requests of a client in a day of the custodian's. */
  readonly perDay: number
}

/** A day of the custodian's (PG&E: from 17:00 Pacific), Unix ms; the end is the start of the next. */
export interface QuotaDay {
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/** Update `acquire` of apiQuota. Limits and day come with each question: a changed configuration counts at once. */
export interface AcquireInput {
  /** Names the client: never the client id. */
  readonly client: string
  /** What the request is for: `token`, `package`, …; counted apart. */
  readonly kind: string
  /** The same id gets the same answer, until half a minute after its moment. */
  readonly requestId: string
  /** The sender needs so long to get ready: no moment before. */
  readonly leadMs: number
  readonly limits: QuotaLimits
  /** The one that holds the sender's now. */
  readonly day: QuotaDay
}

/** A moment that belongs to this request alone, or from when on asking again may help. `nowMs` is the ledger's clock. */
export type AcquireAnswer =
  | { readonly nowMs: number; readonly waitMs: number; readonly sendAtMs: number }
  | { readonly nowMs: number; readonly deniedUntilMs: number; readonly reason: DenialReason }

export type DenialReason = 'day' | 'hour' | 'asked to wait' | 'too many wait'

/** Update `penalise` of apiQuota: the custodian asked to wait (Retry-After), which counts for every client. */
export interface PenaliseInput {
  readonly untilMs: number
}

export interface QuotaLedger {
  /** Moments given away, of all clients, ascending; those that may still matter. */
  readonly slots: readonly number[]
  readonly penalisedUntilMs: number
  readonly clients: Readonly<Record<string, ClientLedger>>
  /** Moment by requestId, of late. */
  readonly granted: Readonly<Record<string, number>>
}

interface ClientLedger {
  /** Moments of the last hour, ascending; `hourMs` is how long that was when last asked. */
  readonly hour: readonly number[]
  readonly hourMs: number
  /** Ascending: the current day, its neighbours. */
  readonly days: readonly DayCount[]
}

export interface DayCount {
  readonly startsAtMs: number
  readonly requests: number
  readonly byKind: Readonly<Record<string, number>>
}

/** Input of the apiQuota entity; `ledger` is what its earlier run knew. */
export interface ApiQuotaInput {
  readonly vendor: string
  readonly ledger?: QuotaLedger
}

/** Answer of the `usage` query of apiQuota. */
export interface QuotaUsage {
  /** Moments given away that have not come yet. */
  readonly waiting: number
  /** 0: never. */
  readonly penalisedUntilMs: number
  readonly clients: Readonly<Record<string, { readonly hour: number; readonly days: readonly DayCount[] }>>
}
