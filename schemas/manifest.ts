/** The manifest: `lake/manifests/000000000042.json`, the only commit. What it does not name does not exist. */
import { z } from 'zod'

/** A file of the lake. `path` is relative to the lake's root (for `pii` files, to the pii root). */
export const fileRefSchema = z.object({
  path: z.string(),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  sha256: z.string(),
})

/** A current file: one local day, or a range of series of one day that has become large. */
export const currentFileSchema = fileRefSchema.extend({
  dt: z.iso.date(),
  /** Lowest and highest series_key it may hold, inclusive, as decimal text (63 bits). Ranges of one day are disjoint. */
  keyMin: z.string(),
  keyMax: z.string(),
  /** Latest published_at of any receipt of this day and range (ISO, microseconds); null: none carried one. */
  publishedMax: z.string().nullable(),
  /** Earliest commit that touched this day and range: history and receipts before it hold nothing of it. */
  sinceCommit: z.int().positive(),
})

/** A file of history or receipts: one a commit. */
export const versionFileSchema = fileRefSchema.extend({
  commit: z.int().positive(),
  dtMin: z.iso.date(),
  dtMax: z.iso.date(),
})

/** What was erased by order, and does not come back. */
export const tombstoneSchema = z.object({
  /** Id of the order. */
  order: z.string(),
  /** When it was given: what was received before goes. */
  at: z.string(),
  /** Keyed hash of a usage point or customer: says nothing without the secret under the pii root; null: retention, of all. */
  mark: z.string().nullable(),
  /** Of what comes later, what is dated before this moment goes; null: all of it. Of retention: readings and bills before it. */
  until: z.string().nullable(),
  /** Keyed hashes of usage points that retention leaves alone. */
  except: z.array(z.string()).default([]),
})

const personalFiles = z.array(fileRefSchema).default([])
/** Files of the tables of `tables-personal.ts`. */
const personalFilesSchema = z.object({
  customer: personalFiles,
  customer_account: personalFiles,
  customer_agreement: personalFiles,
  service_location: personalFiles,
  meter: personalFiles,
  demand_response_program: personalFiles,
  program_date_code: personalFiles,
  service_supplier: personalFiles,
})

export const manifestSchema = z.object({
  format: z.literal(1),
  /** The commit's number: 1, 2, 3 … without gaps. */
  n: z.int().positive(),
  /** When it was committed; later than its parent's by at least a microsecond. */
  knownAt: z.string(),
  meterlake: z.string(),
  timeZone: z.string(),
  /** load_ids this commit made known. */
  loads: z.array(z.string()),
  current: z.object({ files: z.array(currentFileSchema) }),
  /**
   * Corrections of past days. Of each interval the row with the latest overlay_commit takes the place of that of the day's file; none
   * does where it is withdrawn. `adds`: rows of current beyond those of `current.files`, less those withdrawn.
   */
  overlay: z.object({ files: z.array(versionFileSchema), adds: z.int().default(0) }),
  history: z.array(versionFileSchema),
  receipts: z.array(versionFileSchema),
  parked: z.array(fileRefSchema),
  /** Local days on which several ids of one series have a reading of the same start: there the views look which counts. */
  sharedDays: z.array(z.iso.date()).default([]),
  /** Tables that grow by one small file a commit and are folded into one file at a bound. */
  tables: z.object({
    usage_point: z.array(fileRefSchema),
    meter_reading: z.array(fileRefSchema),
    reading_type: z.array(fileRefSchema),
    tou_code: z.array(fileRefSchema),
    usage_summary: z.array(fileRefSchema),
    usage_summary_line: z.array(fileRefSchema),
    usage_point_agreement: z.array(fileRefSchema).default([]),
    usage_point_place: z.array(fileRefSchema).default([]),
    channel: z.array(fileRefSchema),
    confirmation: z.array(fileRefSchema).default([]),
    /** Absent in manifests of before series had aliases. */
    alias: z.array(fileRefSchema).default([]),
    series_pair: z.array(fileRefSchema).default([]),
    quarantine: z.array(fileRefSchema),
    drift: z.array(fileRefSchema),
    load: z.array(fileRefSchema),
    notification: z.array(fileRefSchema),
    /** Absent in lakes that were written before it was. */
    authorization: z.array(fileRefSchema).default([]),
    /** Absent in manifests of before ad hoc requests. */
    request: z.array(fileRefSchema).default([]),
    /** Absent in manifests of before rosters. */
    roster: z.array(fileRefSchema).default([]),
  }),
  /** The raw archive is named by content; these are the files loads of the lake refer to. */
  raw: z.array(fileRefSchema),
  /** Files under the pii root. */
  pii: z.object({
    raw: z.array(fileRefSchema),
    quarantine: z.array(fileRefSchema),
    tables: personalFilesSchema.prefault({}),
    /** Tells the secret of the opaque keys apart from another, without saying it; null: nothing was keyed yet. */
    keyCheck: z.string().nullable().default(null),
  }),
  tombstones: z.array(tombstoneSchema).default([]),
  /** Shortest and longest duration_s of any interval known: they bound how far a reading reaches over others. */
  minDurationS: z.int().positive().nullable(),
  maxDurationS: z.int().nonnegative(),
  totals: z.object({ readings: z.int().nonnegative(), versions: z.int().nonnegative() }),
})

export type FileRef = z.infer<typeof fileRefSchema>
export type CurrentFile = z.infer<typeof currentFileSchema>
export type VersionFile = z.infer<typeof versionFileSchema>
export type Manifest = z.infer<typeof manifestSchema>
export type Tombstone = z.infer<typeof tombstoneSchema>
export type GrowingTable = keyof Manifest['tables']
