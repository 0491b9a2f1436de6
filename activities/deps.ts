/** What activities need from outside; `bin/` wires it, tests replace parts of it. */
import type { Custodian } from '../custodian/custodian.ts'
import type { DownloadedFeed } from '../custodian/download.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { GapFacts } from '../schemas/gaps.ts'
import type { LakeJob, LakeJobMessage, LakeJobResult, LakeRoots } from '../schemas/load-process.ts'
import type { NotificationRecord, PublishedLoad, RawFeed } from '../schemas/ingest.ts'
import type { RequestRecord } from '../schemas/pull.ts'
import type { AuthorizationRow } from '../schemas/stage.ts'
import type { Profile } from '../schemas/profile.ts'

export type LakeJobProgress = Extract<LakeJobMessage, { type: 'progress' }>

/** Runs one job in a child process (bin/run-lake-job.ts). Rejects with the MeterlakeError of the child, LOAD_CRASHED, LOAD_CANCELLED. */
export type RunLakeJob = <Job extends LakeJob>(
  job: Job,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: LakeJobProgress) => void },
) => Promise<Extract<LakeJobResult, { kind: Job['kind'] }>>

/** Where archived bytes came from. */
export interface RawOrigin {
  /** Path of the resource, without its query. */
  readonly sourceName: string
  readonly correlationId: string | null
  /** Whether the request itself says that customers' names are in it. */
  readonly isCustomer: boolean
}

/** The part of the warehouse that is not worth a child process: files moved and small tables read. */
export interface LakeAccess {
  /** Puts a downloaded file into the raw archive of the root it belongs to; a no-op where the archive has it. */
  archive(feed: DownloadedFeed, origin: RawOrigin, signal: AbortSignal): Promise<RawFeed>
  /** What the ledger says of these loads; those it does not know are absent. */
  published(loadIds: readonly string[]): Promise<ReadonlyMap<string, PublishedLoad>>
  /** Stages a row of ops.notification for the next commit. */
  stageNotification(record: NotificationRecord): Promise<void>
  /** Stages Authorizations as they were told at one moment (RFC 3339); the next commit keeps what has changed. */
  stageAuthorizations(observedAt: string, rows: readonly AuthorizationRow[]): Promise<void>
  /** Stages a row of ops.request for the next commit. */
  stageRequest(record: RequestRecord): Promise<void>
  /** Local days of the readings of loads, by load id; loads without readings are absent. */
  loadDays(loadIds: readonly string[]): Promise<ReadonlyMap<string, DayWindow>>
  /** Windows that backfills have settled. */
  settledWindows(): Promise<readonly DayWindow[]>
  /** What the ledger says since an instant (RFC 3339). */
  gapFacts(since: string): Promise<GapFacts>
}

export interface Deps {
  /** Names the client in ids of workflows: never the client id. */
  readonly clientAlias: string
  readonly profile: Profile
  readonly custodian: Pick<Custodian, 'authorizations' | 'currentToken' | 'download' | 'refreshToken' | 'requestBulk'>
  /** Folder of downloads under way, mode 0700. */
  readonly incomingDir: string
  readonly roots: LakeRoots
  readonly lake: LakeAccess
  readonly runLakeJob: RunLakeJob
}
