/** All files a manifest names. */
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import { parsePath } from './paths.ts'

export interface NamedFile {
  readonly root: 'lake' | 'pii'
  /** `current`, `history`, `receipts`, `parked`, `raw`, or the name of a table. */
  readonly kind: string
  readonly ref: FileRef
}

/** Every file of a manifest under both roots; archived ones, whose sidecars it does not name, among them. */
export function namedFiles(manifest: Manifest): NamedFile[] {
  const of = (root: NamedFile['root'], kind: string, files: readonly FileRef[]) =>
    files.map((ref) => ({ root, kind, ref }))
  const { current, overlay, history, receipts, parked, tables, raw, pii } = manifest
  return [
    ...of('lake', 'current', current.files),
    ...of('lake', 'overlay', overlay.files),
    ...of('lake', 'history', history),
    ...of('lake', 'receipts', receipts),
    ...of('lake', 'parked', parked),
    ...Object.entries(tables).flatMap(([table, files]) => of('lake', table, files)),
    ...of('lake', 'raw', raw),
    ...Object.entries(pii.tables).flatMap(([table, files]) => of('pii', table, files)),
    ...of('pii', 'quarantine', pii.quarantine),
    ...of('pii', 'raw', pii.raw),
  ]
}

/** As it is called in findings. */
export const shownPath = ({ root, ref }: Pick<NamedFile, 'root' | 'ref'>): string =>
  root === 'pii' ? `pii/${ref.path}` : ref.path

/** The commit that wrote a file, by its name; 0 for one that is named by its content. */
export function writtenBy({ path }: FileRef): number {
  const parsed = parsePath(path)
  return parsed !== undefined && 'commit' in parsed ? parsed.commit : 0
}
