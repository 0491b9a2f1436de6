/**
 * The reader alone: bytes in memory → typed columns, into a sink that recycles its batches; markup memory on and off in turns.
 * `node bench/reader.ts FEED [MB] [ROUNDS] [CHUNK_KB] [on]` reads the entries of the first MB of the feed (memory off: the first tenth of them).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { openFeedReader } from '../espi/feed-reader.ts'
import type { FeedSink, FeedSummary, ReadingBatch } from '../schemas/feed-rows.ts'
import { createReadingBatch } from '../warehouse/reading-batch.ts'

const [path = '', mb = '100', rounds = '5', chunkKb = '1024', only = ''] = process.argv.slice(2)
const chunkBytes = Number(chunkKb) * 1024

/** The first bytes of the feed, cut behind an entry and closed. */
function feedOf(bytes: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const head = Buffer.alloc(Math.min(size, bytes))
    readSync(file, head, 0, head.length, 0)
    if (head.length === size) return head
    const [, root = ''] = /^[^<]*(?:<\?[^>]*>\s*)?<([\w:]*feed)\b/.exec(head.toString('latin1', 0, 1000)) ?? []
    const entryEnd = `</${root.replace('feed', 'entry')}>`
    const end = head.lastIndexOf(entryEnd) + entryEnd.length
    return Buffer.concat([head.subarray(0, end), Buffer.from(`</${root}>`)])
  } finally {
    closeSync(file)
  }
}

class RecyclingSink implements FeedSink {
  readonly #free: ReadingBatch[] = []
  rows = 0
  batch(): ReadingBatch {
    const batch = this.#free.pop() ?? createReadingBatch()
    batch.rows = 0
    return batch
  }
  readings(batch: ReadingBatch): void {
    this.#free.push(batch)
  }
  row(): void {
    this.rows += 1
  }
}

function read(feed: Buffer, markupMemory: boolean): { readonly mbPerCpuS: number; readonly summary: FeedSummary } {
  const before = process.cpuUsage()
  const options = { timeZone: 'America/Los_Angeles', usagePointIdentity: 'id', markupMemory } as const
  const reader = openFeedReader(new RecyclingSink(), options)
  for (let at = 0; at < feed.length; at += chunkBytes) reader.write(feed.subarray(at, at + chunkBytes))
  const summary = reader.end()
  const { user, system } = process.cpuUsage(before)
  return { mbPerCpuS: feed.length / (user + system), summary }
}

const whole = feedOf(Number(mb) * 1e6)
const part = feedOf(Number(mb) * 1e5)
for (let round = 1; round <= Number(rounds); round++) {
  const off = only === 'on' ? { mbPerCpuS: Number.NaN } : read(part, false)
  const on = read(whole, true)
  const { readings, markupRuns, slowBytes } = on.summary
  const share = ((100 * slowBytes) / whole.length).toFixed(2)
  console.log(
    `off ${off.mbPerCpuS.toFixed(0)} MB/s, on ${on.mbPerCpuS.toFixed(0)} MB/s of CPU, ${(on.mbPerCpuS / off.mbPerCpuS).toFixed(1)}x; ` +
      `${readings} readings, ${markupRuns} runs, ${share} % of the bytes the slow way`,
  )
}
