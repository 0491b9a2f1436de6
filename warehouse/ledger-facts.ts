/** What the ledger says of the last days: loads, notifications and requests, as the reconcile needs them. */
import type { GapFacts, LoadFact, NotificationFact, RequestFact } from '../schemas/gaps.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { literal } from './columns.ts'
import { readTable } from './commit-session.ts'
import { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { openRoots } from './storage.ts'

type Row = Awaited<ReturnType<Database['rows']>>[number]

const text = (row: Row, name: string): string | null => {
  const value = row[name]
  return typeof value === 'string' ? value : null
}
const instant = (row: Row, name: string): string => new Date(Number(row[name])).toISOString()

type LedgerTable = 'load' | 'notification' | 'request'

/** Runs queries on ledger tables of the newest manifest; undefined for a lake without commits. */
async function onLedger<T>(
  roots: LakeRoots,
  read: (db: Database, from: (table: LedgerTable) => string) => Promise<T>,
): Promise<T | undefined> {
  const { lake } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest) return undefined
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: scratch.path })
  const from = (table: LedgerTable) => `(${readTable(lake, manifest, table)})`
  return await read(db, from)
}

const latestRequests = (from: string): string =>
  `SELECT * FROM ${from} QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY changed_at DESC, commit_id DESC) = 1`

/** Notifications, and how many of their packages are to be fetched and not in the lake. What came late has its load; their row stays as it was. */
const lackingOf = (from: (table: LedgerTable) => string): string =>
  `SELECT notification_id, received_at, status IN ('failed', 'partial') AS is_failed, n_resources - n_refused - greatest(n_loaded,
    (SELECT count(*) FROM ${from('load')} l WHERE l.notification_id = n.notification_id AND l.status <> 'failed')) AS n_lacking
  FROM ${from('notification')} n`

/** Facts since an instant (RFC 3339), and when the first load ever came. Nothing for a lake without commits. */
export async function readGapFacts(roots: LakeRoots, since: string): Promise<GapFacts> {
  const facts = await onLedger(roots, async (db, from): Promise<GapFacts> => {
    const instantSince = `TIMESTAMPTZ ${literal(since)}`
    const loads =
      await db.rows(`SELECT kind, notification_id, epoch_ms(received_at) AS received_ms, local_date_max::VARCHAR AS last_date
      FROM ${from('load')} WHERE status <> 'failed' AND received_at >= ${instantSince} ORDER BY received_at`)
    const notifications =
      await db.rows(`SELECT notification_id, epoch_ms(received_at) AS received_ms, is_failed, n_lacking
      FROM (${lackingOf(from)}) WHERE received_at >= ${instantSince} ORDER BY received_at`)
    const requests =
      await db.rows(`SELECT feed, window_by, date_from::VARCHAR AS date_from, date_to::VARCHAR AS date_to, reason, status,
      notification_id, epoch_ms(asked_at) AS asked_ms FROM (${latestRequests(from('request'))}) WHERE asked_at >= ${instantSince} ORDER BY asked_at`)
    const [first] = await db.rows(`SELECT epoch_ms(min(received_at)) AS received_ms FROM ${from('load')}
      WHERE status <> 'failed' AND source = 'notification'`)
    const firstMs = first?.['received_ms']
    return {
      firstReceivedAt: firstMs === null || firstMs === undefined ? null : new Date(Number(firstMs)).toISOString(),
      loads: loads.map((row): LoadFact => ({
        feed: row['kind'] === 'customer' ? 'customer' : 'usage',
        notificationId: text(row, 'notification_id'),
        receivedAt: instant(row, 'received_ms'),
        lastDate: text(row, 'last_date'),
      })),
      notifications: notifications.map((row): NotificationFact => ({
        notificationId: text(row, 'notification_id') ?? '',
        receivedAt: instant(row, 'received_ms'),
        isFailed: row['is_failed'] === true,
        lacking: Number(row['n_lacking']),
      })),
      requests: requests.map((row): RequestFact => ({
        feed: row['feed'] as RequestFact['feed'],
        by: row['window_by'] as RequestFact['by'],
        window: windowOf(row),
        reason: row['reason'] as RequestFact['reason'],
        status: row['status'] as RequestFact['status'],
        notificationId: text(row, 'notification_id'),
        askedAt: instant(row, 'asked_ms'),
      })),
    }
  })
  return facts ?? { firstReceivedAt: null, loads: [], notifications: [], requests: [] }
}

/** Windows that backfills have settled: answered with all files in the lake, or known to hold nothing. */
export async function readSettledWindows(roots: LakeRoots): Promise<readonly DayWindow[]> {
  const windows = await onLedger(roots, async (db, from) => {
    const rows = await db.rows(`SELECT DISTINCT date_from::VARCHAR AS date_from, date_to::VARCHAR AS date_to
      FROM (${latestRequests(from('request'))})
      WHERE reason = 'backfill' AND feed = 'usage' AND status IN ('answered', 'no_data') AND (notification_id IS NULL
        OR notification_id NOT IN (SELECT notification_id FROM (${lackingOf(from)}) WHERE is_failed AND n_lacking > 0))`)
    return rows.map(windowOf).filter((window) => window !== null)
  })
  return windows ?? []
}

/** Local days of the readings of loads, by load id. Loads without readings are absent. */
export async function readLoadDays(
  roots: LakeRoots,
  loadIds: readonly string[],
): Promise<ReadonlyMap<string, DayWindow>> {
  if (loadIds.length === 0) return new Map()
  const days = await onLedger(roots, async (db, from) => {
    const rows = await db.rows(`SELECT load_id, local_date_min::VARCHAR AS date_from, local_date_max::VARCHAR AS date_to
      FROM ${from('load')} WHERE status <> 'failed' AND load_id IN (${loadIds.map(literal).join(', ')})`)
    return rows.map((row) => [row['load_id'] as string, windowOf(row)] as const)
  })
  return new Map((days ?? []).filter((entry): entry is readonly [string, DayWindow] => entry[1] !== null))
}

function windowOf(row: Row): DayWindow | null {
  const [from, to] = [text(row, 'date_from'), text(row, 'date_to')]
  return from === null || to === null ? null : { from, to }
}
