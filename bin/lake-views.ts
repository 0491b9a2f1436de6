/** Opens the published views for reading, as any DuckDB client may. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { Database, type Value } from '../warehouse/database.ts'
import { formatPath } from '../warehouse/paths.ts'
import type { OutputColumn } from './row-format.ts'

export interface LakeViews extends AsyncDisposable {
  readonly database: Database
}

/** A value of a VARCHAR column. */
export const textOf = (value: Value | undefined): string => (typeof value === 'string' ? value : '')

/** All rows of a query that has few, with the types of its columns. */
export async function readRows(database: Database, sql: string): Promise<{ columns: OutputColumn[]; rows: Value[][] }> {
  const { columns, blocks } = await database.stream(sql)
  const rows: Value[][] = []
  for await (const block of blocks) rows.push(...block)
  return { columns, rows }
}

/** Whether anything has been published in this lake. */
export const hasViews = (roots: LakeRoots): boolean => existsSync(join(roots.lake, formatPath({ kind: 'views' })))

/** A read-only connection to `views.duckdb`. Throws LAKE_MISSING where nothing has been published yet. */
export async function openViews(roots: LakeRoots): Promise<LakeViews> {
  if (!hasViews(roots))
    throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${roots.lake}`, { lake: roots.lake })
  const scratch = await mkdtemp(join(tmpdir(), 'meterlake-sql-'))
  const removeScratch = () => rm(scratch, { recursive: true, force: true })
  try {
    const database = await Database.open({
      path: join(roots.lake, formatPath({ kind: 'views' })),
      readOnly: true,
      threads: availableParallelism(),
      memoryLimitMb: Math.max(256, Math.round(totalmem() / 2 / 1024 ** 2)),
      scratch,
    })
    return {
      database,
      [Symbol.asyncDispose]: async () => {
        await database[Symbol.asyncDispose]()
        await removeScratch()
      },
    }
  } catch (error) {
    await removeScratch()
    throw error
  }
}
