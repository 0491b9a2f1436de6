/** Reading the published views as any DuckDB client may: read-only, at any time, also during an ingest. */
import { availableParallelism, totalmem } from 'node:os'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { Database, type Value } from './database.ts'
import { openLocalScratch } from './local-scratch.ts'
import { formatPath } from './paths.ts'
import { openRoots, type Storage } from './storage.ts'
import { ensureViews, viewsOrigin } from './views.ts'

export interface QueryColumn {
  readonly name: string
  /** The engine's type, e.g. `DECIMAL(18,9)`. */
  readonly type: string
}

export interface LakeViews extends AsyncDisposable {
  readonly database: Database
}

/**
 * A read-only connection to the views, which are brought up to date first where they are behind their manifest and the lake can
 * be written. Undefined where nothing was ever published. Raises LAKE_MOVED where it cannot, and they name files of another place.
 */
export async function tryOpenViews(roots: LakeRoots): Promise<LakeViews | undefined> {
  const { lake } = openRoots(roots)
  const path = formatPath({ kind: 'views' })
  const manifest = await ensureViews(roots).catch((error: unknown) => {
    if (isMeterlakeError(error) && error.code === 'LAKE_NOT_WRITABLE') return undefined
    throw error
  })
  if (manifest === undefined && (await lake.size(path)) === undefined) return undefined
  const scratch = await openLocalScratch()
  try {
    const database = await Database.open({
      path: lake.locate(path),
      readOnly: true,
      threads: availableParallelism(),
      memoryLimitMb: Math.max(256, Math.round(totalmem() / 2 / 1024 ** 2)),
      scratch: scratch.path,
    })
    if (manifest === undefined) await mustBeHere(database, lake)
    return {
      database,
      [Symbol.asyncDispose]: async () => {
        await database[Symbol.asyncDispose]()
        await scratch[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await scratch[Symbol.asyncDispose]()
    throw error
  }
}

/** Of a lake that cannot be written: nobody could have made its views anew after it was moved. */
async function mustBeHere(database: Database, lake: Storage): Promise<void> {
  const origin = await viewsOrigin(database).catch(() => undefined)
  if (!origin || (await lake.isAt(origin.root))) return
  await database[Symbol.asyncDispose]()
  throw new MeterlakeError(
    'LAKE_MOVED',
    `views.duckdb of ${lake.root} names files under ${origin.root}: the lake was moved or copied`,
    { lake: lake.root, was: origin.root },
  )
}

/** {@link tryOpenViews}; raises LAKE_MISSING where nothing was ever published. */
export async function openViews(roots: LakeRoots): Promise<LakeViews> {
  const views = await tryOpenViews(roots)
  if (views) return views
  throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${roots.lake}`, { lake: roots.lake })
}

/** All rows of a query that has few, with the types of its columns. */
export async function readRows(database: Database, sql: string): Promise<{ columns: QueryColumn[]; rows: Value[][] }> {
  const { columns, blocks } = await database.stream(sql)
  const rows: Value[][] = []
  for await (const block of blocks) rows.push(...block)
  return { columns, rows }
}
