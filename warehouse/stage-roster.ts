/** A roster file on its way to `ref.roster`: whole, or not at all. */
import { randomBytes } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { StagedRoster } from '../schemas/stage.ts'
import { stagingTables } from '../schemas/staging.ts'
import { castList, literal, readColumns } from './columns.ts'
import { rowGroupRows, readTable } from './commit-session.ts'
import { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { formatPath, rosterStageId } from './paths.ts'
import { readRosterFile } from './roster-file.ts'
import type { RosterRow } from './roster-rows.ts'
import { textOf } from './row-values.ts'
import { openRoots, type Scratch, type Storage } from './storage.ts'

export interface StageRosterOptions {
  readonly roots: LakeRoots
  readonly file: string
  /** Local day for which the file is valid. */
  readonly asOf: string
  readonly now: Date
}

export interface RosterOutcome {
  /** `known`: the roster in force on that day says the same; nothing was staged. */
  readonly outcome: 'staged' | 'known'
  readonly rosterId: string
  readonly rows: number
  readonly usagePoints: number
  readonly unused: readonly string[]
}

const rowsPerWrite = 10_000

/** Checks a roster file and stages it. Raises ROSTER_INVALID, USAGE, LAKE_NOT_WRITABLE, LAKE_DISK_FULL; then nothing is staged. */
export async function stageRoster({ roots, file, asOf, now }: StageRosterOptions): Promise<RosterOutcome> {
  const { lake } = openRoots(roots)
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 256, scratch: scratch.file('spill') })
  const { rows, unused, rosterId } = await readRosterFile(file, db)
  const told = { rosterId, rows: rows.length, usagePoints: new Set(rows.map((row) => row.usage_point_id)).size, unused }
  if ((await rosterInForce(lake, db, asOf)) === rosterId) return { ...told, outcome: 'known' }
  const local = await writeRows(db, scratch, rows, asOf, rosterId)
  await stageRows(lake, local, { rosterId, asOf, stagedAt: now.toISOString(), rows: rows.length })
  return { ...told, outcome: 'staged' }
}

/** Stages a local file of roster rows. */
async function stageRows(
  lake: Storage,
  local: string,
  told: Pick<StagedRoster, 'rosterId' | 'asOf' | 'stagedAt'> & { readonly rows: number },
): Promise<void> {
  const { rows, ...roster } = told
  const id = rosterStageId(roster.asOf, roster.rosterId)
  const path = formatPath({ kind: 'staged', id, attempt: randomBytes(4).toString('hex'), table: 'roster' })
  const bytes = await lake.publish(local, path)
  const stage: StagedRoster = { stage: 'roster', format: 1, ...roster, file: { root: 'lake', path, rows, bytes } }
  await lake.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify(stage))
}

/** Stages a roster of another lake as its commit told it, without the usage points that were erased. */
export async function stageRosterAgain(
  from: Storage,
  to: Storage,
  roster: { readonly asOf: string; readonly rosterId: string; readonly commit: number; readonly stagedAt: string },
  isErased: (usagePointId: string) => boolean,
): Promise<void> {
  const { asOf, rosterId, stagedAt, commit } = roster
  const manifest = await readNewestManifest(from)
  await using scratch = await to.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: scratch.file('spill') })
  const local = scratch.file('roster.parquet')
  const told = `FROM (${readTable(from, manifest, 'roster')})
    WHERE commit_id = ${commit} AND roster_id = ${literal(rosterId)} AND as_of_date = DATE ${literal(asOf)}`
  const ids = await db.rows(`SELECT DISTINCT usage_point_id ${told}`)
  const erased = ids.map((row) => textOf(row, 'usage_point_id')).filter(isErased)
  const kept = erased.length === 0 ? 'true' : `usage_point_id NOT IN (${erased.map(literal).join(', ')})`
  const { rows } = await db.copy(
    `SELECT ${castList(stagingTables.roster)} ${told} AND ${kept} ORDER BY usage_point_id, from_date`,
    local,
    { rowGroupRows },
  )
  await stageRows(to, local, { asOf, rosterId, stagedAt, rows })
}

/** Id of the newest roster that was valid on a day or before; undefined where there is none. */
async function rosterInForce(lake: Storage, db: Database, asOf: string): Promise<string | undefined> {
  const manifest = await readNewestManifest(lake)
  const [row] = await db.rows(
    `SELECT roster_id FROM (${readTable(lake, manifest, 'roster')})
     WHERE as_of_date <= DATE ${literal(asOf)} ORDER BY as_of_date DESC, commit_id DESC LIMIT 1`,
  )
  return row && textOf(row, 'roster_id')
}

/** The rows as a local Parquet file. */
async function writeRows(
  db: Database,
  scratch: Scratch,
  rows: readonly RosterRow[],
  asOf: string,
  rosterId: string,
): Promise<string> {
  const lines = scratch.file('roster.ndjson')
  for (let at = 0; at < rows.length; at += rowsPerWrite) {
    const part = rows.slice(at, at + rowsPerWrite)
    await appendFile(
      lines,
      part.map((row) => `${JSON.stringify({ ...row, as_of_date: asOf, roster_id: rosterId })}\n`).join(''),
    )
  }
  const schema = stagingTables.roster
  const target = scratch.file('roster.parquet')
  await db.copy(
    `SELECT ${castList(schema)} FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = ${readColumns(schema)})`,
    target,
    { rowGroupRows },
  )
  return target
}
