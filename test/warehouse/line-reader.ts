/** A feed reader for tests of staging: a line is a row as JSON, `r block start duration value`, or `! CODE message`. */
import { type ErrorCode, MeterlakeError } from '../../schemas/errors.ts'
import type { FeedRow, OpenFeedReader, ReadingBatch } from '../../schemas/feed-rows.ts'
import { nullInt32 } from '../../schemas/feed-rows.ts'

const pair = (pairs: Int32Array, row: number, value: number) => {
  pairs[2 * row] = value | 0
  pairs[2 * row + 1] = Math.floor(value / 2 ** 32)
}

export const openLineReader: OpenFeedReader = (sink) => {
  let rest = ''
  let bytes = 0
  let readings = 0
  let quarantined = 0
  let blocks = 0
  let kind: 'usage' | 'customer' = 'usage'
  let batch: ReadingBatch = sink.batch()
  const reading = ([block = 0, start = 0, duration = 0, value = 0]: number[]) => {
    const row = batch.rows++
    batch.blockSeq[row] = block
    pair(batch.startS, row, start)
    batch.durationS[row] = duration
    pair(batch.value, row, value)
    for (const column of [batch.quality, batch.tou, batch.cpp, batch.consumptionTier]) column[row] = nullInt32
    batch.qualitySource[row] = 0
    batch.costPresent[row] = 0
    batch.localDay[row] = Math.floor(start / 86_400)
    batch.heSeq[row] = batch.heClock[row] = 1 + (Math.floor(start / 3600) % 24)
    pair(batch.byteOffset, row, readings++)
    if (batch.rows < batch.capacity) return
    sink.readings(batch)
    batch = sink.batch()
  }
  const line = (text: string) => {
    if (text.startsWith('r ')) reading(text.slice(2).split(' ').map(Number))
    else if (text.startsWith('! ')) {
      const [, code = '', ...words] = text.split(' ')
      throw new MeterlakeError(code as ErrorCode, words.join(' '))
    } else if (text === 'customer') kind = 'customer'
    else if (text !== '') {
      const row = JSON.parse(text) as FeedRow
      if (row.table === 'block') blocks++
      if (row.table === 'quarantine' && row.severity === 'error') quarantined++
      sink.row(row)
    }
  }
  return {
    write(chunk) {
      bytes += chunk.length
      const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const text of lines) line(Buffer.from(text, 'latin1').toString())
    },
    end() {
      line(rest)
      if (batch.rows > 0) sink.readings(batch)
      return {
        kind,
        bytes,
        feedUpdatedAt: '2026-03-02T01:02:03Z',
        entries: blocks,
        entriesByKind: { IntervalBlock: blocks },
        blocks,
        readings,
        quarantined,
        markupRuns: 0,
        slowBytes: bytes,
      }
    },
  }
}
