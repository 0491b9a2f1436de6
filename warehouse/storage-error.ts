/** Failures of the file system, and of the engine where they come from the file system, as typed errors. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const refusedCodes = new Set(['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EISDIR', 'EEXIST'])

// the engine reports errno only as text
const fullText = /No space left on device|ENOSPC|Disk quota exceeded|File too large|max_temp_directory_size/i
const refusedText = /Permission denied|Read-only file system|Operation not permitted|Not a directory|EACCES|EROFS/i

/**
 * Maps a failed write to LAKE_DISK_FULL or LAKE_NOT_WRITABLE, naming the path and what to do; a MeterlakeError and
 * anything else is returned as it is.
 */
export function storageError(error: unknown, path: string): unknown {
  if (isMeterlakeError(error) || !(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (fullCodes.has(code) || (code === '' && fullText.test(error.message)))
    return new MeterlakeError(
      'LAKE_DISK_FULL',
      `no space left while writing ${path}: free space there and repeat the load; nothing of it was published`,
      { path, errno: code || null },
      { cause: error },
    )
  if (refusedCodes.has(code) || (code === '' && refusedText.test(error.message)))
    return new MeterlakeError(
      'LAKE_NOT_WRITABLE',
      `${path} cannot be written (${code || 'refused'}): check the lake's path (--lake, METERLAKE_LAKE) and its owner and permissions`,
      { path, errno: code || null },
      { cause: error },
    )
  return error
}

/** Runs an effect on `path` and raises its failure through {@link storageError}. */
export async function guarded<T>(path: string, effect: () => Promise<T>): Promise<T> {
  try {
    return await effect()
  } catch (error) {
    throw storageError(error, path)
  }
}
