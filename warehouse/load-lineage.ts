/** How bytes came: the load, and the notifications and requests behind it, from the ledger. */
import type { Manifest } from '../schemas/manifest.ts'
import { literal } from './columns.ts'
import { readTable } from './commit-session.ts'
import type { Database, Row } from './database.ts'
import { instantOf, integerOf, textOf, textOrNull } from './row-values.ts'
import type { Storage } from './storage.ts'

export interface NotificationLineage {
  readonly receivedAt: string
  readonly status: string
}

export interface RequestLineage {
  readonly requestId: string
  readonly reason: string
  /** `2026-03-01 to 2026-03-07, published`; null: it asked for a snapshot. */
  readonly window: string | null
  readonly askedAt: string
  readonly status: string
}

export interface LoadLineage {
  readonly loadId: string
  readonly sha256: string
  readonly status: string
  readonly parser: string
  readonly profile: string
  readonly source: string
  readonly sourceName: string
  readonly receivedAt: string
  readonly correlationId: string | null
  readonly notificationId: string | null
  readonly commitId: number
  readonly notifications: readonly NotificationLineage[]
  readonly requests: readonly RequestLineage[]
}

const of = (rows: readonly Row[], notificationId: string | null) =>
  rows.filter((row) => row['notification_id'] === notificationId)

/** The loads of these ids, other than failed ones, by id. */
export async function readLineage(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  loadIds: readonly string[],
): Promise<ReadonlyMap<string, LoadLineage>> {
  if (loadIds.length === 0) return new Map()
  const from = (table: 'load' | 'notification' | 'request') => `(${readTable(lake, manifest, table)})`
  const loads = await db.rows(
    `SELECT * FROM ${from('load')} WHERE status <> 'failed' AND load_id IN (${loadIds.map(literal).join(', ')}) ORDER BY commit_id`,
  )
  const ids = loads.flatMap((row) => textOrNull(row, 'notification_id') ?? [])
  const named = ids.length === 0 ? `''` : ids.map(literal).join(', ')
  const notifications = await db.rows(
    `SELECT notification_id, received_at, status FROM ${from('notification')} WHERE notification_id IN (${named}) ORDER BY received_at`,
  )
  const requests = await db.rows(
    `SELECT request_id, reason, window_by, date_from::VARCHAR AS date_from, date_to::VARCHAR AS date_to, asked_at, status, notification_id
     FROM ${from('request')} WHERE notification_id IN (${named})
     QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY changed_at DESC, commit_id DESC) = 1 ORDER BY asked_at`,
  )
  return new Map(
    loads.map((row) => {
      const notificationId = textOrNull(row, 'notification_id')
      const lineage: LoadLineage = {
        loadId: textOf(row, 'load_id'),
        sha256: textOf(row, 'sha256'),
        status: textOf(row, 'status'),
        parser: textOf(row, 'parser'),
        profile: textOf(row, 'profile'),
        source: textOf(row, 'source'),
        sourceName: textOf(row, 'source_name'),
        receivedAt: instantOf(row, 'received_at') ?? '',
        correlationId: textOrNull(row, 'correlation_id'),
        notificationId,
        commitId: integerOf(row, 'commit_id'),
        notifications: of(notifications, notificationId).map((found) => ({
          receivedAt: instantOf(found, 'received_at') ?? '',
          status: textOf(found, 'status'),
        })),
        requests: of(requests, notificationId).map((found) => {
          const window = textOrNull(found, 'date_from')
          return {
            requestId: textOf(found, 'request_id'),
            reason: textOf(found, 'reason'),
            window: window === null ? null : `${window} to ${textOf(found, 'date_to')}, ${textOf(found, 'window_by')}`,
            askedAt: instantOf(found, 'asked_at') ?? '',
            status: textOf(found, 'status'),
          }
        }),
      }
      return [lineage.loadId, lineage]
    }),
  )
}
