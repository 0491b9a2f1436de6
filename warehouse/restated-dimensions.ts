/**
 * A version that is sent again unchanged gets no row, only a `confirmation` of when that was. Where a different version of the same
 * thing comes, it may have been published between the two: then the repetition counts as sent with it, so that it stays the last word.
 */
import { tables } from '../schemas/tables.ts'
import { columnList, emptySelect, identifier } from './columns.ts'
import { type CommitSession, readFiles } from './commit-session.ts'
import { contentList, dimensionKeys, type DimensionTable, keyText } from './dimension-content.ts'
import { model } from './model.ts'
import { integerOf } from './row-values.ts'
import { versionOrder } from './version-content.ts'

/** Makes `restated_<table>` from `sent_*` and `lake_*`: rows of the table with where they are copied from. */
export async function restate(session: CommitSession, table: DimensionTable): Promise<void> {
  const { db, parent, lake } = session
  const confirmation = parent.tables.confirmation
  const none = `CREATE OR REPLACE TEMP TABLE restated_${table} AS
    SELECT *, load_id AS from_load_id, commit_id AS from_commit_id, byte_offset AS from_byte_offset FROM (${emptySelect(tables[table])})`
  if (confirmation.length === 0) return db.run(none)
  const key = dimensionKeys[table].join(', ')
  await db.run(`CREATE OR REPLACE TEMP TABLE revised AS
    SELECT DISTINCT key FROM (SELECT ${key}, ${keyText(table)} AS key, row(${contentList(table)}) AS content FROM sent_${table}) s
    JOIN (SELECT ${key}, row(${contentList(table)}) AS content FROM lake_${table}) l USING (${key})
    WHERE s.content IS DISTINCT FROM l.content`)
  const [revised] = await db.rows('SELECT count(*)::INTEGER AS n FROM revised')
  if (revised && integerOf(revised, 'n') === 0) return db.run(none)
  await db.run(
    model('restated-dimension', {
      table,
      columns: columnList(tables[table]),
      confirmation: readFiles(lake, confirmation, ''),
      key_text: keyText(table),
      order: versionOrder(),
      order_l: versionOrder('l.'),
    }),
  )
}

/** Query of the lines of restated bills. */
export const restatedLines = (): string => {
  const names = tables.usage_summary_line.fields.map((field) => field.name)
  const moved = new Set(['published_at', 'load_id', 'commit_id', 'byte_offset'])
  return `SELECT ${names.map((name) => `${moved.has(name) ? 'r' : 'l'}.${identifier(name)}`).join(', ')}
    FROM lake_usage_summary_line l JOIN restated_usage_summary r ON l.summary_id = r.summary_id
      AND l.load_id = r.from_load_id AND l.commit_id = r.from_commit_id AND l.byte_offset = r.from_byte_offset`
}
