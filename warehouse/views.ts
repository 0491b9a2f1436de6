/** views.duckdb: derived from the newest manifest, built aside and renamed. Analysts read nothing else. */
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { identifier, literal } from './columns.ts'
import { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { formatPath } from './paths.ts'
import { openRoots, type Storage } from './storage.ts'
import { viewComment } from './view-comments.ts'
import type { ViewDefinition } from './view-definition.ts'
import { viewDefinitions } from './view-definitions.ts'
import { integerOf, textOf } from './row-values.ts'

const viewsPath = formatPath({ kind: 'views' })
const resources = { threads: 1, memoryLimitMb: 128 } as const

/** Builds the views of a manifest and puts them in place in one step; who holds the old ones keeps them. */
export async function buildViews(lake: Storage, manifest: Manifest): Promise<void> {
  await using scratch = await lake.scratch()
  const local = scratch.file('views.duckdb')
  {
    await using db = await Database.open({ ...resources, path: local, scratch: scratch.file('spill') })
    // one transaction: else each of some 300 comments is made durable by itself
    await db.run('BEGIN')
    const views = await createViews(db, lake, manifest)
    const columns = await db.rows(
      `SELECT schema_name || '.' || table_name AS view, column_name AS name FROM duckdb_columns() WHERE NOT internal`,
    )
    const comments = columns.flatMap((column) => {
      const [view, name] = [textOf(column, 'view'), textOf(column, 'name')]
      const table = views.find((definition) => definition.name === view)?.table
      const comment = viewComment(view, name, table)
      return comment === undefined
        ? []
        : [{ view, sql: `COMMENT ON COLUMN ${view}.${identifier(name)} IS ${literal(comment)}` }]
    })
    // a view at a time: all of them parsed together take 50 MB, each by itself as long again
    for (const ofView of Map.groupBy(comments, ({ view }) => view).values())
      await db.run(ofView.map(({ sql }) => sql).join('; '))
    await db.run('COMMIT')
    await db.run('CHECKPOINT')
  }
  await lake.publish(local, viewsPath)
}

/** Creates the views and macros of a manifest in an empty database, without the comments of their columns. Answers the views. */
export async function createViews(db: Database, lake: Storage, manifest: Manifest): Promise<readonly ViewDefinition[]> {
  const { views, macros } = viewDefinitions(manifest, (path) => lake.locate(path))
  await db.run(['core', 'mart', 'ops', 'ref'].map((schema) => `CREATE SCHEMA ${schema}`).join('; '))
  for (const { name, query, comment } of views)
    await db.run(`CREATE VIEW ${name} AS ${query}; COMMENT ON VIEW ${name} IS ${literal(comment)}`)
  for (const { name, parameter, query, comment } of macros)
    await db.run(
      `CREATE MACRO ${name}(${parameter}) AS TABLE ${query}; COMMENT ON MACRO TABLE ${name} IS ${literal(comment)}`,
    )
  return views
}

/** What views were made from. */
interface ViewsOrigin {
  /** Number of the manifest. */
  readonly n: number
  /** Where the lake was, whose files they name. */
  readonly root: string
}

/** The same of views that are open. */
export async function viewsOrigin(db: Database): Promise<ViewsOrigin> {
  const [row] = await db.rows(`SELECT manifest::INTEGER AS n, root FROM ops.lake`)
  return { n: integerOf(row, 'n'), root: textOf(row, 'root') }
}

/** Undefined where there are no views, or they cannot be read. */
async function publishedOrigin(lake: Storage): Promise<ViewsOrigin | undefined> {
  if ((await lake.size(viewsPath)) === undefined) return undefined
  try {
    await using scratch = await lake.scratch()
    await using db = await Database.open({
      ...resources,
      path: lake.locate(viewsPath),
      readOnly: true,
      scratch: scratch.path,
    })
    return await viewsOrigin(db)
  } catch {
    return undefined
  }
}

/**
 * Rebuilds the views where they are behind the newest manifest, or name files of another place, as after the lake was moved. Answers
 * the manifest's number, undefined for a lake without commits.
 */
export async function ensureViews(roots: LakeRoots): Promise<number | undefined> {
  const { lake } = openRoots(roots)
  for (;;) {
    const manifest = await readNewestManifest(lake)
    if (!manifest) return undefined
    const origin = await publishedOrigin(lake)
    if (origin?.n === manifest.n && (await lake.isAt(origin.root))) return manifest.n
    // then look again: another publisher may have committed, and renamed its views before ours
    await buildViews(lake, manifest)
  }
}
