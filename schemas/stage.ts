/**
 * `lake/staging/<id>/stage.json`: what one load, one notification, one request or one roster brings to the next commit. It is written last and created
 * exclusively, so a staging folder without it is an attempt that never finished. It names its files: they lie in a folder
 * of the attempt (`staging/<id>/<attempt>/readings.parquet`), those with personal data under the pii root.
 */
import { z } from 'zod'
import { type ErrorCode, errorCodes } from './errors.ts'
import { requestStatuses } from './pull.ts'

const errorCodeSchema = z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]])
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** A staged Parquet file in the layout of `staging.ts`. `path` is relative to `root`. */
export const stagedFileSchema = z.object({
  root: z.enum(['lake', 'pii']),
  path: z.string(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
})

/** Names of `stagingTables`; listed again so that reading a stage.json needs no Arrow. A test keeps both lists equal. */
export const stagedTableNames = [
  'readings',
  'block',
  'block_run',
  'reading_codes',
  'usage_point',
  'meter_reading',
  'reading_type',
  'tou_code',
  'usage_summary',
  'usage_summary_line',
  'usage_point_agreement',
  'usage_point_place',
  'customer',
  'customer_account',
  'customer_agreement',
  'service_location',
  'meter',
  'demand_response_program',
  'program_date_code',
  'service_supplier',
  'quarantine',
  'drift',
  'roster',
] as const

const count = z.int().nonnegative()

/** Everything the ledger row of table `load` needs before its commit. */
export const stagedLoadSchema = z.object({
  stage: z.literal('load'),
  format: z.literal(1),
  loadId: z.string().regex(/^[0-9a-f]{16}$/),
  sha256,
  /** As in the ledger: `quarantined` has entries left out; `archived` was a customer feed before its tables came; `failed` has no files. */
  status: z.enum(['loaded', 'quarantined', 'archived', 'failed']),
  error: z.object({ code: errorCodeSchema, message: z.string() }).nullable(),
  kind: z.enum(['usage', 'customer']),
  source: z.enum(['file', 'notification']),
  sourceName: z.string(),
  notificationId: z.string().nullable(),
  correlationId: z.string().nullable(),
  profile: z.string(),
  timeZone: z.string(),
  receivedAt: z.string(),
  feedUpdatedAt: z.string().nullable(),
  /** Size as received. */
  bytes: count,
  /** The archived file, relative to its root; `bytes` is its compressed size. */
  raw: z.object({ root: z.enum(['lake', 'pii']), path: z.string(), bytes: count }),
  counts: z.object({
    entries: count,
    entriesByKind: z.record(z.string(), count),
    usagePoints: count,
    blocks: count,
    readings: count,
    quarantined: count,
    /** Kinds of unknown elements, attributes and codes: rows of `drift`. */
    drift: count,
    /** Pieces of markup the reader learned, and bytes that went through the XML parser. Absent: staged before they were counted. */
    markupRuns: count.default(0),
    slowBytes: count.default(0),
  }),
  /** Earliest and latest local day of the readings; null: no readings. */
  localDateMin: z.iso.date().nullable(),
  localDateMax: z.iso.date().nullable(),
  /** Version of the reader. */
  parser: z.string(),
  /** Time of reading and staging. */
  loadS: z.number().nonnegative(),
  /** Tables with rows, by name. */
  files: z.partialRecord(z.enum(stagedTableNames), stagedFileSchema),
})

/** A row of `ops.notification`. Its folder is `staging/notification-<first 16 of the id>-<received, ms>`. */
export const stagedNotificationSchema = z.object({
  stage: z.literal('notification'),
  format: z.literal(1),
  notificationId: sha256,
  receivedAt: z.string(),
  status: z.enum(['ingested', 'duplicate', 'empty', 'sentinel', 'refused', 'malformed', 'partial', 'failed']),
  resources: count,
  refused: count,
  loaded: count,
  message: z.string().nullable(),
})

const instant = z.string().nullable()

/** An Authorization as the custodian told it: no tokens, no secrets. Instants RFC 3339. */
export const authorizationRowSchema = z.object({
  authorizationId: z.string(),
  /** The custodian has it no more; what else is known of it is what was told before. */
  gone: z.boolean(),
  status: z.int().nullable(),
  authorizedStartAt: instant,
  authorizedEndAt: instant,
  publishedStartAt: instant,
  publishedEndAt: instant,
  expiresAt: instant,
  scope: z.string().nullable(),
  /** Path of what it opens. */
  resource: z.string().nullable(),
  customerResource: z.string().nullable(),
  publishedAt: instant,
  updatedAt: instant,
})

/** Authorizations as they were at one moment. Its folder is `staging/authorization-<ms>-<first 16 of the SHA-256 of its rows>`. */
export const stagedAuthorizationsSchema = z.object({
  stage: z.literal('authorization'),
  format: z.literal(1),
  observedAt: z.string(),
  rows: z.array(authorizationRowSchema),
})

/** A row of `ops.request`. Its folder is `staging/request-<request id>-<ordinal of the status>`. */
export const stagedRequestSchema = z.object({
  stage: z.literal('request'),
  format: z.literal(1),
  requestId: z.uuid(),
  reason: z.enum(['pull', 'backfill', 'reconcile']),
  feed: z.enum(['usage', 'customer', 'program']),
  by: z.enum(['published', 'updated']).nullable(),
  window: z.object({ from: z.iso.date(), to: z.iso.date() }).nullable(),
  ask: z.int().positive(),
  askedAt: z.string(),
  changedAt: z.string(),
  status: z.enum(requestStatuses),
  transaction: z.string().nullable(),
  notificationId: z.string().nullable(),
  resources: count,
  loaded: count,
  errorCode: z.string().nullable(),
  message: z.string().nullable(),
})

/** A roster file. Its folder is `staging/roster-<as of>-<roster id>`. */
export const stagedRosterSchema = z.object({
  stage: z.literal('roster'),
  format: z.literal(1),
  rosterId: z.string().regex(/^[0-9a-f]{16}$/),
  asOf: z.iso.date(),
  /** Of two files for one day the later staged counts. */
  stagedAt: z.string(),
  file: stagedFileSchema,
})

const seriesKey = z.string().regex(/^\d{1,19}$/)

/** What an operator decided of two series of a usage point. Its folder is `staging/alias-<ms>-<key>-<key>`. */
export const stagedAliasSchema = z.object({
  stage: z.literal('alias'),
  format: z.literal(1),
  decidedAt: z.iso.datetime(),
  /** The smaller of the two keys, decimal. */
  seriesKey,
  otherSeriesKey: seriesKey,
  usagePointId: z.string(),
  /** null: as the rule says. */
  decided: z.enum(['one', 'two']).nullable(),
})

export const stageSchema = z.discriminatedUnion('stage', [
  stagedLoadSchema,
  stagedNotificationSchema,
  stagedAuthorizationsSchema,
  stagedRequestSchema,
  stagedRosterSchema,
  stagedAliasSchema,
])

export type StagedLoadRecord = z.infer<typeof stagedLoadSchema>
export type StagedNotification = z.infer<typeof stagedNotificationSchema>
export type AuthorizationRow = Readonly<z.infer<typeof authorizationRowSchema>>
export type StagedAuthorizations = z.infer<typeof stagedAuthorizationsSchema>
export type StagedRequest = z.infer<typeof stagedRequestSchema>
export type StagedRoster = z.infer<typeof stagedRosterSchema>
export type StagedAlias = z.infer<typeof stagedAliasSchema>
export type Stage = z.infer<typeof stageSchema>
