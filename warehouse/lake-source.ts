/** Files of the lake as table expressions: literal paths, so that they mean the same wherever they are read. */
import type { CurrentFile, FileRef, Manifest } from '../schemas/manifest.ts'
import { type TableName, tables } from '../schemas/tables.ts'
import { columnList, emptySelect, literal } from './columns.ts'
import { model } from './model.ts'

/** Absolute path of a file of the lake. */
export type Locate = (path: string) => string

/** Tables that got columns after their first files were written: NULL there. */
const widened: ReadonlySet<TableName> = new Set(['usage_point_agreement'])

/** Files of a table, or no rows in the right types. */
export function tableSource(files: readonly FileRef[], table: TableName, locate: Locate): string {
  if (files.length === 0) return `(${emptySelect(tables[table])})`
  const paths = files.map((file) => literal(locate(file.path))).join(', ')
  if (widened.has(table))
    return `(${emptySelect(tables[table])} UNION ALL BY NAME FROM read_parquet([${paths}], union_by_name = true))`
  return `read_parquet([${paths}], hive_partitioning = false)`
}

/** Current rows: the files of days and, where there is one, the overlay. */
export function currentSource(
  days: readonly CurrentFile[],
  { files: overlay }: Pick<Manifest['overlay'], 'files'>,
  locate: Locate,
): string {
  const files = days.filter((file) => file.rows > 0)
  if (overlay.length === 0) return tableSource(files, 'current', locate)
  const isCorrected = ({ dt }: { dt: string }) => overlay.some(({ dtMin, dtMax }) => dt >= dtMin && dt <= dtMax)
  return model('current-with-overlay', {
    columns: columnList(tables.current),
    untouched: tableSource(
      files.filter((file) => !isCorrected(file)),
      'current',
      locate,
    ),
    corrected: tableSource(files.filter(isCorrected), 'current', locate),
    overlay: tableSource(overlay, 'overlay', locate),
  })
}
