/** We push: rows are appended to a table of the engine, which spills what does not fit, and copied at the end. The way out should table functions fail us. */
import { type BatchSink, columnSource, readingColumns, readingRowGroupRows, readingSelect } from './batch-sink.ts'
import { identifier } from './columns.ts'
import type { Database } from './database.ts'

/** A sink for one file. */
export const appenderSink = (database: Database): BatchSink => ({
  async write(next, file) {
    const definitions = readingColumns.map((column) => `${identifier(column.name)} ${column.type}`)
    await database.run(`CREATE TABLE feed_readings (${definitions.join(', ')})`)
    await database.append('feed_readings', readingColumns, columnSource(next))
    const written = await database.copy(`SELECT ${readingSelect} FROM feed_readings`, file, {
      rowGroupRows: readingRowGroupRows,
    })
    await database.run('DROP TABLE feed_readings')
    return written
  },
})
