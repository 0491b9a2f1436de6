/** One query against the published views, rows to stdout as they come. */
import { text } from 'node:stream/consumers'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Format } from './command-context.ts'
import { openViews } from '../warehouse/query.ts'
import { formatRows, writeAll } from './row-format.ts'

/** Runs `query` (`-`: what stdin holds) and prints its rows. Throws LAKE_MISSING, SQL_FAILED, USAGE. */
export async function runSql(query: string, format: Format, roots: LakeRoots): Promise<void> {
  const sql = query === '-' ? await text(process.stdin) : query
  if (sql.trim() === '') throw new MeterlakeError('USAGE', 'the query is empty')
  await using views = await openViews(roots)
  const { columns, blocks } = await views.database.stream(sql)
  await writeAll(process.stdout, formatRows(format, columns, blocks))
}
