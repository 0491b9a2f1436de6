/** The bytes of a reading, taken out of the archive by its frame index. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { formatPath } from './paths.ts'
import type { RawIndex } from './raw-index.ts'
import { readRawRange } from './raw-reader.ts'
import type { Storage } from './storage.ts'

/** As `findReading` of the reader (`espi/reading-range.ts`): range of the first wanted reading from the first byte on. */
export type FindReading = (
  bytes: Buffer,
  isWanted: (startS: number, durationS: number) => boolean,
) => { readonly from: number; readonly to: number } | 'none' | 'more'

export interface ReceivedReading {
  /** Offsets in the decoded raw file, `byteTo` exclusive. */
  readonly byteFrom: number
  readonly byteTo: number
  readonly xml: string
}

/** A first look holds most readings; each next one is four times as long, up to the longest entry the reader takes. */
const firstBytes = 4096
const longestBytes = 1 << 28

/**
 * The first reading that is wanted in the element at `offset`: a reading, or the entry of its block. Raises LAKE_CORRUPT where
 * the archive does not hold it.
 */
export async function readReceived(
  lake: Storage,
  index: RawIndex,
  offset: number,
  find: FindReading,
  isWanted: Parameters<FindReading>[1],
): Promise<ReceivedReading> {
  const path = lake.locate(formatPath({ kind: 'raw', sha256: index.sha256 }))
  const corrupt = (what: string, cause?: unknown) =>
    new MeterlakeError(
      'LAKE_CORRUPT',
      `${path}: ${what} at byte ${offset}`,
      { sha256: index.sha256, byte_offset: offset },
      { cause },
    )
  for (let length = firstBytes; length <= longestBytes; length *= 4) {
    const bytes = await readRawRange(path, index, offset, offset + length)
    let range: ReturnType<FindReading>
    try {
      range = find(bytes, isWanted)
    } catch (error) {
      if (isMeterlakeError(error)) throw error
      throw corrupt('what is no element of a feed begins', error)
    }
    if (range === 'none') throw corrupt('the element holds no such reading')
    if (range !== 'more') {
      const { from, to } = range
      return { byteFrom: offset + from, byteTo: offset + to, xml: bytes.toString('utf8', from, to) }
    }
    if (bytes.length < length) break
  }
  throw corrupt('no reading ends')
}
