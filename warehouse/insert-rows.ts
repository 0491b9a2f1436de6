/** Rows that are planned here and joined in the engine. */
import type { Database } from './database.ts'

/** Rows of one statement: its text stays small. */
const rowsAtOnce = 500

/** Inserts rows, each the text of one `(…)` of VALUES. */
export async function insertRows(db: Database, table: string, rows: readonly string[]): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce)
    await db.run(`INSERT INTO ${table} VALUES ${rows.slice(at, at + rowsAtOnce).join(', ')}`)
}
