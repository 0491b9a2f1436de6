/** ServiceLocation and Meter (or EndDevice) entries → rows. */
import type { FeedRow } from '../schemas/feed-rows.ts'
import { addressColumns, instantOf, jsonList, objectsOf, reachColumns, statusColumns } from './contact-columns.ts'
import { type CustomerLinks, usagePointOf } from './customer-links.ts'
import type { ContentPayload } from './leaf-record.ts'
import type { Identity } from './series-key.ts'

export function readServiceLocation(
  links: CustomerLinks,
  location_id: string,
  payload: ContentPayload,
  identity: Identity,
): FeedRow {
  const usagePoints = payload.texts('UsagePoints/UsagePoint')
  const [named] = usagePoints.map((href) => usagePointOf(href, identity))
  return {
    table: 'service_location',
    ...links.columns,
    location_id,
    agreement_id: links.of('CustomerAgreement'),
    usage_point_id: links.usagePointId ?? named ?? null,
    name: payload.text('name'),
    location_type: payload.text('type'),
    ...addressColumns(payload, 'mainAddress', 'service'),
    ...addressColumns(payload, 'secondaryAddress', 'secondary'),
    ...reachColumns(payload, ''),
    geo_info_reference: payload.text('geoInfoReference'),
    direction: payload.text('direction'),
    positions: jsonList([...objectsOf(payload, 'PositionPoints'), ...objectsOf(payload, 'positionPoints')]),
    ...statusColumns(payload, 'status', 'status'),
    access_method: payload.text('accessMethod'),
    site_access_problem: payload.text('siteAccessProblem'),
    needs_inspection: payload.flag('needsInspection'),
    usage_points: jsonList(usagePoints),
    outage_block: payload.text('outageBlock'),
    other: payload.other(),
  }
}

export function readMeter(links: CustomerLinks, meter_id: string, payload: ContentPayload): FeedRow {
  payload.texts('electronicAddress/password')
  return {
    table: 'meter',
    ...links.columns,
    meter_id,
    device: payload.kind,
    location_id: links.of('ServiceLocation'),
    agreement_id: links.of('CustomerAgreement'),
    usage_point_id: links.usagePointId,
    name: payload.text('name'),
    meter_type: payload.text('type'),
    serial_number: payload.text('serialNumber'),
    utc_number: payload.text('utcNumber'),
    lot_number: payload.text('lotNumber'),
    form_number: payload.text('formNumber'),
    interval_length_s: payload.integer('intervalLength', 'int48'),
    multipliers: jsonList(objectsOf(payload, 'MeterMultipliers')),
    is_virtual: payload.flag('isVirtual'),
    is_pan: payload.flag('isPan'),
    install_code: payload.text('installCode'),
    amr_system: payload.text('amrSystem'),
    critical: payload.flag('critical'),
    installed_at: instantOf(payload, 'lifecycle/installationDate'),
    removed_at: instantOf(payload, 'lifecycle/removalDate'),
    ...statusColumns(payload, 'status', 'status'),
    other: payload.other(),
  }
}
