/** Tables that hold one row per interval, or per run of them. */
import { column, flag, instant, integer, table, text, bigint } from './column.ts'
import { interval, measure, provenance, tags, usagePointId } from './columns-interval.ts'

/** One row per current interval, in immutable files by local day, sorted by series then start. */
export const current = table('current interval', [
  interval.seriesKey,
  interval.startAt,
  interval.durationS,
  interval.localDate,
  interval.heSeq,
  interval.heClock,
  ...measure,
  ...tags,
  ...provenance,
])

/** Every version of every interval, and the rows that withdraw a superseded one. */
export const history = table('version of an interval', [
  interval.seriesKey,
  interval.startAt,
  interval.durationS,
  interval.localDate,
  interval.heSeq,
  interval.heClock,
  ...measure,
  ...tags,
  column('superseded', flag, { meaning: 'true: a newer reading that covers this one withdrew it; value is NULL' }),
  ...provenance,
  interval.byteOffset,
])

/** What was received: a run of consecutive readings of one block, also where nothing in it was new. */
export const receipt = table('run of consecutive readings of a received block', [
  interval.seriesKey,
  interval.startAt,
  interval.durationS,
  interval.localDate,
  column('end_at', instant, { meaning: 'end of the last reading of the run', unit: 'UTC' }),
  column('n_readings', integer, { meaning: 'readings in the run' }),
  ...provenance,
  column('byte_offset', bigint, { meaning: "offset of the block's entry in the raw file", unit: 'B' }),
])

/** Readings whose MeterReading or ReadingType has not come yet; attached by a later commit. */
export const parked = table('reading waiting for its MeterReading or ReadingType', [
  interval.seriesKey,
  interval.startAt,
  interval.durationS,
  interval.localDate,
  interval.heSeq,
  interval.heClock,
  interval.value,
  ...tags,
  interval.publishedAt,
  interval.loadId,
  interval.byteOffset,
  column('block_offset', bigint, { meaning: "offset of the block's entry in the raw file", unit: 'B' }),
  column('meter_reading_href', text, { meaning: 'href of the MeterReading the block names' }),
])

/** First interval ever seen of a series: from then on its usage point has this flow, and its absence is not zero. */
export const channel = table('series and the first interval seen of it', [
  interval.seriesKey,
  usagePointId,
  interval.flowDirection,
  column('first_start_at', instant, { meaning: 'start of the earliest interval seen', unit: 'UTC' }),
  interval.commitId,
])
