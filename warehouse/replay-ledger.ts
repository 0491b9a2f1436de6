/** The commits of a lake as its ledger tells them: what each brought, as it would be staged again. */
import { DataType } from 'apache-arrow'
import type { NotificationRecord } from '../schemas/ingest.ts'
import type { Manifest } from '../schemas/manifest.ts'
import type { RequestRecord } from '../schemas/pull.ts'
import type { AuthorizationRow, StagedAlias } from '../schemas/stage.ts'
import { tables } from '../schemas/tables.ts'
import { readTable } from './commit-session.ts'
import type { Database, Row } from './database.ts'
import { readManifest } from './manifest.ts'
import type { ReplayCommit, ReplayLoad } from './replay-commit.ts'
import { instantOf, integerOf, numberOrNull, textOf, textOrNull } from './row-values.ts'
import type { Storage } from './storage.ts'

type LedgerTable = 'load' | 'notification' | 'request' | 'authorization' | 'roster'

/** All commits up to the manifest's, also those that brought nothing. */
export async function readLedgerCommits(db: Database, lake: Storage, manifest: Manifest): Promise<ReplayCommit[]> {
  const rowsByCommit = async (table: LedgerTable): Promise<ReadonlyMap<number, Row[]>> => {
    const dates = tables[table].fields.filter(({ type }) => DataType.isDate(type))
    const asText = dates.map(({ name }) => `${name}::VARCHAR AS ${name}`).join(', ')
    const rows = await db.rows(
      `SELECT * ${asText === '' ? '' : `REPLACE (${asText})`} FROM (${readTable(lake, manifest, table)}) ORDER BY ALL`,
    )
    return Map.groupBy(rows, (row) => integerOf(row, 'commit_id'))
  }
  const loads = await rowsByCommit('load')
  const notifications = await rowsByCommit('notification')
  const requests = await rowsByCommit('request')
  const authorizations = await rowsByCommit('authorization')
  const rosters = await rowsByCommit('roster')
  const decisions = await decisionsByCommit(db, lake, manifest)
  const personal = new Set(manifest.pii.raw.map(({ sha256 }) => sha256))
  const commits: ReplayCommit[] = []
  const moments = await knownMoments(db, lake, manifest)
  for (let n = 1; n <= manifest.n; n += 1) {
    const told = Map.groupBy(authorizations.get(n) ?? [], (row) => instantOf(row, 'observed_at') ?? '')
    commits.push({
      n,
      knownAt: moments.get(n) ?? (await readManifest(lake, n).catch(() => undefined))?.knownAt ?? null,
      loads: (loads.get(n) ?? []).map((row) => loadOf(row, personal)),
      notifications: (notifications.get(n) ?? []).map(notificationOf),
      requests: (requests.get(n) ?? []).map(requestOf),
      authorizations: [...told].map(([observedAt, rows]) => ({ observedAt, rows: rows.map(authorizationOf) })),
      rosters: rostersOf(rosters.get(n) ?? []),
      aliases: decisions.get(n) ?? [],
    })
  }
  return commits
}

/** When each commit became known, as far as its rows tell: manifests that were replaced are not kept for ever. */
async function knownMoments(db: Database, lake: Storage, manifest: Manifest): Promise<Map<number, string>> {
  const told = (['load', 'roster', 'alias', 'series_pair'] as const).map(
    (table) => `SELECT commit_id, known_at FROM (${readTable(lake, manifest, table)})`,
  )
  const rows = await db.rows(`SELECT DISTINCT commit_id, known_at FROM (${told.join(' UNION ALL ')})`)
  return new Map(rows.map((row) => [integerOf(row, 'commit_id'), instantOf(row, 'known_at') ?? '']))
}

/** Each roster once, whatever its rows. */
const rostersOf = (rows: readonly Row[]): ReplayCommit['rosters'] => [
  ...new Map(
    rows.map((row) => {
      const roster = { asOf: textOf(row, 'as_of_date'), rosterId: textOf(row, 'roster_id') }
      return [`${roster.asOf} ${roster.rosterId}`, roster] as const
    }),
  ).values(),
]

/** What operators decided, by the commit that first told it: later versions of a pair repeat it. */
async function decisionsByCommit(
  db: Database,
  lake: Storage,
  manifest: Manifest,
): Promise<ReadonlyMap<number, StagedAlias[]>> {
  const rows = await db.rows(
    `SELECT min(commit_id) AS commit_id, series_key::VARCHAR AS series_key, other_series_key::VARCHAR AS other_series_key,
       min(usage_point_id) AS usage_point_id, decided, decided_at
     FROM (${readTable(lake, manifest, 'series_pair')})
     WHERE decided_at IS NOT NULL GROUP BY series_key, other_series_key, decided, decided_at ORDER BY decided_at`,
  )
  const decided = rows.map((row) => [integerOf(row, 'commit_id'), aliasOf(row)] as const)
  return new Map(
    [...Map.groupBy(decided, ([commit]) => commit)].map(([commit, found]) => [commit, found.map(([, stage]) => stage)]),
  )
}

const aliasOf = (row: Row): StagedAlias => ({
  stage: 'alias',
  format: 1,
  decidedAt: instantOf(row, 'decided_at') ?? '',
  seriesKey: textOf(row, 'series_key'),
  otherSeriesKey: textOf(row, 'other_series_key'),
  usagePointId: textOf(row, 'usage_point_id'),
  decided: textOrNull(row, 'decided') as StagedAlias['decided'],
})

const loadOf = (row: Row, personal: ReadonlySet<string>): ReplayLoad => ({
  sha256: textOf(row, 'sha256'),
  root: personal.has(textOf(row, 'sha256')) ? 'pii' : 'lake',
  receivedAt: instantOf(row, 'received_at') ?? '',
  bytes: integerOf(row, 'bytes'),
  source: row['source'] === 'notification' ? 'notification' : 'file',
  sourceName: textOf(row, 'source_name'),
  notificationId: textOrNull(row, 'notification_id'),
  correlationId: textOrNull(row, 'correlation_id'),
  profile: textOf(row, 'profile'),
})

const notificationOf = (row: Row): NotificationRecord => ({
  notificationId: textOf(row, 'notification_id'),
  receivedAt: instantOf(row, 'received_at') ?? '',
  status: textOf(row, 'status') as NotificationRecord['status'],
  resources: integerOf(row, 'n_resources'),
  refused: integerOf(row, 'n_refused'),
  loaded: integerOf(row, 'n_loaded'),
  message: textOrNull(row, 'message'),
})

function requestOf(row: Row): RequestRecord {
  const from = textOrNull(row, 'date_from')
  return {
    requestId: textOf(row, 'request_id'),
    reason: textOf(row, 'reason') as RequestRecord['reason'],
    feed: textOf(row, 'feed') as RequestRecord['feed'],
    by: textOrNull(row, 'window_by') as RequestRecord['by'],
    window: from === null ? null : { from, to: textOf(row, 'date_to') },
    ask: integerOf(row, 'ask'),
    askedAt: instantOf(row, 'asked_at') ?? '',
    changedAt: instantOf(row, 'changed_at') ?? '',
    status: textOf(row, 'status') as RequestRecord['status'],
    transaction: textOrNull(row, 'transaction'),
    notificationId: textOrNull(row, 'notification_id'),
    resources: integerOf(row, 'n_resources'),
    loaded: integerOf(row, 'n_loaded'),
    errorCode: textOrNull(row, 'error_code'),
    message: textOrNull(row, 'message'),
  }
}

const authorizationOf = (row: Row): AuthorizationRow => ({
  authorizationId: textOf(row, 'authorization_id'),
  gone: row['gone'] === true,
  status: numberOrNull(row, 'status'),
  authorizedStartAt: instantOf(row, 'authorized_start_at'),
  authorizedEndAt: instantOf(row, 'authorized_end_at'),
  publishedStartAt: instantOf(row, 'published_start_at'),
  publishedEndAt: instantOf(row, 'published_end_at'),
  expiresAt: instantOf(row, 'expires_at'),
  scope: textOrNull(row, 'scope'),
  resource: textOrNull(row, 'resource'),
  customerResource: textOrNull(row, 'customer_resource'),
  publishedAt: instantOf(row, 'published_at'),
  updatedAt: instantOf(row, 'updated_at'),
})
