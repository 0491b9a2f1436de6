/** Authorizations on their way to `core.authorization`: staged as told, kept where they differ from what was told before. */
import { createHash } from 'node:crypto'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import type { AuthorizationRow, StagedAuthorizations } from '../schemas/stage.ts'
import { tables } from '../schemas/tables.ts'
import { literal } from './columns.ts'
import { readTable } from './commit-session.ts'
import type { Database } from './database.ts'
import type { Cell } from './growing-table.ts'
import { authorizationStageId, formatPath } from './paths.ts'
import { openRoots, type Storage } from './storage.ts'

/** Rows of one stage: a record stays small enough to be read at once. */
const rowsPerStage = 500

/** Column of each field that makes up the content of a version. */
const contentColumns = {
  gone: 'gone',
  status: 'status',
  authorizedStartAt: 'authorized_start_at',
  authorizedEndAt: 'authorized_end_at',
  publishedStartAt: 'published_start_at',
  publishedEndAt: 'published_end_at',
  expiresAt: 'expires_at',
  scope: 'scope',
  resource: 'resource',
  customerResource: 'customer_resource',
} as const satisfies Partial<Record<keyof AuthorizationRow, string>>

type Content = Readonly<Record<keyof typeof contentColumns, Cell>>

/** A version that is new or different. */
export interface ChangedAuthorization {
  readonly row: AuthorizationRow
  readonly observedAt: string
}

/** Stages what the custodian told at one moment. Raises LAKE_NOT_WRITABLE, LAKE_DISK_FULL. */
export async function stageAuthorizations(
  roots: LakeRoots,
  observedAt: string,
  rows: readonly AuthorizationRow[],
): Promise<void> {
  const { lake } = openRoots(roots)
  for (let at = 0; at < rows.length; at += rowsPerStage) {
    const part = rows.slice(at, at + rowsPerStage)
    const stage: StagedAuthorizations = { stage: 'authorization', format: 1, observedAt, rows: part }
    const sha256 = createHash('sha256').update(JSON.stringify(part)).digest('hex')
    const id = authorizationStageId(observedAt, sha256)
    await lake.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify(stage))
  }
}

/**
 * For each stage, by its id, what in it differs from the lake of `parent` and from the stages before it. A stage without any is
 * spent: its commit has happened, or nothing has changed.
 */
export async function changedAuthorizations(
  lake: Storage,
  db: Database,
  parent: Manifest,
  stages: ReadonlyMap<string, StagedAuthorizations>,
): Promise<ReadonlyMap<string, readonly ChangedAuthorization[]>> {
  const inOrder = [...stages].sort(([a, one], [b, other]) => {
    const before = Date.parse(one.observedAt) - Date.parse(other.observedAt)
    return before === 0 ? (a < b ? -1 : 1) : before
  })
  const known = await knownAuthorizations(lake, db, parent, stages)
  return new Map(
    inOrder.map(([id, { observedAt, rows }]) => [id, rows.flatMap((row) => changed(known, row, observedAt))]),
  )
}

type Known = Map<string, { readonly content: Content; readonly observed_ms: number }>

/** The row as a version, remembered as the newest; none where it says nothing new, or less than what was told later. */
function changed(known: Known, row: AuthorizationRow, observedAt: string): ChangedAuthorization[] {
  const before = known.get(row.authorizationId)
  const observed_ms = Date.parse(observedAt)
  if (before !== undefined && observed_ms < before.observed_ms) return []
  // One that is gone is not told any more: it keeps what it was.
  const told = row.gone && before !== undefined ? { ...before.content, gone: true } : contentOf(row)
  known.set(row.authorizationId, { content: told, observed_ms })
  if (before !== undefined && textOf(before.content) === textOf(told)) return []
  return [{ row: { ...row, ...(told as Partial<AuthorizationRow>) }, observedAt }]
}

const contentOf = (row: AuthorizationRow): Content =>
  Object.fromEntries(Object.keys(contentColumns).map((name) => [name, row[name as keyof Content]])) as Content

const textOf = (content: Content): string =>
  JSON.stringify(Object.keys(contentColumns).map((name) => content[name as keyof Content]))

async function knownAuthorizations(
  lake: Storage,
  db: Database,
  parent: Manifest,
  stages: ReadonlyMap<string, StagedAuthorizations>,
): Promise<Known> {
  const ids = [...stages.values()].flatMap(({ rows }) => rows.map(({ authorizationId }) => literal(authorizationId)))
  if (ids.length === 0 || parent.tables.authorization.length === 0) return new Map()
  const instants = new Set(tables.authorization.fields.flatMap(({ name }) => (name.endsWith('_at') ? [name] : [])))
  const columns = Object.values(contentColumns).map((name) =>
    instants.has(name) ? `epoch_ms(${name})::DOUBLE AS ${name}` : name,
  )
  const rows = await db.rows(
    `SELECT authorization_id, epoch_ms(observed_at)::DOUBLE AS observed_ms, ${columns.join(', ')}
     FROM (${readTable(lake, parent, 'authorization')})
     WHERE authorization_id IN (${[...new Set(ids)].join(', ')})
     QUALIFY row_number() OVER (PARTITION BY authorization_id ORDER BY observed_at DESC, commit_id DESC) = 1`,
  )
  return new Map(
    rows.map((row) => {
      const content = Object.entries(contentColumns).map(([field, name]) => {
        const value = row[name] ?? null
        return [field, instants.has(name) && value !== null ? new Date(Number(value)).toISOString() : value]
      })
      const known = { content: Object.fromEntries(content) as Content, observed_ms: Number(row['observed_ms']) }
      return [String(row['authorization_id']), known]
    }),
  )
}

/** The row of table `authorization`. */
export const authorizationRow = ({ row, observedAt }: ChangedAuthorization, commit: number): Record<string, Cell> => ({
  authorization_id: row.authorizationId,
  ...Object.fromEntries(Object.entries(contentColumns).map(([field, name]) => [name, row[field as keyof Content]])),
  published_at: row.publishedAt,
  updated_at: row.updatedAt,
  observed_at: observedAt,
  commit_id: commit,
})
