/** Where rows of the lake are read from, as SQL that names the files. */
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import { type TableName, tables } from '../schemas/tables.ts'
import { columnList, emptySelect, literal } from './columns.ts'
import { model } from './model.ts'

/** Files as a table expression: literal paths, or no rows in the right types. */
export function source(files: readonly FileRef[], table: TableName, locate: (path: string) => string): string {
  if (files.length === 0) return `(${emptySelect(tables[table])})`
  return `read_parquet([${files.map((file) => literal(locate(file.path))).join(', ')}], hive_partitioning = false)`
}

/** Current rows as a table expression: the files of the days and, where there is one, the overlay. */
export function currentSource(
  { current, overlay }: Pick<Manifest, 'current' | 'overlay'>,
  locate: (path: string) => string,
): string {
  const files = current.files.filter((file) => file.rows > 0)
  if (overlay.files.length === 0) return source(files, 'current', locate)
  const isCorrected = ({ dt }: { dt: string }) => overlay.files.some(({ dtMin, dtMax }) => dt >= dtMin && dt <= dtMax)
  return model('current-with-overlay', {
    columns: columnList(tables.current),
    untouched: source(
      files.filter((file) => !isCorrected(file)),
      'current',
      locate,
    ),
    corrected: source(files.filter(isCorrected), 'current', locate),
    overlay: source(overlay.files, 'overlay', locate),
  })
}
