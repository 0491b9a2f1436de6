/**
 * What workflows, activities and processes hand to each other. References only (paths, hashes, counts): never rows, tokens or
 * names of customers. Workflow names, ids and queries here are a public contract.
 */
import { z } from 'zod'
import type { ErrorCode } from './errors.ts'

/** A notification as the webhook spooled it; the body stays in the spool. */
export const receivedNotificationSchema = z.object({
  /** SHA-256 (hex) of the list of URLs, one a line, in order; of the raw bytes where there is no list. */
  notificationId: z.string().regex(/^[0-9a-f]{64}$/),
  receivedAt: z.string(),
  spoolPath: z.string(),
})
export type ReceivedNotification = z.infer<typeof receivedNotificationSchema>

/** One URL of a notification that may be fetched. `url` is verbatim and is a business secret: it is kept out of logs. */
export interface NotifiedResource {
  readonly url: string
  readonly correlationId: string | null
  readonly feed: 'usage' | 'customer' | 'program' | 'authorization'
}

export interface NotificationPlan {
  readonly status: 'ingest' | 'empty' | 'sentinel' | 'refused' | 'malformed'
  readonly resources: readonly NotifiedResource[]
  readonly refused: number
  readonly message: string | null
}

/** A resource with the hash that names its workflow (workflow code cannot hash). */
export interface PlannedResource extends NotifiedResource {
  /** SHA-256 (hex) of `url`. */
  readonly urlSha256: string
}

/** One page of a notification's work: its plan, with `resources` from `offset` on. */
export interface NotificationPage extends Omit<NotificationPlan, 'resources'> {
  readonly resources: readonly PlannedResource[]
  readonly offset: number
  /** Resources of the whole notification. */
  readonly total: number
  /** Until when the custodian keeps its packages (RFC 3339). */
  readonly deadlineAt: string
}

/** What is done with one spooled notification; `resume` is set by its own continue-as-new only. */
export interface IngestNotificationInput {
  readonly received: ReceivedNotification
  readonly resume?: {
    readonly offset: number
    readonly outcomes: readonly ResourceOutcome[]
    readonly feeds?: readonly NotifiedResource['feed'][]
  }
}

export interface IngestResourceInput {
  readonly notificationId: string | null
  readonly resource: PlannedResource
  readonly deadlineAt: string
  /** From 1: an operator had the bytes asked for anew, because those that came were no feed. */
  readonly retry?: number
  /** When its notification came (RFC 3339); absent in runs begun before it was handed on. */
  readonly receivedAt?: string
  /** It is being prepared (202): it is asked for again until it is there. */
  readonly untilReady?: true
}

/** A package that failed and waits for an operator, or (NOT_READY) is still being prepared: its notification goes on without it. */
export interface ParkedResource {
  readonly urlSha256: string
  readonly code: ErrorCode | 'UNKNOWN'
  readonly message: string
}

/** What one request for a resource brought. `not_ready` is a 202. */
export type DownloadOutcome =
  | { readonly status: 'downloaded'; readonly raw: RawFeed }
  | { readonly status: 'no_data' }
  | { readonly status: 'not_ready' }

/** The bytes of one resource as they rest in the archive. */
export interface RawFeed {
  readonly sha256: string
  readonly bytes: number
  /** Path of the archived file, absolute. */
  readonly path: string
  /** `pii` where the bytes hold customers' names. */
  readonly root: 'lake' | 'pii'
  readonly kind: 'usage' | 'customer'
  readonly receivedAt: string
}

export interface LoadRequest {
  readonly raw: RawFeed
  readonly source: 'file' | 'notification'
  readonly sourceName: string
  readonly notificationId: string | null
  readonly correlationId: string | null
}

/** Which loads a publish is asked for; none: whatever is staged. */
export interface PublishRequest {
  readonly loadIds: readonly string[]
}

/** What a load left in staging, or why it left nothing. */
export interface StagedLoad {
  readonly loadId: string
  readonly sha256: string
  /** `known`: the same bytes are in the ledger already; nothing was staged. */
  readonly outcome: 'staged' | 'known'
  readonly readings: number
  readonly quarantined: number
}

/** A load as its commit made it known. */
export interface PublishedLoad {
  readonly loadId: string
  readonly status: 'loaded' | 'quarantined' | 'archived' | 'failed'
  readonly commit: number
  readonly readings: number
  readonly newReadings: number
  readonly revised: number
  readonly unchanged: number
  readonly parked: number
  readonly quarantined: number
}

export type ResourceOutcome =
  | {
      readonly status: 'loaded' | 'quarantined' | 'archived' | 'known'
      readonly sha256: string
      readonly bytes: number
      readonly load: PublishedLoad | null
    }
  | { readonly status: 'no_data' }
  /** `waits`: its run goes on and asks until it is there. Else the request itself is what the custodian prepares: it notifies again. */
  | { readonly status: 'not_ready'; readonly waits?: true }
  /** An Authorization changed: what changed is in `core.authorization`, its secrets nowhere. */
  | { readonly status: 'noted'; readonly authorizations?: number; readonly entitled?: boolean }
  /** `parked`: its run waits for an operator (`retryNow`, `abandon`). */
  | {
      readonly status: 'failed'
      readonly code: ErrorCode | 'UNKNOWN'
      readonly message: string
      readonly parked?: true
    }

export interface NotificationOutcome {
  readonly status: 'ingested' | 'empty' | 'sentinel' | 'refused' | 'malformed' | 'partial' | 'failed'
  readonly resources: readonly ResourceOutcome[]
}

/** One file of a notification as it is told to those who wait for an answer. */
export interface AnnouncedFile {
  readonly feed: NotifiedResource['feed']
  readonly status: ResourceOutcome['status']
  readonly sha256: string | null
}

/** Answer of the `progress` query of ingestNotification and ingestResource. */
export interface IngestProgress {
  readonly step:
    | 'reading'
    | 'token'
    | 'downloading'
    | 'waiting'
    | 'loading'
    | 'publishing'
    | 'parked'
    | 'done'
    | 'failed'
  /** While parked: the error that parked it. */
  readonly code?: ErrorCode | 'UNKNOWN'
  readonly resources?: number
  readonly finished?: number
}

/** What `clientToken` answers: never the token itself. */
export interface TokenHandle {
  /** First 12 hex digits of the token's SHA-256. */
  readonly fingerprint: string
  readonly expiresAt: string
  /** From when on it is renewed ahead of its end, if anyone asks for it; histories of earlier releases lack it. */
  readonly renewAt?: string
}

/** `staleFingerprint`: a token the custodian refused; it is not answered again. */
export interface EnsureFreshInput {
  readonly staleFingerprint?: string | null
}

/** Input of the clientToken entity; `handle` is what its earlier run knew. */
export interface ClientTokenInput {
  readonly clientAlias: string
  readonly handle: TokenHandle | null
}

/** A row for ops.notification. */
export interface NotificationRecord {
  readonly notificationId: string
  readonly receivedAt: string
  readonly status: NotificationOutcome['status']
  readonly resources: number
  readonly refused: number
  readonly loaded: number
  readonly message: string | null
}
