/** Tables of what readings belong to (usage points, series, their types, codes) and of bills: versioned, never overwritten. */
import { bigint, column, flag, instant, integer, table, text } from './column.ts'
import { entryAt, interval, provenance, usagePointId } from './columns-interval.ts'

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
  column('lines_digest', text, {
    meaning: 'digest of its line items as sent: versions of a bill that say the same have the same',
    null: 'no line items',
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

export const confirmation = table('latest repetition of a version of the tables above that came again unchanged', [
  column('of_table', text, { meaning: 'table of the version' }),
  column('key', text, { meaning: 'its key there, parts separated by a blank' }),
  ...provenance,
  entryAt,
])
