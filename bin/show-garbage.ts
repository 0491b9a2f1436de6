/** `meterlake gc`: what was removed, by folder. */
import type { LakeRoots } from '../schemas/load-process.ts'
import { collectGarbage } from '../warehouse/collect-garbage.ts'
import type { GarbageFile } from '../warehouse/garbage-plan.ts'
import type { Format } from './command-context.ts'
import { formatBytes, formatCount } from './human.ts'
import { openProgress } from './progress.ts'
import { formatRows, writeAll } from './row-format.ts'

const columns = [
  { name: 'root', type: 'VARCHAR' },
  { name: 'folder', type: 'VARCHAR' },
  { name: 'files', type: 'INTEGER' },
  { name: 'bytes', type: 'BIGINT' },
]

/** Prints a row for each folder files went from. Throws LAKE_MISSING, LAKE_CORRUPT, LAKE_CONTENDED, LAKE_NOT_WRITABLE. */
export async function showGarbage(
  roots: LakeRoots,
  format: Format,
  { graceMs, dryRun }: { readonly graceMs: number; readonly dryRun: boolean },
): Promise<void> {
  using progress = openProgress(process.stderr)
  if (!dryRun) progress.start('removing', 0, 0)
  const { files, tookPersonal } = await collectGarbage({
    roots,
    graceMs,
    dryRun,
    onRemove: (done, total) => progress.share(done, total),
  })
  progress[Symbol.dispose]()
  const folders = Map.groupBy(files, ({ root, path }) => `${root} ${folderOf(path)}`)
  const rows = [...folders.values()].map((some) => [
    some[0]?.root,
    folderOf(some[0]?.path ?? ''),
    some.length,
    bytesOf(some),
  ])
  if (format === 'table' && rows.length === 0) console.log('nothing to remove')
  else await writeAll(process.stdout, formatRows(format, columns, [rows]))
  if (!tookPersonal) console.error(`not looked at: ${roots.pii} is not yours to read`)
  const how = dryRun ? 'would be removed, nothing was' : 'removed'
  console.error(`${formatCount(files.length)} files, ${formatBytes(bytesOf(files))} ${how}`)
}

const bytesOf = (files: readonly GarbageFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0)

/** Its folder, without days and tables. */
const folderOf = (path: string): string => /^(?:state\/scratch|[^/]+)/.exec(path)?.[0] ?? ''
