/**
 * The sidecar of an archived file, `raw/<ab>/<sha256>.json`: where its zstd frames begin, and where the bytes came from. Written after
 * the bytes, so a file without it was never completely archived.
 */
import { z } from 'zod'

export const rawIndexSchema = z.object({
  format: z.literal(1),
  /** Of the bytes as received. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Size as received; decoded where `erased`. */
  bytes: z.int().nonnegative(),
  /** What the received bytes are; offsets of readings count in the decoded ones. */
  contentCoding: z.enum(['identity', 'gzip', 'zip']),
  /** Bytes as received in each frame but the last. */
  frameBytes: z.int().positive(),
  /** Compressed size of each frame, in order. */
  frames: z.array(z.int().positive()),
  kind: z.enum(['usage', 'customer']),
  receivedAt: z.string(),
  source: z.enum(['file', 'notification']),
  sourceName: z.string(),
  correlationId: z.string().nullable(),
  /** Present where entries were erased: their bytes are blanks, and the archive holds the decoded bytes, of this SHA-256. */
  erased: z
    .object({ sha256: z.string(), at: z.string(), ranges: z.int().positive(), bytes: z.int().positive() })
    .optional(),
})

export type RawIndex = z.infer<typeof rawIndexSchema>

/** One frame of an archived file: where it lies there, and which received bytes it holds. */
export interface FramePlace {
  readonly at: number
  readonly compressedBytes: number
  readonly from: number
  readonly to: number
}

/** The frames that hold received bytes `from` up to (not with) `to`, in order. */
export function framesOf(index: RawIndex, from = 0, to = index.bytes): FramePlace[] {
  const places: FramePlace[] = []
  let at = 0
  for (const [ordinal, compressedBytes] of index.frames.entries()) {
    const start = ordinal * index.frameBytes
    const end = Math.min(start + index.frameBytes, index.bytes)
    if (start < to && end > from) places.push({ at, compressedBytes, from: start, to: end })
    at += compressedBytes
  }
  return places
}

/** Compressed size of the archived file. */
export const archivedBytes = (index: RawIndex): number => index.frames.reduce((sum, bytes) => sum + bytes, 0)
