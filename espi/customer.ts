/** Customer, CustomerAccount and ServiceSupplier entries → rows. */
import type { FeedRow } from '../schemas/feed-rows.ts'
import {
  addressColumns,
  documentColumns,
  instantOf,
  jsonList,
  objectsOf,
  reachColumns,
  statusColumns,
} from './contact-columns.ts'
import type { CustomerLinks } from './customer-links.ts'
import type { Drift } from './drift.ts'
import type { ContentPayload } from './leaf-record.ts'

const customerKinds: ReadonlySet<string> = new Set(
  `residential residentialAndCommercial residentialAndStreetlight residentialStreetlightOthers residentialFarmService
  commercialIndustrial pumpingLoad windMachine energyServiceSupplier energyServiceScheduler enterprise regionalOperator
  subsidiary internalUse other`.split(/\s+/),
)
const supplierKinds: ReadonlySet<string> = new Set(['utility', 'retailer', 'other', 'lse', 'mdma', 'msp'])

/** A text that its list does not hold is counted, but not repeated: it may be anything. */
export function countUnlisted(
  drift: Drift,
  list: string,
  known: ReadonlySet<string>,
  text: string | null,
  at: number,
): void {
  if (text !== null && !known.has(text)) drift.count('code', `${list} not in its list`, at)
}

export function readCustomer(
  links: CustomerLinks,
  customer_id: string,
  payload: ContentPayload,
  drift: Drift,
): FeedRow {
  const kind = payload.text('kind')
  countUnlisted(drift, 'CustomerKind', customerKinds, kind, payload.at)
  return {
    table: 'customer',
    ...links.columns,
    customer_id,
    name: payload.text('name') ?? payload.text('customerName'),
    kind,
    special_need: payload.text('specialNeed'),
    vip: payload.flag('vip'),
    puc_number: payload.text('pucNumber'),
    locale: payload.text('locale'),
    ...statusColumns(payload, 'status', 'status'),
    ...organisation(payload),
    other: payload.other(),
  }
}

export function readCustomerAccount(links: CustomerLinks, account_id: string, payload: ContentPayload): FeedRow {
  return {
    table: 'customer_account',
    ...links.columns,
    account_id,
    account_number: payload.text('name') ?? payload.text('accountId'),
    account_type: payload.text('type'),
    billing_cycle: payload.text('billingCycle'),
    budget_bill: payload.text('budgetBill'),
    last_bill_amount: payload.integer('lastBillAmount', 'int48'),
    notifications: jsonList(objectsOf(payload, 'notifications')),
    contact_name: payload.text('contactInfo/name') ?? payload.text('contactInfo/organisationName'),
    ...addressColumns(payload, 'contactInfo/streetAddress', 'billing'),
    ...addressColumns(payload, 'contactInfo/postalAddress', 'postal'),
    ...reachColumns(payload, 'contactInfo/'),
    ...documentColumns(payload),
    other: payload.other(),
  }
}

export function readServiceSupplier(
  links: CustomerLinks,
  supplier_id: string,
  payload: ContentPayload,
  drift: Drift,
): FeedRow {
  const kind = payload.text('kind')
  countUnlisted(drift, 'SupplierKind', supplierKinds, kind, payload.at)
  return {
    table: 'service_supplier',
    supplier_id,
    href: links.href,
    name: payload.text('name'),
    kind,
    issuer_identification_number: payload.text('issuerIdentificationNumber'),
    effective_at: instantOf(payload, 'effectiveDate'),
    ...organisation(payload),
    other: payload.other(),
  }
}

const organisation = (payload: ContentPayload) => ({
  organisation_name: payload.text('Organisation/name') ?? payload.text('Organisation/organisationName'),
  ...addressColumns(payload, 'Organisation/streetAddress', 'street'),
  ...addressColumns(payload, 'Organisation/postalAddress', 'postal'),
  ...reachColumns(payload, 'Organisation/'),
})
