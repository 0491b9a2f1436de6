/**
 * UsageSummary (a bill) → a row of table usage_summary and one per line item. ElectricPowerUsageSummary is its older name;
 * ElectricPowerQualitySummary has no bill in it: its elements stand in `other`.
 */
import { hash } from 'node:crypto'
import { commodities, lineItemKinds, qualities } from '../schemas/espi-codes.ts'
import type { FeedRow } from '../schemas/feed-rows.ts'
import { parseResourceUri, resourcePath } from '../schemas/resource-uri.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import { epochInstant } from './leaf-instant.ts'
import type { ContentPayload } from './leaf-record.ts'
import { type Identity, resourceIdentity } from './series-key.ts'

/** The rows, the bill first; none where the entry was rejected. */
export function readUsageSummary(
  entry: Entry,
  payload: ContentPayload,
  identity: Identity,
  drift: Drift,
  path: string,
): FeedRow[] {
  const href = entry.self
  const summary_id = href === undefined ? undefined : summaryPath(href)
  const usage_point_id = [entry.self, entry.up]
    .map((link) => (link === undefined ? undefined : resourceIdentity(link, 'UsagePoint', identity)))
    .find((id) => id !== undefined)
  if (href === undefined || summary_id === undefined || usage_point_id === undefined) {
    entry.rejectWhole('USAGE_SUMMARY_UNIDENTIFIED', path, 'its links name no summary of a UsagePoint')
    return []
  }
  const lines = payload.children('costAdditionalDetailLastPeriod')
  const provenance = {
    published_at: Number.isNaN(entry.publishedAt_us) ? null : formatInstant(entry.publishedAt_us),
    byte_offset: entry.at,
  }
  const readingTypeRef = payload.text('overallConsumptionLastPeriod/readingTypeRef')
  const quality_of_reading = payload.integer('qualityOfReading')
  drift.code('qualityOfReading', qualities, quality_of_reading, payload.at)
  const commodity = payload.integer('commodity')
  drift.code('commodity', commodities, commodity, payload.at)
  const lineRows = lines.map((line, index) => lineRow(line, index + 1, summary_id, provenance, drift))
  return [
    {
      table: 'usage_summary',
      summary_id,
      usage_point_id,
      href,
      billing_start_at: seconds(payload, 'billingPeriod/start'),
      billing_duration_s: payload.integer('billingPeriod/duration', 'int48'),
      bill_last_period: payload.integer('billLastPeriod', 'int48'),
      bill_to_date: payload.integer('billToDate', 'int48'),
      cost_additional_last_period: payload.integer('costAdditionalLastPeriod', 'int48'),
      currency: payload.integer('currency'),
      ...measurement(payload, 'overallConsumptionLastPeriod', 'consumption'),
      consumption_reading_type_id:
        readingTypeRef === null ? null : (resourceIdentity(readingTypeRef, 'ReadingType', identity) ?? readingTypeRef),
      quality_of_reading,
      status_at: seconds(payload, 'statusTimeStamp'),
      commodity,
      tariff_profile: payload.text('tariffProfile'),
      read_cycle: payload.text('readCycle'),
      tariff_riders: riders(payload),
      lines_digest: digestOf(lineRows),
      billing_charge_source: payload.text('billingChargeSource/agencyName'),
      other: payload.other(),
      ...provenance,
    },
    ...lineRows,
  ]
}

/** What the lines say, wherever they stand. */
function digestOf(lines: readonly FeedRow[]): string | null {
  if (lines.length === 0) return null
  const said = lines.map((line) => ({ ...line, published_at: null, byte_offset: 0 }))
  return hash('sha256', JSON.stringify(said), 'hex').slice(0, 32)
}

/** The path of a summary in an href, under whichever of its names. */
function summaryPath(href: string): string | undefined {
  const uri = parseResourceUri(href)
  if (uri === undefined) return undefined
  for (const name of ['UsageSummary', 'ElectricPowerUsageSummary', 'ElectricPowerQualitySummary']) {
    const path = resourcePath(uri, name)
    if (path !== undefined) return path
  }
  return undefined
}

function lineRow(
  line: ContentPayload,
  ordinal: number,
  summary_id: string,
  provenance: { readonly published_at: string | null; readonly byte_offset: number },
  drift: Drift,
): FeedRow {
  const item_kind = line.integer('itemKind')
  drift.code('itemKind', lineItemKinds, item_kind, line.at)
  return {
    table: 'usage_summary_line',
    summary_id,
    line: ordinal,
    amount: line.integer('amount', 'int48'),
    rounding: line.integer('rounding', 'int48'),
    note: line.text('note'),
    ...measurement(line, 'measurement', 'measurement'),
    item_kind,
    unit_cost: line.integer('unitCost', 'int48'),
    period_start_at: seconds(line, 'itemPeriod/start'),
    period_duration_s: line.integer('itemPeriod/duration', 'int48'),
    ...provenance,
  }
}

function measurement(payload: ContentPayload, element: string, column: string): Record<string, number | null> {
  return {
    [`${column}_value`]: payload.integer(`${element}/value`, 'int48'),
    [`${column}_power_of_ten`]: payload.integer(`${element}/powerOfTenMultiplier`, 'int16'),
    [`${column}_uom`]: payload.integer(`${element}/uom`),
  }
}

const seconds = (payload: ContentPayload, name: string) => epochInstant(payload, name, { from: 1970, to: 2100 })

/** JSON of the tariff riders, whether each stands alone (PG&E) or all in a wrapper (NAESB). */
function riders(payload: ContentPayload): string | null {
  const found: { riderType: string | null; enrollmentStatus: string | null; effectiveDate: string | null }[] = []
  for (const group of payload.children('tariffRiderRefs')) {
    const wrapped = group.children('tariffRiderRef')
    for (const rider of wrapped.length > 0 ? wrapped : [group])
      found.push({
        riderType: rider.text('riderType'),
        enrollmentStatus: rider.text('enrollmentStatus'),
        effectiveDate: rider.text('effectiveDate'),
      })
  }
  return found.length === 0 ? null : JSON.stringify(found)
}
