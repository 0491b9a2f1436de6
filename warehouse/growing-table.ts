/** Tables that grow by one small file a commit; many small ones are folded into one. */
import type { FileRef, GrowingTable } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnList, duckdbType, identifier, literal } from './columns.ts'
import { type CommitSession, readFiles, writeQuery } from './commit-session.ts'

/** Files beyond which a table is folded. */
export const foldBeyond = 32

/**
 * Files of a table that are folded into one: all, but for the largest where it outweighs the others together, so that it is not
 * written again each time. None while there are few. Pure.
 */
export function filesToFold(files: readonly FileRef[], beyond = foldBeyond): readonly FileRef[] {
  if (files.length <= beyond) return []
  const [largest, ...others] = [...files].sort((a, b) => b.rows - a.rows)
  const rows = others.reduce((sum, file) => sum + file.rows, 0)
  return largest && largest.rows > rows ? others : files
}

/**
 * Appends the rows of a query (columns by name) and folds where a table has many files. `kept` narrows what a fold keeps (clauses
 * after FROM). Answers its files.
 */
export async function appendTable(
  session: CommitSession,
  table: GrowingTable,
  query: string,
  kept = '',
): Promise<FileRef[]> {
  const columns = columnList(tables[table])
  const place = () => ({ kind: 'table', table, commit: session.n, part: session.nextPart() }) as const
  const written = await writeQuery(session, `SELECT ${columns} FROM (${query})`, place())
  const files = [...session.parent.tables[table], ...(written ? [written.ref] : [])]
  const folded = filesToFold(files)
  if (folded.length === 0) return files
  const whole = await writeQuery(
    session,
    `SELECT ${columns} FROM (${readFiles(session.lake, folded, '')}) ${kept}`,
    place(),
  )
  return [...files.filter((file) => !folded.includes(file)), ...(whole ? [whole.ref] : [])]
}

export type Cell = string | number | boolean | null

/** A query of literal rows in the columns of a table; null where there are none. */
export function rowsQuery(table: GrowingTable, rows: readonly Readonly<Record<string, Cell>>[]): string | null {
  if (rows.length === 0) return null
  const cell = (value: Cell | undefined) =>
    value === null || value === undefined ? 'NULL' : typeof value === 'string' ? literal(value) : String(value)
  const selects = rows.map(
    (row) =>
      `SELECT ${tables[table].fields
        .map((field) => `${cell(row[field.name])}::${duckdbType(field.type)} AS ${identifier(field.name)}`)
        .join(', ')}`,
  )
  return selects.join(' UNION ALL ')
}
