/** What two lakes hold otherwise, by table and day. */
import { isMeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { emptySelect, identifier } from './columns.ts'
import { readFiles } from './commit-session.ts'
import { type ComparedTable, comparedTables } from './compared-tables.ts'
import type { Database } from './database.ts'
import { daySpans } from './day-spans.ts'
import { model } from './model.ts'
import { integerOf, textOrNull } from './row-values.ts'
import { openRoots } from './storage.ts'

export interface Difference {
  readonly table: string
  /** Local day; null: the table has none. */
  readonly day: string | null
  readonly onlyHere: number
  readonly onlyThere: number
  readonly changed: number
  /** Why the two could not be compared; null: they were. */
  readonly note: string | null
}

export interface ComparedLake {
  readonly roots: LakeRoots
  readonly manifest: Manifest
}

/** Compares every row of every table. `withPersonal`: also those under the pii roots. */
export async function lakeDifferences(
  db: Database,
  here: ComparedLake,
  there: ComparedLake,
  { withPersonal, onTable }: { withPersonal: boolean; onTable?: (done: number, total: number) => void },
): Promise<Difference[]> {
  const differences: Difference[] = []
  const wanted = comparedTables.filter(({ root }) => withPersonal || root === 'lake')
  for (const [at, table] of wanted.entries()) {
    onTable?.(at, wanted.length)
    for (const condition of table.byDay ? conditionsOf(here.manifest, there.manifest) : ['true'])
      differences.push(...(await differencesOf(db, table, here, there, condition)))
  }
  onTable?.(wanted.length, wanted.length)
  return differences
}

/** Conditions on local_date that cover all days, each a bounded share of rows. */
function conditionsOf(here: Manifest, there: Manifest): string[] {
  const spans = daySpans([...here.current.files, ...there.current.files])
  return spans.map(({ from }, at) => {
    const next = spans[at + 1]
    const bounds = [
      ...(at === 0 ? [] : [`local_date >= DATE '${from}'`]),
      ...(next ? [`local_date < DATE '${next.from}'`] : []),
    ]
    return bounds.length === 0 ? 'true' : bounds.join(' AND ')
  })
}

async function differencesOf(
  db: Database,
  table: ComparedTable,
  here: ComparedLake,
  there: ComparedLake,
  condition: string,
): Promise<Difference[]> {
  const { name, schema, key, ignored, byDay, root } = table
  const source = ({ roots, manifest }: ComparedLake) => {
    const storage = openRoots(roots)[root]
    if (table.source) return `SELECT * FROM ${table.source(manifest, (path) => storage.locate(path))}`
    return readFiles(storage, table.files(manifest), emptySelect(schema))
  }
  const columns = schema.fields.map((field) => field.name).filter((column) => !ignored.includes(column))
  try {
    const rows = await db.rows(
      model('differing-rows', {
        columns: columns.map(identifier).join(', '),
        here: source(here),
        there: source(there),
        condition,
        day: byDay ? 'local_date::VARCHAR' : 'NULL::VARCHAR',
        key: `concat_ws(chr(31), ${key.map((column) => `coalesce(${identifier(column)}::VARCHAR, '')`).join(', ')})`,
      }),
    )
    return rows.map((row) => ({
      table: name,
      day: textOrNull(row, 'day'),
      onlyHere: integerOf(row, 'only_here'),
      onlyThere: integerOf(row, 'only_there'),
      changed: integerOf(row, 'changed'),
      note: null,
    }))
  } catch (error) {
    if (!isMeterlakeError(error) || error.code !== 'SQL_FAILED') throw error
    const note = `cannot be read: ${error.message.split('\n')[0] ?? ''}`
    return [{ table: name, day: null, onlyHere: 0, onlyThere: 0, changed: 0, note }]
  }
}
