/** views.duckdb against the manifest it should be made from: every view and macro, as the engine keeps them. */
import type { Manifest } from '../schemas/manifest.ts'
import { Database } from './database.ts'
import { type Finding, nextSteps } from './finding.ts'
import { formatPath } from './paths.ts'
import { integerOf, textOf } from './row-values.ts'
import type { Scratch, Storage } from './storage.ts'
import { createViews } from './views.ts'

const path = formatPath({ kind: 'views' })
const resources = { threads: 1, memoryLimitMb: 128 } as const

/** Definitions by name; those of macros in the words of the engine. */
async function definitionsOf(db: Database): Promise<Map<string, string>> {
  const rows = await db.rows(
    `SELECT schema_name || '.' || view_name AS name, sql FROM duckdb_views() WHERE NOT internal
     UNION ALL
     SELECT schema_name || '.' || function_name || '()', macro_definition FROM duckdb_functions()
     WHERE NOT internal AND function_type = 'table_macro'`,
  )
  return new Map(rows.map((row) => [textOf(row, 'name'), textOf(row, 'sql')]))
}

/** Findings of the views; none where they are of a later manifest, which came meanwhile. */
export async function verifyViews(lake: Storage, manifest: Manifest, scratch: Scratch): Promise<Finding[]> {
  const found = (problem: string): Finding[] => [{ check: 'views', file: path, problem, next: nextSteps.views }]
  if ((await lake.size(path)) === undefined) return found('it is not there')
  let published: Map<string, string>
  let n = 0
  try {
    await using db = await Database.open({
      ...resources,
      path: lake.locate(path),
      readOnly: true,
      scratch: scratch.path,
    })
    published = await definitionsOf(db)
    n = integerOf((await db.rows('SELECT manifest::INTEGER AS n FROM ops.lake'))[0], 'n')
  } catch {
    return found('it cannot be read')
  }
  if (n > manifest.n) return []
  if (n < manifest.n) return found(`it is made from manifest ${n}, not ${manifest.n}`)
  // what is compared has been written and read again: the engine words its queries anew then
  const local = { ...resources, path: scratch.file('views.duckdb'), scratch: scratch.path }
  {
    await using db = await Database.open(local)
    await createViews(db, lake, manifest)
  }
  await using db = await Database.open({ ...local, readOnly: true })
  const meant = await definitionsOf(db)
  const names = [...new Set([...meant.keys(), ...published.keys()])].sort()
  const different = names.filter((name) => published.get(name) !== meant.get(name))
  return different.length === 0
    ? []
    : found(`${different.length} of its views are not those of manifest ${n}: ${different.slice(0, 5).join(', ')}`)
}
