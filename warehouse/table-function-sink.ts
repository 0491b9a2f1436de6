/** The engine pulls: COPY reads a table function whose callback reads the feed. No copy of the rows is kept: flat memory. */
import { type BatchSink, columnSource, readingColumns, readingRowGroupRows, readingSelect } from './batch-sink.ts'
import type { Database } from './database.ts'

/** A sink for one file. */
export const tableFunctionSink = (database: Database): BatchSink => ({
  async write(next, file) {
    database.registerSource('feed_readings', readingColumns, columnSource(next))
    return await database.copy(`SELECT ${readingSelect} FROM feed_readings()`, file, {
      rowGroupRows: readingRowGroupRows,
    })
  },
})
