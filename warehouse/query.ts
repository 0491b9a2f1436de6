/** An analyst's query over the published views, read-only. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { Database, type Value } from './database.ts'
import { formatPath } from './paths.ts'
import { openRoots } from './storage.ts'
import { ensureViews } from './views.ts'

export interface QueryColumn {
  readonly name: string
  /** The engine's type, e.g. `DECIMAL(18,9)`. */
  readonly type: string
}

export interface QueryResult {
  readonly columns: readonly QueryColumn[]
  /** Rows in blocks, values in column order; 64-bit integers, decimals, dates and instants as exact text. */
  readonly blocks: AsyncIterable<readonly (readonly Value[])[]>
}

export interface QueryOptions {
  readonly roots: LakeRoots
  readonly sql: string
  /** Zone in which the engine shows instants; default UTC. */
  readonly timeZone?: string
  readonly threads?: number
  readonly memoryLimitMb?: number
}

/**
 * Runs one query and hands its result to `use`, inside which its rows are read. The views are brought up to date first.
 * Raises LAKE_MISSING where nothing was ever published, SQL_FAILED with the engine's message.
 */
export async function queryLake<T>(options: QueryOptions, use: (result: QueryResult) => Promise<T>): Promise<T> {
  const { roots, sql, timeZone = 'UTC', threads = 2, memoryLimitMb = 1024 } = options
  const { lake } = openRoots(roots)
  if ((await ensureViews(roots)) === undefined)
    throw new MeterlakeError('LAKE_MISSING', `there is no lake at ${roots.lake}: load something first`, {
      lake: roots.lake,
    })
  await using scratch = await lake.scratch()
  const path = lake.locate(formatPath({ kind: 'views' }))
  await using db = await Database.open({ path, readOnly: true, threads, memoryLimitMb, scratch: scratch.path })
  await db.run(`SET TimeZone = '${timeZone.replaceAll("'", "''")}'`)
  const { columns, blocks } = await failingAsSql(() => db.stream(sql))
  return await use({ columns, blocks: guardedBlocks(blocks) })
}

/** What the engine says against a query, also while its rows are fetched, is SQL_FAILED. */
async function failingAsSql<T>(effect: () => Promise<T>): Promise<T> {
  try {
    return await effect()
  } catch (error) {
    if (isMeterlakeError(error) || !(error instanceof Error)) throw error
    throw new MeterlakeError('SQL_FAILED', error.message, {}, { cause: error })
  }
}

async function* guardedBlocks<T>(blocks: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = blocks[Symbol.asyncIterator]()
  for (;;) {
    const next = await failingAsSql(async () => await iterator.next())
    if (next.done === true) return
    yield next.value
  }
}

/** All rows of a query as objects; for results that fit in memory. */
export async function queryRows(options: QueryOptions): Promise<Record<string, Value>[]> {
  return await queryLake(options, async ({ columns, blocks }) => {
    const rows: Record<string, Value>[] = []
    for await (const block of blocks)
      for (const values of block)
        rows.push(Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null])))
    return rows
  })
}
