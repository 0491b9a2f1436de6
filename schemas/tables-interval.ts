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

/** Corrections of past days, one file a commit: of each interval the row of the latest overlay_commit stands in place of that in the day's file. */
export const overlay = table('corrected interval of a past day', [
  ...current.fields,
  column('withdrawn', flag, { meaning: 'true: the interval has no current row any more' }),
  column('in_day', flag, { meaning: 'true: the file of its day has a row of it, which no longer counts' }),
  column('overlay_commit', bigint, { meaning: 'commit that put the row here; the latest counts' }),
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
