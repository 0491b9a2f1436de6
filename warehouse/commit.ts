/** One commit attempt: all files written, the manifest that would name them. Nothing is visible until that is created. */
import { createRequire } from 'node:module'
import type { PublishedLoad } from '../schemas/ingest.ts'
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { tables } from '../schemas/tables.ts'
import { columnDefinitions, columnList, literal } from './columns.ts'
import { type CommitSession, readFiles, writeQuery } from './commit-session.ts'
import { openCustomerKey } from './customer-key.ts'
import { appendDimensions, openChannels } from './dimensions.ts'
import { appendTable, rowsQuery } from './growing-table.ts'
import { type IncomingSpan, prepareIncoming } from './incoming.ts'
import { joinSlices } from './join-files.ts'
import { authorizationRow } from './authorizations.ts'
import { loadRow, notificationRow, publishedLoad, requestRow } from './ledger.ts'
import { nextKnownAt } from './manifest.ts'
import { registerUnits, zeroCounts } from './merge-batch.ts'
import { mergeBatches } from './merge-batches.ts'
import { model } from './model.ts'
import { writeOverlay } from './overlay.ts'
import { reachDays, type UnitLimits } from './plan-units.ts'
import { spreadIncoming } from './spread-incoming.ts'
import type { StageQueue } from './stage-queue.ts'
import { planTouchedUnits } from './touched-units.ts'
import { appendCustomers } from './versioned-table.ts'
import { integerOf, textOf } from './row-values.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

export interface CommitOptions {
  readonly limits: UnitLimits
  readonly now: () => Date
  readonly onProgress: (phase: 'merge' | 'commit', done: number, total: number) => void
}

export interface PreparedCommit {
  readonly manifest: Manifest
  readonly loads: readonly PublishedLoad[]
}

const shortest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

/** Merges everything in the queue on top of the session's parent. */
export async function prepareCommit(
  session: CommitSession,
  queue: StageQueue,
  options: CommitOptions,
): Promise<PreparedCommit> {
  const { db, parent, n } = session
  await db.run(`CREATE OR REPLACE TEMP TABLE attention (${columnDefinitions(tables.quarantine)});
    ALTER TABLE attention ALTER COLUMN href DROP NOT NULL`)
  await openChannels(session)
  const span = await prepareIncoming(session, queue.loads)
  const durations = {
    minDurationS: shortest(parent.minDurationS, span.durationMin),
    maxDurationS: Math.max(parent.maxDurationS, span.durationMax ?? 0),
  }
  const counts = zeroCounts(queue.loads)
  const backDays = reachDays(durations.minDurationS, durations.maxDurationS)
  const reach = { backDays, minDurationS: durations.minDurationS }
  const units = await planTouchedUnits(session, span, reach, options.limits)
  await registerUnits(session, units)
  await spreadIncoming(session, span.days, (units.at(-1)?.batch ?? 0) + 1)

  const replaced = new Set(units.map((unit) => unit.existing?.path))
  const current = parent.current.files.filter((file) => !replaced.has(file.path))
  await using writer = await db.connect()
  const beside = { ...session, db: writer }
  const merged = await mergeBatches(session, beside, units, backDays, counts, (done, total) =>
    options.onProgress('merge', done, total),
  )
  const history = [...parent.history, ...merged.history]
  const joined = await joinSlices(session, [...current, ...merged.current], options.limits.fileRows)
  const overlay = await writeOverlay(session, merged.overlay, merged.rewritten, options.limits.overlay.files)
  options.onProgress('commit', 0, 1)
  const receipts = [...parent.receipts, ...(await writeReceipts(session, span))]
  const parked = await writeParked(session)
  const parkedByLoad = new Map(
    (
      await db.rows(
        `SELECT load_id, sum(n_readings)::INTEGER AS n FROM staged_block
         JOIN (SELECT DISTINCT load_no, block_seq FROM block_meaning WHERE NOT resolved) USING (load_no, block_seq) GROUP BY load_id`,
      )
    ).map((row) => [textOf(row, 'load_id'), integerOf(row, 'n')]),
  )
  const knownAt = nextKnownAt(parent.knownAt, options.now())
  const outcome = queue.loads.map((load) => {
    const counted = counts.get(load.loadId) ?? { fresh: 0, revised: 0, unchanged: 0, late: 0, superseded: 0 }
    const waiting = parkedByLoad.get(load.loadId) ?? 0
    return { row: loadRow(load, counted, waiting, n, knownAt), published: publishedLoad(load, counted, waiting, n) }
  })
  const customers = await appendCustomers(session, queue.loads)
  const append = async (
    table: 'load' | 'notification' | 'authorization' | 'request',
    rows: Parameters<typeof rowsQuery>[1],
  ): Promise<FileRef[]> => {
    const query = rowsQuery(table, rows)
    return query === null ? parent.tables[table] : await appendTable(session, table, query)
  }
  const manifest: Manifest = {
    ...parent,
    n,
    knownAt,
    meterlake: version,
    timeZone: session.timeZone,
    loads: queue.loads.map((load) => load.loadId),
    current: {
      files: joined.sort((a, b) => (a.dt === b.dt ? compareKeys(a.keyMin, b.keyMin) : a.dt < b.dt ? -1 : 1)),
    },
    overlay,
    history,
    receipts,
    parked,
    tables: {
      ...parent.tables,
      ...(await appendDimensions(session)),
      ...customers.attributes,
      quarantine: await appendTable(session, 'quarantine', stagedOperation(session, queue.loads, 'quarantine', 'lake')),
      drift: await appendTable(session, 'drift', stagedOperation(session, queue.loads, 'drift', 'lake')),
      load: await append(
        'load',
        outcome.map((load) => load.row),
      ),
      notification: await append(
        'notification',
        queue.notifications.map((stage) => notificationRow(stage, n)),
      ),
      authorization: await append(
        'authorization',
        queue.authorizations.map((changed) => authorizationRow(changed, n)),
      ),
      request: await append(
        'request',
        queue.requests.map((stage) => requestRow(stage, n)),
      ),
    },
    raw: withRaw(parent.raw, queue.loads, 'lake'),
    pii: {
      tables: customers.personal,
      keyCheck: await keyCheckOf(session, queue.loads),
      raw: withRaw(parent.pii.raw, queue.loads, 'pii'),
      quarantine: [...parent.pii.quarantine, ...(await writePersonalQuarantine(session, queue.loads))],
    },
    ...durations,
    totals: { readings: sumRows(joined) + overlay.adds, versions: sumRows(history) },
  }
  return { manifest, loads: outcome.map((load) => load.published) }
}

/** From the first personal row on: what tells the secret of the opaque keys from another. */
async function keyCheckOf({ parent, pii }: CommitSession, loads: readonly StagedLoadRecord[]): Promise<string | null> {
  const isKeyed = loads.some((load) => Object.values(load.files).some(({ root }) => root === 'pii'))
  if (parent.pii.keyCheck !== null || !isKeyed) return parent.pii.keyCheck
  return (await openCustomerKey(pii, null)).check
}

const sumRows = (files: readonly { readonly rows: number }[]): number => files.reduce((sum, file) => sum + file.rows, 0)
const compareKeys = (a: string, b: string): number => (BigInt(a) < BigInt(b) ? -1 : 1)

async function writeReceipts(session: CommitSession, span: IncomingSpan) {
  const from = span.days[0]?.dt
  const to = span.days.at(-1)?.dt
  if (from === undefined || to === undefined) return []
  await session.db.run(model('calendar', { time_zone: literal(session.timeZone), from, to }))
  const place = { kind: 'receipts', commit: session.n, part: session.nextPart() } as const
  const written = await writeQuery(session, model('receipts', { commit: session.n }), place)
  return written ? [{ ...written.ref, commit: session.n, dtMin: from, dtMax: to }] : []
}

/** The parked readings after this commit: the same file where none came or went. */
async function writeParked(session: CommitSession): Promise<FileRef[]> {
  const { db, parent, n } = session
  const [moved] = await db.rows(`SELECT
    (SELECT count(*) FROM parked p JOIN series_meaning m USING (load_id, series_key) WHERE m.resolved)::INTEGER AS gone,
    (SELECT count(*) FROM block_meaning WHERE NOT resolved)::INTEGER AS come`)
  if (moved?.['gone'] === 0 && moved['come'] === 0) return parent.parked
  const query = `SELECT ${columnList(tables.parked)} FROM (${model('parked')}) ORDER BY local_date, series_key, start_at`
  const written = await writeQuery(session, query, { kind: 'parked', commit: n, part: session.nextPart() })
  return written ? [written.ref] : []
}

/** Staged rows of quarantine or drift with load_id and commit_id, and what the merge found. */
function stagedOperation(
  session: CommitSession,
  loads: readonly StagedLoadRecord[],
  table: 'quarantine' | 'drift',
  root: 'lake' | 'pii',
): string {
  const staged = loads.flatMap((load) => {
    const file = load.files[table]
    if (!file || (root === 'pii' && file.root !== 'pii')) return []
    // of what lies under pii the lake tells the rule and the place: hrefs and bytes name customers
    const shown =
      root === 'lake' && file.root === 'pii' ? '* REPLACE (NULL::VARCHAR AS href, NULL::VARCHAR AS fragment)' : '*'
    return [`SELECT ${literal(load.loadId)} AS load_id, ${shown} FROM (${readFiles(session[file.root], [file], '')})`]
  })
  const found = table === 'quarantine' && root === 'lake' ? ['SELECT * EXCLUDE (commit_id) FROM attention'] : []
  const parts = [...staged, ...found].map((part) => `SELECT *, ${session.n}::BIGINT AS commit_id FROM (${part})`)
  return parts.length === 0
    ? `SELECT ${tables[table].fields.map((field) => `NULL AS "${field.name}"`).join(', ')} WHERE false`
    : parts.join(' UNION ALL BY NAME ')
}

/** Quarantine of customer feeds: its fragments hold names, so it stays under the pii root. */
async function writePersonalQuarantine(session: CommitSession, loads: readonly StagedLoadRecord[]): Promise<FileRef[]> {
  const query = `SELECT ${columnList(tables.quarantine)} FROM (${stagedOperation(session, loads, 'quarantine', 'pii')})`
  const place = { kind: 'table', table: 'quarantine', commit: session.n, part: session.nextPart() } as const
  const written = await writeQuery(session, query, place, session.pii)
  return written ? [written.ref] : []
}

function withRaw(known: readonly FileRef[], loads: readonly StagedLoadRecord[], root: 'lake' | 'pii'): FileRef[] {
  const paths = new Set(known.map((file) => file.path))
  const added = loads
    .filter((load) => load.raw.root === root && !paths.has(load.raw.path))
    .map((load) => ({ path: load.raw.path, rows: 0, bytes: load.raw.bytes, sha256: load.sha256 }))
  return [...known, ...added]
}
