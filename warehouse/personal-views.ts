/**
 * pii.duckdb: views on the personal tables, under the pii root with them, mode 0600. Derived from the newest manifest as views.duckdb
 * is. Opened by itself or attached (`ATTACH '…/pii/pii.duckdb' AS pii`), its views are `pii.customer`, `pii.customer_version` …
 */
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { personalTables, type PersonalTable } from '../schemas/tables-personal.ts'
import { tables } from '../schemas/tables.ts'
import type { Schema } from 'apache-arrow'
import { columnComment, emptySelect, identifier, literal } from './columns.ts'
import { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { model } from './model.ts'
import { formatPath } from './paths.ts'
import { integerOf, textOf } from './row-values.ts'
import { openRoots, type Storage } from './storage.ts'
import { changedVersions, versionInForce } from './version-in-force.ts'
import { versionColumns } from './versioned-table.ts'

const viewsPath = formatPath({ kind: 'personal_views' })
const resources = { threads: 1, memoryLimitMb: 128 } as const

interface PersonalView {
  readonly name: string
  readonly query: string
  readonly comment: string
  readonly table?: Schema
}

const source = (files: readonly FileRef[], schema: Schema, storage: Storage): string =>
  files.length === 0
    ? `(${emptySelect(schema)})`
    : `read_parquet([${files.map((file) => literal(storage.locate(file.path))).join(', ')}])`

const grain = (table: PersonalTable): string => personalTables[table].metadata.get('grain') ?? ''

function definitions(manifest: Manifest, lake: Storage, pii: Storage): PersonalView[] {
  const names = Object.keys(personalTables) as PersonalTable[]
  const of = (table: PersonalTable) => source(manifest.pii.tables[table], personalTables[table], pii)
  const commits = `SELECT DISTINCT commit_id, known_at FROM ${source(manifest.tables.load, tables.load, lake)}`
  const versionsOf = (table: PersonalTable) => ({ source: of(table), ...versionColumns(table) })
  const inForce = (table: PersonalTable) => versionInForce(versionsOf(table), commits)
  return [
    ...names.map((table) => ({
      name: table,
      query:
        table === 'demand_response_program'
          ? model('view-demand-response', { programs: inForce(table), codes: of('program_date_code') })
          : inForce(table),
      comment: `${grain(table)}: the one in force`,
      table: personalTables[table],
    })),
    ...names.map((table) => ({
      name: `${table}_version`,
      query: model('view-personal-version', {
        versions: changedVersions(versionsOf(table)),
        commits,
      }),
      comment: `${grain(table)}: all that differ from the one before`,
      table: personalTables[table],
    })),
    {
      name: 'quarantine',
      query: `SELECT * FROM ${source(manifest.pii.quarantine, tables.quarantine, pii)}`,
      comment: 'elements of customer feeds that were refused, with their bytes',
      table: tables.quarantine,
    },
    {
      name: 'manifest',
      query: `SELECT ${manifest.n}::BIGINT AS manifest, TIMESTAMPTZ ${literal(manifest.knownAt)} AS known_at,
        ${literal(pii.root)} AS root, ${literal(lake.root)} AS lake_root`,
      comment: 'what these views were made from',
    },
  ]
}

const derived: Readonly<Record<string, string>> = {
  known_at: 'when the commit made it known here [UTC]',
  valid_from: 'since when the utility said so [UTC]; NULL: its feed carried no date',
  manifest: 'number of the manifest these views were made from',
  root: 'folder of personal data whose files they name, an absolute path',
  lake_root: 'folder of the lake whose files they name, an absolute path',
  valid_to: 'when it said otherwise [UTC]; NULL: it has not',
}

/** Builds the views of a manifest's personal tables and puts them in place in one step. */
export async function buildPersonalViews(lake: Storage, pii: Storage, manifest: Manifest): Promise<void> {
  await using scratch = await pii.scratch()
  const local = scratch.file('pii.duckdb')
  {
    await using db = await Database.open({ ...resources, path: local, scratch: scratch.file('spill') })
    const views = definitions(manifest, lake, pii)
    await db.run('BEGIN')
    for (const { name, query, comment } of views)
      await db.run(`CREATE VIEW ${name} AS ${query}; COMMENT ON VIEW ${name} IS ${literal(comment)}`)
    const columns = await db.rows(
      `SELECT table_name AS view, column_name AS name FROM duckdb_columns() WHERE NOT internal`,
    )
    const comments = columns.flatMap((column) => {
      const [view, name] = [textOf(column, 'view'), textOf(column, 'name')]
      const field = views.find((each) => each.name === view)?.table?.fields.find((each) => each.name === name)
      const comment = field ? columnComment(field) : derived[name]
      return comment === undefined ? [] : [`COMMENT ON COLUMN ${view}.${identifier(name)} IS ${literal(comment)}`]
    })
    await db.run(comments.join('; '))
    await db.run('COMMIT')
    await db.run('CHECKPOINT')
  }
  await pii.publish(local, viewsPath)
}

/** Whether the views are of this manifest and name files of these places. */
async function areCurrent(lake: Storage, pii: Storage, manifest: Manifest): Promise<boolean> {
  if ((await pii.size(viewsPath)) === undefined) return false
  try {
    await using scratch = await pii.scratch()
    const path = pii.locate(viewsPath)
    await using db = await Database.open({ ...resources, path, readOnly: true, scratch: scratch.path })
    const [row] = await db.rows(`SELECT manifest::INTEGER AS n, root, lake_root FROM manifest`)
    const isHere = (await pii.isAt(textOf(row, 'root'))) && (await lake.isAt(textOf(row, 'lake_root')))
    return integerOf(row, 'n') === manifest.n && isHere
  } catch {
    return false
  }
}

/** Whether there is anything for pii.duckdb to show. */
export const hasPersonalViews = ({ pii }: Manifest): boolean =>
  pii.quarantine.length > 0 || Object.values(pii.tables).some((files) => files.length > 0)

/**
 * Rebuilds pii.duckdb where it is behind the newest manifest or names files of another place; nothing where no customer feed was ever loaded. Who publishes calls
 * this; who only reads the lake needs no right to the pii root.
 */
export async function ensurePersonalViews(roots: LakeRoots): Promise<void> {
  const { lake, pii } = openRoots(roots)
  for (;;) {
    const manifest = await readNewestManifest(lake)
    if (!manifest) return
    if (!hasPersonalViews(manifest) || (await areCurrent(lake, pii, manifest))) return
    // then look again: another publisher may have committed, and renamed its views before ours
    await buildPersonalViews(lake, pii, manifest)
  }
}
