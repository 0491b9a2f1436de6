/** `relink`: the views made anew, with the paths that hold where the lake is now. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { readNewestManifest } from './manifest.ts'
import { namedFiles, shownPath } from './named-files.ts'
import { buildPersonalViews, ensurePersonalViews, hasPersonalViews } from './personal-views.ts'
import { openRoots } from './storage.ts'
import { buildViews, ensureViews } from './views.ts'

export interface Relinked {
  /** Number of the manifest the views are of. */
  readonly manifest: number
  /** Files the manifest names, all of which are there. */
  readonly files: number
  /** Of pii.duckdb; `none`: no customer feed was ever loaded; `refused`: the pii root is not this user's to read and write. */
  readonly personal: 'made' | 'none' | 'refused'
}

/**
 * Makes views.duckdb and pii.duckdb anew, whatever they say, once every file their manifest names is found; else both stay as they are.
 * Raises LAKE_MISSING, LAKE_CORRUPT where files are missing, LAKE_NOT_WRITABLE.
 */
export async function relink(roots: LakeRoots): Promise<Relinked> {
  const { lake, pii } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest)
    throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${lake.root}`, { lake: lake.root })
  let isRefused = false
  const missing: string[] = []
  const files = namedFiles(manifest)
  for (const file of files) {
    const size = (file.root === 'pii' ? pii : lake).size(file.ref.path)
    const isThere = await size.catch(() => {
      isRefused ||= file.root === 'pii'
      return file.root === 'pii' ? file.ref.bytes : undefined
    })
    if (isThere === undefined) missing.push(shownPath(file))
  }
  if (missing.length > 0)
    throw new MeterlakeError(
      'LAKE_CORRUPT',
      `${missing.length} of ${files.length} files of manifest ${manifest.n} are not under ${lake.root} and ${pii.root}, e.g. ${missing[0]}: move or copy all of both folders`,
      { missing: missing.length, path: missing[0] },
    )
  await buildViews(lake, manifest)
  // whoever published meanwhile has views of their own
  await ensureViews(roots)
  if (!hasPersonalViews(manifest)) return { manifest: manifest.n, files: files.length, personal: 'none' }
  if (!isRefused) await buildPersonalViews(lake, pii, manifest)
  if (!isRefused) await ensurePersonalViews(roots)
  return { manifest: manifest.n, files: files.length, personal: isRefused ? 'refused' : 'made' }
}
