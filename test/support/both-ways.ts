/** One feed read with markup memory and without: everything that reached the sink, and how it ended, as text that can be compared. */
import { openFeedReader } from '../../espi/feed-reader.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import type { FeedReaderOptions, FeedSummary, ReadingBatch } from '../../schemas/feed-rows.ts'
import { readingBatch } from './collecting-sink.ts'

export interface Way {
  /** Readings, rows and the summary or the error, in the order they came. */
  readonly told: string
  readonly error: string | undefined
  /** Bytes that went through saxes, of a feed that was read to its end. */
  readonly slowBytes: number
  readonly markupRuns: number
}

const columns = [
  'blockSeq',
  'startS',
  'durationS',
  'value',
  'quality',
  'qualitySource',
  'tou',
  'cpp',
  'consumptionTier',
  'cost',
  'costPresent',
  'localDay',
  'heSeq',
  'heClock',
  'byteOffset',
] as const

function lineOf(batch: ReadingBatch): string {
  return columns
    .map((name) => batch[name].subarray(0, (batch.rows * batch[name].length) / batch.capacity).join(' '))
    .join(';')
}

const options: FeedReaderOptions = { timeZone: 'America/Los_Angeles', usagePointIdentity: 'id' }

/** Reads a feed in chunks of these sizes, the last of which repeats. */
export function readOneWay(feed: Buffer, chunkSizes: readonly number[], markupMemory: boolean): Way {
  const told: string[] = []
  const reader = openFeedReader(
    {
      batch: () => readingBatch(64),
      readings: (batch) => told.push(lineOf(batch)),
      row: (row) => told.push(JSON.stringify(row)),
    },
    { ...options, markupMemory },
  )
  try {
    let from = 0
    for (let turn = 0; from < feed.length; turn++) {
      const size = Math.max(1, chunkSizes[Math.min(turn, chunkSizes.length - 1)] ?? feed.length)
      const chunk = Buffer.from(feed.subarray(from, from + size))
      reader.write(chunk)
      chunk.fill(0x23)
      from += size
    }
    const { markupRuns, slowBytes, ...summary }: FeedSummary = reader.end()
    told.push(JSON.stringify(summary))
    return { told: told.join('\n'), error: undefined, slowBytes, markupRuns }
  } catch (error) {
    if (!isMeterlakeError(error)) throw error
    const text = `${error.code} ${error.message} ${JSON.stringify(error.details)}`
    return { told: [...told, text].join('\n'), error: error.code, slowBytes: 0, markupRuns: 0 }
  }
}

export interface BothWays {
  readonly on: Way
  readonly off: Way
  /** The property: nothing but the way differs. */
  readonly equal: boolean
}

export function readBothWays(feed: Buffer, chunkSizes: readonly number[] = [1 << 20]): BothWays {
  const off = readOneWay(feed, [feed.length], false)
  const on = readOneWay(feed, chunkSizes, true)
  return { on, off, equal: on.told === off.told }
}
