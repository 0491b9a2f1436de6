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

export interface IngestResourceInput {
  readonly notificationId: string | null
  readonly resource: NotifiedResource
}

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
  | { readonly status: 'failed'; readonly code: ErrorCode | 'UNKNOWN'; readonly message: string }

export interface NotificationOutcome {
  readonly status: 'ingested' | 'empty' | 'sentinel' | 'refused' | 'malformed' | 'partial' | 'failed'
  readonly resources: readonly ResourceOutcome[]
}

/** Answer of the `progress` query of ingestNotification and ingestResource. */
export interface IngestProgress {
  readonly step: 'reading' | 'token' | 'downloading' | 'loading' | 'publishing' | 'done' | 'failed'
  readonly resources?: number
  readonly finished?: number
}

/** What `clientToken` answers: never the token itself. */
export interface TokenHandle {
  /** First 12 hex digits of the token's SHA-256. */
  readonly fingerprint: string
  readonly expiresAt: string
}

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
