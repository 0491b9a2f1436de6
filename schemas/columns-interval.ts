/** Columns of interval data, and those every table of the lake shares. */
import { bigint, column, date, decimal, instant, integer, text } from './column.ts'

const reading = 'IntervalBlock/IntervalReading'

/** Columns that several tables share, by their camelCase name. */
export const interval = {
  seriesKey: column('series_key', bigint, {
    meaning: 'key of the series (usage point and MeterReading): low 63 bits of a SHA-256 of its identity',
  }),
  startAt: column('start_at', instant, {
    meaning: 'start of the interval, UTC',
    unit: 'UTC',
    source: `${reading}/timePeriod/start`,
  }),
  durationS: column('duration_s', integer, {
    meaning: 'length of the interval',
    unit: 's',
    source: `${reading}/timePeriod/duration`,
  }),
  localDate: column('local_date', date, { meaning: "local day of start_at in the custodian's time zone" }),
  heSeq: column('he_seq', integer, {
    meaning: 'hour ending, elapsed: 1…24, 1…23 and 1…25 on the days the clock changes',
  }),
  heClock: column('he_clock', integer, {
    meaning: 'hour ending by the clock: 1…24; 3 is missing in spring, 2 comes twice in autumn',
  }),
  value: column('value', bigint, {
    meaning: 'the integer as sent',
    unit: '10^power_of_ten uom',
    source: `${reading}/value`,
    null: 'in current files: derivable from energy_kwh; in history: the row only withdraws a superseded reading',
  }),
  powerOfTen: column('power_of_ten', integer, {
    meaning: 'exponent of value',
    source: 'ReadingType/powerOfTenMultiplier',
    null: 'not sent, or in conflict',
  }),
  uom: column('uom', integer, {
    meaning: 'unit of measure (UnitSymbolKind)',
    source: 'ReadingType/uom',
    null: 'not sent, or in conflict',
  }),
  flowDirection: column('flow_direction', integer, {
    meaning: '1 delivered, 19 received (absolute), 4 net',
    source: 'ReadingType/flowDirection',
    null: 'not sent, or in conflict',
  }),
  commodity: column('commodity', integer, {
    meaning: 'CommodityKind',
    source: 'ReadingType/commodity',
    null: 'not sent, or in conflict',
  }),
  energyKwh: column('energy_kwh', decimal(18, 9), {
    meaning: 'value × 10^(power_of_ten − 3), exact',
    unit: 'kWh',
    null: 'energy_rule says why',
  }),
  energyRule: column('energy_rule', integer, {
    meaning: '0 = energy present; else why not (schemas/espi-codes.ts energyRules)',
  }),
  quality: column('quality', integer, {
    meaning: 'worst QualityOfReading code in force',
    source: `${reading}/ReadingQuality/quality`,
    null: 'none sent, no default',
  }),
  qualityCodes: column('quality_codes', text, {
    meaning: 'all codes, space-separated, in document order',
    source: `${reading}/ReadingQuality/quality`,
    null: 'the single code in quality',
  }),
  qualitySource: column('quality_source', integer, {
    meaning: '0 none, 1 reading, 2 block, 3 default of the ReadingType',
  }),
  tou: column('tou', integer, { meaning: 'time-of-use code', source: `${reading}/tou`, null: 'not sent' }),
  cpp: column('cpp', integer, { meaning: 'critical-peak code', source: `${reading}/cpp`, null: 'not sent' }),
  tier: column('consumption_tier', integer, {
    meaning: 'consumption tier',
    source: `${reading}/consumptionTier`,
    null: 'not sent',
  }),
  cost: column('cost', bigint, {
    meaning: 'cost of the interval',
    unit: '1e-5 currency',
    source: `${reading}/cost`,
    null: 'not sent',
  }),
  publishedAt: column('published_at', instant, {
    meaning: 'when the utility published the block',
    unit: 'UTC',
    source: 'entry/published',
    null: 'not sent',
  }),
  loadId: column('load_id', text, { meaning: 'the load that brought the row' }),
  commitId: column('commit_id', bigint, { meaning: 'the commit (manifest number) that made the row known' }),
  byteOffset: column('byte_offset', bigint, {
    meaning: "offset of the reading's first byte in the raw file",
    unit: 'B',
  }),
}

/** Which publication, load and commit a row comes from. */
export const provenance = [interval.publishedAt, interval.loadId, interval.commitId]
export const entryAt = column('byte_offset', bigint, {
  meaning: "offset of the entry's first byte in the raw file",
  unit: 'B',
})
/** What was measured, as sent and as exact energy. */
export const measure = [
  interval.value,
  interval.powerOfTen,
  interval.uom,
  interval.flowDirection,
  interval.commodity,
  interval.energyKwh,
  interval.energyRule,
]
/** What qualifies a reading. */
export const tags = [
  interval.quality,
  interval.qualityCodes,
  interval.qualitySource,
  interval.tou,
  interval.cpp,
  interval.tier,
  interval.cost,
]

export const usagePointId = column('usage_point_id', text, {
  meaning: 'identity of the UsagePoint, byte-exact',
  source: 'UsagePoint entry/link[@rel=self]',
})
