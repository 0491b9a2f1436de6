/** Rows of a query over the views of a lake, as objects; numbers that lose no digits as such, the rest as exact text. */
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { Row } from '../../warehouse/database.ts'
import { openViews } from '../../warehouse/query.ts'

export async function queryRows({ roots, sql }: { roots: LakeRoots; sql: string }): Promise<Row[]> {
  await using views = await openViews(roots)
  return await views.database.rows(sql)
}
