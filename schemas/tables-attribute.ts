/** What analysts may know of the customer behind a usage point without knowing who it is: taken out of customer feeds, versioned. */
import { column, flag, instant, table, text } from './column.ts'
import { entryAt, provenance, usagePointId } from './columns-interval.ts'

/** From CustomerAgreement. CARE, FERA and medical baseline are not here: they stay in `pii/`. */
export const usagePointAgreement = table('version of what the agreement says of a UsagePoint', [
  usagePointId,
  column('customer_key', text, {
    meaning: 'opaque key of the customer: joins pii.customer',
    null: 'no customer feed names one',
  }),
  column('agreement_key', text, {
    meaning: 'opaque key of the service agreement: joins pii.customer_agreement',
    null: 'no customer feed names one',
  }),
  column('customer_class', text, {
    meaning: 'RES, AGR, COM/IND, Other',
    source: 'CustomerAgreement/type',
    null: 'not sent',
  }),
  column('tariff', text, {
    meaning: 'rate schedule',
    source: 'CustomerAgreement/PricingStructures',
    null: 'not sent',
  }),
  column('net_generation', flag, {
    meaning: 'true: a rate option says generation on site',
    source: 'CustomerAgreement/PricingStructures',
    null: 'no option says so',
  }),
  column('service_voltage', text, {
    meaning: 'service voltage as sent',
    source: 'CustomerAgreement/extension/serviceVoltage',
    null: 'not sent',
  }),
  column('is_closed', flag, {
    meaning: 'true: its status says that it is over',
    source: 'CustomerAgreement/docStatus/value',
    null: 'its status does not say so',
  }),
  column('ended_at', instant, {
    meaning: 'when it ended, or is to end',
    unit: 'UTC',
    source: 'CustomerAgreement/docStatus, futureStatus, validityInterval',
    null: 'no such date was sent',
  }),
  ...provenance,
  entryAt,
])

/** From ServiceLocation: no nearer than the town. */
export const usagePointPlace = table('version of where a UsagePoint is', [
  usagePointId,
  column('zip', text, {
    meaning: 'ZIP code, five digits',
    source: 'ServiceLocation/mainAddress/townDetail/code',
    null: 'not sent',
  }),
  column('city', text, { meaning: 'town', source: 'ServiceLocation/mainAddress/townDetail/name', null: 'not sent' }),
  ...provenance,
  entryAt,
])
