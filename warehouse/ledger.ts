/** The ledger: which loads the lake knows, and the rows of a commit. */
import type { PublishedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { StagedLoadRecord, StagedNotification, StagedRequest } from '../schemas/stage.ts'
import { literal } from './columns.ts'
import { readFiles } from './commit-session.ts'
import { Database } from './database.ts'
import type { Cell } from './growing-table.ts'
import { readNewestManifest } from './manifest.ts'
import type { LoadCounts } from './merge-batch.ts'
import { openRoots } from './storage.ts'

/** Whether the lake has these bytes already, other than as a failed load, or as a customer feed of before its tables. */
export async function isKnownLoad(roots: LakeRoots, sha256: string): Promise<boolean> {
  const { lake } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest || manifest.tables.load.length === 0) return false
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: scratch.path })
  const rows = await db.rows(
    `SELECT 1 AS known FROM (${readFiles(lake, manifest.tables.load, '')})
     WHERE sha256 = ${literal(sha256)} AND status NOT IN ('failed', 'archived') LIMIT 1`,
  )
  return rows.length > 0
}

/** The ledger row of a load. `parked`: readings that wait for their parents. */
export function loadRow(
  load: StagedLoadRecord,
  counts: LoadCounts,
  parked: number,
  commit: number,
  knownAt: string,
): Record<string, Cell> {
  return {
    load_id: load.loadId,
    sha256: load.sha256,
    kind: load.kind,
    status: load.status,
    error_code: load.error?.code ?? null,
    error_message: load.error?.message ?? null,
    source: load.source,
    source_name: load.sourceName,
    notification_id: load.notificationId,
    correlation_id: load.correlationId,
    profile: load.profile,
    received_at: load.receivedAt,
    feed_updated_at: load.feedUpdatedAt,
    bytes: load.bytes,
    raw_path: load.raw.root === 'lake' ? load.raw.path : null,
    n_entries: load.counts.entries,
    n_usage_points: load.counts.usagePoints,
    n_blocks: load.counts.blocks,
    n_readings: load.counts.readings,
    n_new: counts.fresh,
    n_revised: counts.revised,
    n_unchanged: counts.unchanged,
    n_late: counts.late,
    n_superseded: counts.superseded,
    n_parked: parked,
    n_quarantined: load.counts.quarantined,
    n_drift: load.counts.drift,
    n_markup_runs: load.counts.markupRuns,
    slow_bytes: load.counts.slowBytes,
    local_date_min: load.localDateMin,
    local_date_max: load.localDateMax,
    parser: load.parser,
    load_s: load.loadS,
    commit_id: commit,
    known_at: knownAt,
  }
}

/** A load as the commit's caller is told of it. */
export const publishedLoad = (
  load: StagedLoadRecord,
  counts: LoadCounts,
  parked: number,
  commit: number,
): PublishedLoad => ({
  loadId: load.loadId,
  status: load.status,
  commit,
  readings: load.counts.readings,
  newReadings: counts.fresh,
  revised: counts.revised,
  unchanged: counts.unchanged,
  parked,
  quarantined: load.counts.quarantined,
})

/** The row of ops.notification. */
export const notificationRow = (stage: StagedNotification, commit: number): Record<string, Cell> => ({
  notification_id: stage.notificationId,
  received_at: stage.receivedAt,
  status: stage.status,
  n_resources: stage.resources,
  n_refused: stage.refused,
  n_loaded: stage.loaded,
  message: stage.message,
  commit_id: commit,
})

/** A row of the table behind ops.request. */
export const requestRow = (stage: StagedRequest, commit: number): Record<string, Cell> => ({
  request_id: stage.requestId,
  reason: stage.reason,
  feed: stage.feed,
  window_by: stage.by,
  date_from: stage.window?.from ?? null,
  date_to: stage.window?.to ?? null,
  ask: stage.ask,
  asked_at: stage.askedAt,
  changed_at: stage.changedAt,
  status: stage.status,
  transaction: stage.transaction,
  notification_id: stage.notificationId,
  n_resources: stage.resources,
  n_loaded: stage.loaded,
  error_code: stage.errorCode,
  message: stage.message,
  commit_id: commit,
})
