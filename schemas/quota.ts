/** The custodian's limits as they are asked for and answered: between the activities that send requests and the apiQuota entity. */

/** What the vendor may send, as the ledger counts it. */
export interface QuotaLimits {
  /** Least distance of two requests of the vendor, over all its clients, where they arrive. */
  readonly spacingMs: number
  /**
   * How long a request may be on its way: it counts as arrived so long after it was sent, or when it is answered, whichever is first. 0: it arrives
   * at its moment, and nobody says so (demo, tests of other things).
   */
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
  /** Who asks again does so under the same id; the turn that is open is answered again. */
  readonly requestId: string
  /** The sender needs so long to get ready: no moment before. */
  readonly leadMs: number
  readonly limits: QuotaLimits
  /** The one that holds the sender's now. */
  readonly day: QuotaDay
}

/**
 * A turn, when to ask again (soon: the sender waits), or until when there is none (it gives up its slot meanwhile). `nowMs` is the
 * ledger's clock, and so are all others.
 */
export type AcquireAnswer = { readonly nowMs: number } & (
  | GrantedTurn
  | { readonly askAgainAtMs: number }
  | { readonly deniedUntilMs: number; readonly reason: DenialReason }
)

export interface GrantedTurn {
  /** Nothing is sent before. */
  readonly sendAtMs: number
  /** Nor after: the turn is over then. Null: whenever it is sent. */
  readonly latestMs: number | null
  /** The request before this is not answered yet: its answer may still be that everyone is to wait. */
  readonly isAfterUnanswered: boolean
}

export type DenialReason = 'day' | 'hour' | 'asked to wait' | 'too many wait'

/** Update `settle` of apiQuota: what became of a turn. */
export interface SettleInput {
  readonly requestId: string
  /** The request has arrived by then; null: nothing was sent, the turn is given back. */
  readonly arrivedByMs: number | null
  readonly isAnswered: boolean
  /** The custodian asked to wait until then (Retry-After), which counts for every client. */
  readonly waitUntilMs?: number
}

export interface QuotaLedger {
  /** When the last request had arrived for certain; 0: there was none. */
  readonly arrivedByMs: number
  readonly isAnswered: boolean
  /** The one turn that is given and not settled. */
  readonly open: OpenTurn | null
  /** Who was told to ask again, and when. */
  readonly waiting: readonly { readonly requestId: string; readonly askAtMs: number }[]
  readonly penalisedUntilMs: number
  readonly clients: Readonly<Record<string, ClientLedger>>
}

export interface OpenTurn {
  readonly requestId: string
  readonly client: string
  readonly kind: string
  readonly sendAtMs: number
  readonly latestMs: number
  readonly marginMs: number
  /** Starts of the days it was counted in. */
  readonly days: readonly number[]
}

export interface ClientLedger {
  /** Arrivals of the last hour, ascending; `hourMs` is how long that was when last asked. */
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
  /** Requests that were told to ask again. */
  readonly waiting: number
  /** 0: never. */
  readonly penalisedUntilMs: number
  readonly clients: Readonly<Record<string, { readonly hour: number; readonly days: readonly DayCount[] }>>
}
