/**
 * Every table of the lake as an Arrow schema. DuckDB columns, view comments and the data dictionary derive from these; so
 * the name, type, unit and meaning of a column are said once, here.
 */
import type { Schema } from 'apache-arrow'
import { bigint, column, date, decimal, flag, instant, integer, table, text } from './column.ts'

const reading = 'IntervalBlock/IntervalReading'

const interval = {
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

const provenance = [interval.publishedAt, interval.loadId, interval.commitId]
const entryAt = column('byte_offset', bigint, {
  meaning: "offset of the entry's first byte in the raw file",
  unit: 'B',
})
const measure = [
  interval.value,
  interval.powerOfTen,
  interval.uom,
  interval.flowDirection,
  interval.commodity,
  interval.energyKwh,
  interval.energyRule,
]
const tags = [
  interval.quality,
  interval.qualityCodes,
  interval.qualitySource,
  interval.tou,
  interval.cpp,
  interval.tier,
  interval.cost,
]

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

const usagePointId = column('usage_point_id', text, {
  meaning: 'identity of the UsagePoint, byte-exact',
  source: 'UsagePoint entry/link[@rel=self]',
})

export const usagePoint = table('version of a UsagePoint', [
  usagePointId,
  column('href', text, { meaning: 'self link as sent', source: 'entry/link[@rel=self]/@href' }),
  column('subscription_id', text, {
    meaning: 'Subscription (or RetailCustomer) id of the path',
    null: 'not in the path',
  }),
  column('service_kind', integer, {
    meaning: 'ServiceKind: 0 electricity, 1 gas',
    source: 'UsagePoint/ServiceCategory/kind',
    null: 'not sent',
  }),
  column('status', integer, { meaning: 'status of the usage point', source: 'UsagePoint/status', null: 'not sent' }),
  column('tariff_profile', text, {
    meaning: 'current tariff',
    source: 'UsagePoint/ServiceDeliveryPoint/tariffProfile',
    null: 'not sent',
  }),
  column('read_cycle', text, { meaning: 'current meter-read cycle', source: 'UsagePoint/readCycle', null: 'not sent' }),
  column('customer_class', text, {
    meaning: 'RES, AGR, COM/IND, Other',
    source: 'UsagePoint/customerClass',
    null: 'not sent',
  }),
  column('other', text, {
    meaning: 'all other leaf elements sent, a JSON object of path to text',
    null: 'nothing else was sent',
  }),
  ...provenance,
  entryAt,
])

export const meterReading = table('version of a MeterReading', [
  interval.seriesKey,
  usagePointId,
  column('meter_reading_id', text, {
    meaning: 'MeterReading id as in the href, byte-exact',
    source: 'entry/link[@rel=self]',
  }),
  column('href', text, { meaning: 'self link as sent', source: 'entry/link[@rel=self]/@href' }),
  column('reading_type_id', text, {
    meaning: 'identity of the ReadingType',
    source: 'entry/link[@rel=related]',
    null: 'no related ReadingType',
  }),
  column('reused', flag, {
    meaning: 'one href, several ReadingTypes in one feed: this series is the nearest one before its blocks',
  }),
  ...provenance,
  entryAt,
])

const code = (name: string, element: string) =>
  column(name, integer, { meaning: element, source: `ReadingType/${element}`, null: 'not sent, or in conflict' })

export const readingType = table('version of a ReadingType', [
  column('reading_type_id', text, {
    meaning: 'identity of the ReadingType, byte-exact',
    source: 'entry/link[@rel=self]',
  }),
  column('href', text, { meaning: 'self link as sent', source: 'entry/link[@rel=self]/@href' }),
  code('accumulation_behaviour', 'accumulationBehaviour'),
  code('commodity', 'commodity'),
  code('data_qualifier', 'dataQualifier'),
  code('default_quality', 'defaultQuality'),
  code('flow_direction', 'flowDirection'),
  column('interval_length_s', integer, {
    meaning: 'intervalLength',
    unit: 's',
    source: 'ReadingType/intervalLength',
    null: 'not sent, or in conflict',
  }),
  code('kind', 'kind'),
  code('phase', 'phase'),
  code('power_of_ten', 'powerOfTenMultiplier'),
  code('time_attribute', 'timeAttribute'),
  code('uom', 'uom'),
  code('measuring_period', 'measuringPeriod'),
  code('currency', 'currency'),
  code('tou', 'tou'),
  code('cpp', 'cpp'),
  code('consumption_tier', 'consumptionTier'),
  column('conflict', flag, { meaning: 'defined twice in one feed with different contents; what differs is NULL' }),
  ...provenance,
  entryAt,
])

export const touCode = table('version of a code of the feed', [
  column('kind', text, {
    meaning: 'tou, cpp or consumptiontier',
    source: 'ProgramIdMappings/programIdMapping/tOUorCPPorConsumptionTier',
  }),
  column('code', integer, { meaning: 'the code as it stands on readings', source: 'programIdMapping/code' }),
  column('name', text, { meaning: 'short name', source: 'programIdMapping/name', null: 'not sent' }),
  column('note', text, { meaning: 'long name', source: 'programIdMapping/note', null: 'not sent' }),
  ...provenance,
  entryAt,
])

const summaryId = column('summary_id', text, {
  meaning: 'identity of the UsageSummary: its self link path, byte-exact',
  source: 'entry/link[@rel=self]',
})
const money = (name: string, source: string) =>
  column(name, bigint, { meaning: source, unit: '1e-5 currency', source: `UsageSummary/${source}`, null: 'not sent' })
const measurement = (name: string, source: string) => [
  column(`${name}_value`, bigint, {
    meaning: `${source}: integer as sent`,
    source: `${source}/value`,
    null: 'not sent',
  }),
  column(`${name}_power_of_ten`, integer, {
    meaning: `${source}: exponent`,
    source: `${source}/powerOfTenMultiplier`,
    null: 'not sent',
  }),
  column(`${name}_uom`, integer, { meaning: `${source}: unit of measure`, source: `${source}/uom`, null: 'not sent' }),
]

export const usageSummary = table('version of a UsageSummary (bill)', [
  summaryId,
  usagePointId,
  column('href', text, { meaning: 'self link as sent', source: 'entry/link[@rel=self]/@href' }),
  column('billing_start_at', instant, {
    meaning: 'start of the billing period',
    unit: 'UTC',
    source: 'UsageSummary/billingPeriod/start',
    null: 'not sent',
  }),
  column('billing_duration_s', bigint, {
    meaning: 'length of the billing period',
    unit: 's',
    source: 'UsageSummary/billingPeriod/duration',
    null: 'not sent',
  }),
  money('bill_last_period', 'billLastPeriod'),
  money('bill_to_date', 'billToDate'),
  money('cost_additional_last_period', 'costAdditionalLastPeriod'),
  column('currency', integer, {
    meaning: 'ISO 4217 number',
    source: 'UsageSummary/currency',
    null: 'not sent: 840 (USD) by convention',
  }),
  ...measurement('consumption', 'overallConsumptionLastPeriod'),
  column('consumption_reading_type_id', text, {
    meaning: 'ReadingType of the billed total',
    source: 'overallConsumptionLastPeriod/readingTypeRef',
    null: 'not sent',
  }),
  column('quality_of_reading', integer, {
    meaning: 'quality of the latest intervals of the period',
    source: 'UsageSummary/qualityOfReading',
    null: 'not sent',
  }),
  column('status_at', instant, {
    meaning: 'statusTimeStamp',
    unit: 'UTC',
    source: 'UsageSummary/statusTimeStamp',
    null: 'not sent',
  }),
  column('commodity', integer, {
    meaning: 'billed commodity (service voltage)',
    source: 'UsageSummary/commodity',
    null: 'not sent',
  }),
  column('tariff_profile', text, { meaning: 'billed tariff', source: 'UsageSummary/tariffProfile', null: 'not sent' }),
  column('read_cycle', text, { meaning: 'billed read cycle', source: 'UsageSummary/readCycle', null: 'not sent' }),
  column('tariff_riders', text, {
    meaning: 'JSON array of riderType, enrollmentStatus, effectiveDate',
    source: 'UsageSummary/tariffRiderRefs',
    null: 'not sent',
  }),
  column('billing_charge_source', text, {
    meaning: 'agency that charged',
    source: 'UsageSummary/billingChargeSource/agencyName',
    null: 'not sent',
  }),
  column('other', text, {
    meaning: 'all other leaf elements sent, a JSON object of path to text',
    null: 'nothing else was sent',
  }),
  ...provenance,
  entryAt,
])

export const usageSummaryLine = table('line item of a version of a UsageSummary', [
  summaryId,
  column('line', integer, { meaning: 'ordinal in the summary, from 1' }),
  column('amount', bigint, {
    meaning: 'amount',
    unit: '1e-5 currency',
    source: 'costAdditionalDetailLastPeriod/amount',
    null: 'informational line',
  }),
  column('rounding', bigint, {
    meaning: 'rounding',
    unit: '1e-5 currency',
    source: 'costAdditionalDetailLastPeriod/rounding',
    null: 'not sent',
  }),
  column('note', text, {
    meaning: 'name of the line',
    source: 'costAdditionalDetailLastPeriod/note',
    null: 'not sent',
  }),
  ...measurement('measurement', 'costAdditionalDetailLastPeriod/measurement'),
  column('item_kind', integer, {
    meaning: 'ItemKind',
    source: 'costAdditionalDetailLastPeriod/itemKind',
    null: 'not sent',
  }),
  column('unit_cost', bigint, {
    meaning: 'price per unit',
    unit: '1e-5 currency',
    source: 'costAdditionalDetailLastPeriod/unitCost',
    null: 'not sent',
  }),
  column('period_start_at', instant, {
    meaning: 'start of the item period',
    unit: 'UTC',
    source: 'costAdditionalDetailLastPeriod/itemPeriod/start',
    null: 'not sent',
  }),
  column('period_duration_s', bigint, {
    meaning: 'length of the item period',
    unit: 's',
    source: 'costAdditionalDetailLastPeriod/itemPeriod/duration',
    null: 'not sent',
  }),
  ...provenance,
  entryAt,
])

/** First interval ever seen of a series: from then on its usage point has this flow, and its absence is not zero. */
export const channel = table('series and the first interval seen of it', [
  interval.seriesKey,
  usagePointId,
  interval.flowDirection,
  column('first_start_at', instant, { meaning: 'start of the earliest interval seen', unit: 'UTC' }),
  interval.commitId,
])

export const quarantine = table('element that was refused, or that calls for attention', [
  interval.loadId,
  column('rule', text, { meaning: 'rule that was broken, e.g. READING_VALUE_MISSING' }),
  column('severity', text, { meaning: 'error: the entry was left out; warn: kept, look at it' }),
  column('path', text, { meaning: 'element path in the feed' }),
  column('href', text, { meaning: 'self link of the entry', null: 'the entry has none' }),
  column('byte_from', bigint, { meaning: 'first byte in the raw file', unit: 'B' }),
  column('byte_to', bigint, { meaning: 'byte after the last', unit: 'B' }),
  column('fragment', text, { meaning: 'the bytes, at most 4 KiB of them', null: 'kept in pii/' }),
  column('message', text, { meaning: 'what is wrong and what to do' }),
  interval.commitId,
])

/** What a feed holds that the reader does not know: counted, never dropped silently. */
export const drift = table('unknown element, attribute or code of a load', [
  interval.loadId,
  column('kind', text, { meaning: 'element, attribute or code' }),
  column('name', text, { meaning: 'path of the element, or list and code' }),
  column('n', bigint, { meaning: 'times it occurred' }),
  column('first_byte', bigint, { meaning: 'where it came first', unit: 'B' }),
  interval.commitId,
])

const count = (name: string, meaning: string) => column(name, bigint, { meaning })

/** The ledger: one row per load, also of one that failed. */
export const load = table('load', [
  interval.loadId,
  column('sha256', text, { meaning: 'SHA-256 of the bytes as received' }),
  column('kind', text, { meaning: 'usage or customer' }),
  column('status', text, { meaning: 'loaded, quarantined (some entries left out), archived (customer feed), failed' }),
  column('error_code', text, { meaning: 'code of the failure', null: 'did not fail' }),
  column('error_message', text, { meaning: 'what failed', null: 'did not fail' }),
  column('source', text, { meaning: 'file or notification' }),
  column('source_name', text, { meaning: 'file name, or resource path without its query' }),
  column('notification_id', text, { meaning: 'notification that named it', null: 'none' }),
  column('correlation_id', text, { meaning: 'correlationID of the URL', null: 'none' }),
  column('profile', text, { meaning: 'custodian profile' }),
  column('received_at', instant, { meaning: 'when the bytes were complete here', unit: 'UTC' }),
  column('feed_updated_at', instant, { meaning: 'feed/updated', unit: 'UTC', null: 'not sent' }),
  column('bytes', bigint, { meaning: 'size as received', unit: 'B' }),
  column('raw_path', text, { meaning: 'path in the raw archive, relative to its root', null: 'customer feed' }),
  count('n_entries', 'entries'),
  count('n_usage_points', 'distinct usage points'),
  count('n_blocks', 'IntervalBlocks'),
  count('n_readings', 'readings received'),
  count('n_new', 'readings that were new'),
  count('n_revised', 'readings that changed an earlier one'),
  count('n_unchanged', 'readings that said again what was known'),
  count('n_late', 'readings older than what was known, kept as versions'),
  count('n_superseded', 'earlier readings withdrawn because a newer one covers them'),
  count('n_parked', 'readings waiting for their parents'),
  count('n_quarantined', 'entries left out'),
  count('n_drift', 'kinds of unknown elements and codes'),
  column('local_date_min', date, { meaning: 'earliest local day touched', null: 'no readings' }),
  column('local_date_max', date, { meaning: 'latest local day touched', null: 'no readings' }),
  column('parser', text, { meaning: 'version of the reader' }),
  column('load_s', decimal(12, 3), { meaning: 'time of reading and staging', unit: 's' }),
  interval.commitId,
  column('known_at', instant, { meaning: 'when the commit made it known: strictly increasing', unit: 'UTC' }),
])

export const notification = table('notification received', [
  column('notification_id', text, { meaning: 'SHA-256 of its resource list, or of its bytes where it has none' }),
  column('received_at', instant, { meaning: 'when it was spooled', unit: 'UTC' }),
  column('status', text, { meaning: 'ingested, duplicate, empty, sentinel, refused, malformed, partial, failed' }),
  column('n_resources', integer, { meaning: 'URLs in the list' }),
  column('n_refused', integer, { meaning: 'URLs outside the allow-list' }),
  column('n_loaded', integer, { meaning: 'URLs loaded' }),
  column('message', text, { meaning: 'what happened', null: 'nothing to say' }),
  interval.commitId,
])

/** Tables the lake keeps as Parquet, by name. `satisfies` keeps the names literal. */
export const tables = {
  current,
  history,
  receipt,
  parked,
  usage_point: usagePoint,
  meter_reading: meterReading,
  reading_type: readingType,
  tou_code: touCode,
  usage_summary: usageSummary,
  usage_summary_line: usageSummaryLine,
  channel,
  quarantine,
  drift,
  load,
  notification,
} as const satisfies Record<string, Schema>

export type TableName = keyof typeof tables
