/**
 * Layout of the files a load leaves in staging: what the feed reader emitted, links not yet resolved across files. Names and
 * meaning as in `feed-rows.ts`; `load_id` and `commit_id` are the publisher's to add.
 */
import type { Schema } from 'apache-arrow'
import { bigint, column, date, flag, instant, integer, table, text } from './column.ts'
import { personalTables } from './tables-personal.ts'
import { tables } from './tables.ts'

const blockSeq = column('block_seq', integer, { meaning: 'ordinal of the block in this feed, from 0' })

/** Readings in feed order. What they mean is joined by block_seq. */
const readings = table('reading as sent', [
  blockSeq,
  column('start_at', instant, { meaning: 'start of the interval', unit: 'UTC' }),
  column('duration_s', integer, { meaning: 'length of the interval', unit: 's' }),
  column('local_date', date, { meaning: 'local day of start_at' }),
  column('he_seq', integer, { meaning: 'hour ending, elapsed' }),
  column('he_clock', integer, { meaning: 'hour ending by the clock' }),
  column('value', bigint, { meaning: 'the integer as sent' }),
  column('quality', integer, {
    meaning: "worst of the reading's own codes, else of the block's",
    null: 'neither sent',
  }),
  column('quality_source', integer, { meaning: '0 none, 1 reading, 2 block' }),
  column('tou', integer, { meaning: 'time-of-use code', null: 'not sent' }),
  column('cpp', integer, { meaning: 'critical-peak code', null: 'not sent' }),
  column('consumption_tier', integer, { meaning: 'consumption tier', null: 'not sent' }),
  column('cost', bigint, { meaning: 'cost of the interval', unit: '1e-5 currency', null: 'not sent' }),
  column('byte_offset', bigint, { meaning: "offset of the reading's first byte in the raw file", unit: 'B' }),
])

/** One row per IntervalBlock. */
const block = table('IntervalBlock as sent', [
  blockSeq,
  column('series_key', bigint, { meaning: 'key of the series' }),
  column('meter_reading_href', text, { meaning: 'href of the MeterReading the block names' }),
  column('usage_point_id', text, { meaning: 'identity of the UsagePoint' }),
  column('meter_reading_id', text, { meaning: 'MeterReading id as in the href' }),
  column('published_at', instant, { meaning: 'entry/published', unit: 'UTC', null: 'not sent' }),
  column('n_readings', integer, { meaning: 'readings of the block' }),
  column('rejected', flag, { meaning: 'true: its entry was quarantined; none of its readings count' }),
  column('byte_offset', bigint, { meaning: "offset of the block's entry in the raw file", unit: 'B' }),
])

/** One row per run of consecutive readings of equal length in a block. */
const blockRun = table('run of consecutive readings', [
  blockSeq,
  column('start_s', bigint, { meaning: 'start of the run, Unix time', unit: 's' }),
  column('duration_s', integer, { meaning: 'length of each reading', unit: 's' }),
  column('n_readings', integer, { meaning: 'readings in the run' }),
])

/** Readings that carry several quality codes; joined by byte_offset. */
const readingCodes = table('quality codes of a reading', [
  blockSeq,
  column('byte_offset', bigint, { meaning: "offset of the reading's first byte in the raw file", unit: 'B' }),
  column('codes', text, { meaning: 'all codes, space-separated, in document order' }),
])

const publisherColumns = new Set(['load_id', 'commit_id', 'known_at'])

/** A table of the lake as it is staged: without the columns the publisher adds. */
const staged = (schema: Schema): Schema =>
  table(
    schema.metadata.get('grain') ?? '',
    schema.fields.filter((field) => !publisherColumns.has(field.name)),
  )

/** Staged tables by name; the name is also the file's (`<name>.parquet`). A table without rows has no file. */
export const stagingTables = {
  readings,
  block,
  block_run: blockRun,
  reading_codes: readingCodes,
  usage_point: staged(tables.usage_point),
  meter_reading: staged(tables.meter_reading),
  reading_type: staged(tables.reading_type),
  tou_code: staged(tables.tou_code),
  usage_summary: staged(tables.usage_summary),
  usage_summary_line: staged(tables.usage_summary_line),
  usage_point_agreement: staged(tables.usage_point_agreement),
  usage_point_place: staged(tables.usage_point_place),
  customer: staged(personalTables.customer),
  customer_account: staged(personalTables.customer_account),
  customer_agreement: staged(personalTables.customer_agreement),
  service_location: staged(personalTables.service_location),
  meter: staged(personalTables.meter),
  demand_response_program: staged(personalTables.demand_response_program),
  program_date_code: staged(personalTables.program_date_code),
  service_supplier: staged(personalTables.service_supplier),
  quarantine: staged(tables.quarantine),
  drift: staged(tables.drift),
  roster: staged(tables.roster),
} as const satisfies Record<string, Schema>

export type StagingTableName = keyof typeof stagingTables
