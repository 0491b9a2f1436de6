/**
 * Tables of personal data: who is behind a usage point, and where. They lie under the pii root alone. Each row is what one entry of
 * a customer feed said; like every table of what describes readings they are versioned, never overwritten.
 */
import { type DataType, type Field, type Schema } from 'apache-arrow'
import { bigint, column, flag, instant, integer, table, text } from './column.ts'
import { entryAt, provenance } from './columns-interval.ts'

/** A column of personal data; NULL where its element was not sent. */
const personal = (name: string, type: DataType, meaning: string, source = '', unit = ''): Field =>
  column(name, type, { meaning, source, unit, null: 'not sent', privacy: 'personal' })

/** A key that means nothing to the utility: HMAC of its id, under a key kept in the pii root. */
const opaque = (name: string, of: string, isOptional = false): Field =>
  column(name, text, {
    meaning: `opaque key of the ${of}`,
    ...(isOptional ? { null: `the links name no ${of}` } : {}),
  })

const id = (name: string, of: string): Field =>
  column(name, text, { meaning: `id of the ${of} as in the href, byte-exact`, privacy: 'personal' })
const optionalId = (name: string, of: string): Field =>
  personal(name, text, `id of the ${of} as in the href, byte-exact`, 'entry/link')

const href = column('href', text, { meaning: 'self link as sent', privacy: 'personal' })
const retailCustomer = optionalId('retail_customer_id', 'RetailCustomer')
const usagePointId = personal('usage_point_id', text, 'identity of the UsagePoint the agreement is about', 'entry/link')
const other = personal('other', text, 'all other leaf elements sent, a JSON object of path to text')
const versioned = [...provenance, entryAt]

const address = (prefix: string, source: string): Field[] => [
  personal(`${prefix}_address`, text, 'street address: addressGeneral, or its parts', `${source}/streetDetail`),
  personal(`${prefix}_unit`, text, 'suite or apartment', `${source}/streetDetail/suiteNumber`),
  personal(`${prefix}_city`, text, 'town', `${source}/townDetail/name`),
  personal(`${prefix}_county`, text, 'county', `${source}/townDetail/county`),
  personal(`${prefix}_state`, text, 'state or province', `${source}/townDetail/stateOrProvince`),
  personal(`${prefix}_zip`, text, 'postal code as sent', `${source}/townDetail/code | ${source}/postalCode`),
  personal(`${prefix}_country`, text, 'country', `${source}/townDetail/country`),
  personal(`${prefix}_po_box`, text, 'post office box', `${source}/poBox`),
]
const reach = (source: string): Field[] => [
  personal('phone1', text, 'first telephone number', `${source}phone1`),
  personal('phone2', text, 'second telephone number', `${source}phone2`),
  personal('email1', text, 'first e-mail address', `${source}electronicAddress/email1`),
  personal('email2', text, 'second e-mail address', `${source}electronicAddress/email2`),
]
const status = (name: string, element: string): Field[] => [
  personal(name, text, element, `${element}/value`),
  personal(`${name}_at`, instant, `since when ${element} holds`, `${element}/dateTime`, 'UTC'),
]
const document = [
  personal('title', text, 'title of the document', 'title'),
  personal('subject', text, 'subject of the document', 'subject'),
  personal('comment', text, 'free text', 'comment'),
  personal('author_name', text, 'author', 'authorName'),
  personal('revision_number', text, 'revision of the document', 'revisionNumber'),
  personal('created_at', instant, 'when the document was made', 'createdDateTime', 'UTC'),
  personal('modified_at', instant, 'when the document was last changed', 'lastModifiedDateTime', 'UTC'),
  ...status('doc_status', 'docStatus'),
  ...status('status', 'status'),
]

const customer = table('version of a Customer', [
  opaque('customer_key', 'Customer'),
  id('customer_id', 'Customer'),
  retailCustomer,
  href,
  personal('name', text, 'name of the customer', 'Customer/name'),
  personal('kind', text, 'CustomerKind', 'Customer/kind'),
  personal('special_need', text, 'special need', 'Customer/specialNeed'),
  personal('vip', flag, 'important customer', 'Customer/vip'),
  personal('puc_number', text, 'number at the public utilities commission', 'Customer/pucNumber'),
  personal('locale', text, 'language', 'Customer/locale'),
  ...status('status', 'status'),
  personal('organisation_name', text, 'name of the organisation', 'Customer/Organisation/name'),
  ...address('street', 'Customer/Organisation/streetAddress'),
  ...address('postal', 'Customer/Organisation/postalAddress'),
  ...reach('Customer/Organisation/'),
  other,
  ...versioned,
])

const customerAccount = table('version of a CustomerAccount', [
  opaque('account_key', 'CustomerAccount'),
  opaque('customer_key', 'Customer', true),
  id('account_id', 'CustomerAccount'),
  optionalId('customer_id', 'Customer'),
  retailCustomer,
  href,
  personal('account_number', text, 'number of the account', 'CustomerAccount/name'),
  personal('account_type', text, 'type of the account', 'CustomerAccount/type'),
  personal('billing_cycle', text, 'cycle of billing', 'CustomerAccount/billingCycle'),
  personal('budget_bill', text, 'budget bill code', 'CustomerAccount/budgetBill'),
  personal('last_bill_amount', bigint, 'amount of the last bill', 'CustomerAccount/lastBillAmount', '1e-5 currency'),
  personal('notifications', text, 'JSON array of notifications to the customer', 'CustomerAccount/notifications'),
  personal('contact_name', text, 'who is billed', 'CustomerAccount/contactInfo/name'),
  ...address('billing', 'CustomerAccount/contactInfo/streetAddress'),
  ...address('postal', 'CustomerAccount/contactInfo/postalAddress'),
  ...reach('CustomerAccount/contactInfo/'),
  ...document,
  other,
  ...versioned,
])

const customerAgreement = table('version of a CustomerAgreement (service agreement)', [
  opaque('agreement_key', 'CustomerAgreement'),
  opaque('customer_key', 'Customer', true),
  opaque('account_key', 'CustomerAccount', true),
  id('agreement_id', 'CustomerAgreement'),
  optionalId('account_id', 'CustomerAccount'),
  optionalId('customer_id', 'Customer'),
  retailCustomer,
  usagePointId,
  href,
  personal('service_agreement_number', text, 'SA id as on the bill', 'CustomerAgreement/name'),
  personal('customer_class', text, 'RES, AGR, COM/IND, Other', 'CustomerAgreement/type'),
  personal('sign_at', instant, 'when service began', 'CustomerAgreement/signDate', 'UTC'),
  personal('valid_from_at', instant, 'start of validity', 'CustomerAgreement/validityInterval/start', 'UTC'),
  personal('valid_duration_s', bigint, 'length of validity', 'CustomerAgreement/validityInterval/duration', 's'),
  personal('tariff', text, 'rate schedule', 'CustomerAgreement/PricingStructures'),
  personal(
    'rate_options',
    text,
    'JSON array of rate options: CARE, FERA, MEDICAL_BASELINE, CCA_TBS …',
    'CustomerAgreement/PricingStructures',
  ),
  personal('pricing_structures', text, 'JSON array, all as sent', 'CustomerAgreement/PricingStructures'),
  personal('net_generation', flag, 'generation on site, by a rate option', 'CustomerAgreement/PricingStructures'),
  personal('service_voltage', text, 'service voltage', 'CustomerAgreement/extension/serviceVoltage'),
  personal('load_mgmt', text, 'load management code', 'CustomerAgreement/loadMgmt'),
  personal('is_prepay', flag, 'paid in advance', 'CustomerAgreement/isPrePay'),
  personal('shut_off_at', instant, 'when service is to be shut off', 'CustomerAgreement/shutOffDateTime', 'UTC'),
  personal('currency', integer, 'ISO 4217 number', 'CustomerAgreement/currency'),
  personal('future_status', text, 'pending change: the status to come', 'CustomerAgreement/futureStatus/value'),
  personal('future_status_at', instant, 'when it comes', 'CustomerAgreement/futureStatus/dateTime', 'UTC'),
  personal('future_status_reason', text, 'why', 'CustomerAgreement/futureStatus/reason'),
  personal('future_statuses', text, 'JSON array of all pending changes', 'CustomerAgreement/futureStatus'),
  ...document,
  other,
  ...versioned,
])

const serviceLocation = table('version of a ServiceLocation of an agreement', [
  opaque('location_key', 'ServiceLocation'),
  opaque('agreement_key', 'CustomerAgreement', true),
  opaque('customer_key', 'Customer', true),
  id('location_id', 'ServiceLocation'),
  optionalId('agreement_id', 'CustomerAgreement'),
  optionalId('customer_id', 'Customer'),
  retailCustomer,
  usagePointId,
  href,
  personal('name', text, 'name of the place', 'ServiceLocation/name'),
  personal('location_type', text, 'type of the place', 'ServiceLocation/type'),
  ...address('service', 'ServiceLocation/mainAddress'),
  ...address('secondary', 'ServiceLocation/secondaryAddress'),
  ...reach('ServiceLocation/'),
  personal('geo_info_reference', text, 'reference to geographical information', 'ServiceLocation/geoInfoReference'),
  personal('direction', text, 'how to get there', 'ServiceLocation/direction'),
  personal('positions', text, 'JSON array of coordinates', 'ServiceLocation/PositionPoints'),
  ...status('status', 'status'),
  personal('access_method', text, 'how to get in', 'ServiceLocation/accessMethod'),
  personal('site_access_problem', text, 'what is in the way', 'ServiceLocation/siteAccessProblem'),
  personal('needs_inspection', flag, 'to be inspected', 'ServiceLocation/needsInspection'),
  personal('usage_points', text, 'JSON array of hrefs of UsagePoints', 'ServiceLocation/UsagePoints/UsagePoint'),
  personal('outage_block', text, 'outage block', 'ServiceLocation/outageBlock'),
  other,
  ...versioned,
])

const meter = table('version of a Meter or EndDevice', [
  opaque('meter_key', 'Meter'),
  opaque('agreement_key', 'CustomerAgreement', true),
  opaque('customer_key', 'Customer', true),
  id('meter_id', 'Meter'),
  column('device', text, { meaning: 'Meter or EndDevice', privacy: 'personal' }),
  optionalId('location_id', 'ServiceLocation'),
  optionalId('agreement_id', 'CustomerAgreement'),
  optionalId('customer_id', 'Customer'),
  retailCustomer,
  usagePointId,
  href,
  personal('name', text, 'name of the meter', 'Meter/name'),
  personal('meter_type', text, 'type of the meter', 'Meter/type'),
  personal('serial_number', text, 'meter number', 'Meter/serialNumber'),
  personal('utc_number', text, 'number in the utility’s asset register', 'Meter/utcNumber'),
  personal('lot_number', text, 'lot', 'Meter/lotNumber'),
  personal('form_number', text, 'form of the meter', 'Meter/formNumber'),
  personal('interval_length_s', bigint, 'length of its intervals', 'Meter/intervalLength', 's'),
  personal('multipliers', text, 'JSON array of kind and value', 'Meter/MeterMultipliers'),
  personal('is_virtual', flag, 'no physical device', 'Meter/isVirtual'),
  personal('is_pan', flag, 'on a premises area network', 'Meter/isPan'),
  personal('install_code', text, 'install code', 'Meter/installCode'),
  personal('amr_system', text, 'reading system', 'Meter/amrSystem'),
  personal('critical', flag, 'critical asset', 'Meter/critical'),
  personal('installed_at', instant, 'when it was installed', 'Meter/lifecycle/installationDate', 'UTC'),
  personal('removed_at', instant, 'when it was removed', 'Meter/lifecycle/removalDate', 'UTC'),
  ...status('status', 'status'),
  other,
  ...versioned,
])

const drDate = (name: string, meaning: string, kind: string): Field =>
  personal(name, instant, meaning, `programDate of ${kind}`, 'UTC')
const program = 'CustomerAgreement/DemandResponseProgram'
const drMeasurement = (name: string, element: string): Field[] => [
  personal(`${name}_value`, bigint, 'integer as sent', `${program}/${element}/value`),
  personal(`${name}_power_of_ten`, integer, 'exponent', `${program}/${element}/powerOfTenMultiplier`),
  personal(`${name}_uom`, integer, 'unit of measure', `${program}/${element}/uom`),
]

const demandResponseProgram = table('version of the enrolment of an agreement in a demand-response program', [
  opaque('agreement_key', 'CustomerAgreement'),
  opaque('customer_key', 'Customer', true),
  id('agreement_id', 'CustomerAgreement'),
  optionalId('customer_id', 'Customer'),
  retailCustomer,
  usagePointId,
  href,
  column('program_name', text, { meaning: "name of the program; '' where it was not sent", privacy: 'personal' }),
  column('occurrence', integer, { meaning: 'ordinal among the programs of that name in the entry, from 1' }),
  column('n_occurrences', integer, { meaning: 'programs of that name in the entry' }),
  personal('enrollment_status', text, 'unenrolled, enrolled, enrolledPending', `${program}/enrollmentStatus`),
  personal('program_description', text, 'URI of a description', `${program}/programDescription`),
  drDate('enrolled_at', 'enrolment', 'CUST_DR_PROGRAM_ENROLLMENT_DATE'),
  drDate('unenrolled_at', 'de-enrolment', 'CUST_DR_PROGRAM_DE_ENROLLMENT_DATE'),
  drDate(
    'end_regardless_at',
    'earliest end without regard to financial obligation',
    'CUST_DR_PROGRAM_TERM_DATE_REGARDLESS_FINANCIAL',
  ),
  drDate('end_without_at', 'earliest end without financial obligation', 'CUST_DR_PROGRAM_TERM_DATE_WITHOUT_FINANCIAL'),
  personal('dates', text, 'JSON array of description and at, all as sent', `${program}/programDate`),
  ...drMeasurement('capacity_reservation', 'capacityReservationLevel'),
  ...drMeasurement('nomination', 'DRProgramNomination'),
  other,
  ...versioned,
])

const programDateCode = table('version of a code of demand-response dates', [
  column('code', text, { meaning: 'the code as it stands on programs', source: 'programDateIdMapping/code' }),
  column('program_date_type', text, { meaning: 'ProgramDateKind', source: 'programDateIdMapping/programDateType' }),
  personal('name', text, 'name of the code', 'programDateIdMapping/name'),
  personal('note', text, 'description of the code', 'programDateIdMapping/note'),
  ...versioned,
])

const serviceSupplier = table('version of a ServiceSupplier', [
  id('supplier_id', 'ServiceSupplier'),
  href,
  personal('name', text, 'name of the supplier', 'ServiceSupplier/name'),
  personal('kind', text, 'SupplierKind', 'ServiceSupplier/kind'),
  personal('issuer_identification_number', text, 'issuer number', 'ServiceSupplier/issuerIdentificationNumber'),
  personal('effective_at', instant, 'when service began', 'ServiceSupplier/effectiveDate', 'UTC'),
  personal('organisation_name', text, 'name of the organisation', 'ServiceSupplier/Organisation/name'),
  ...address('street', 'ServiceSupplier/Organisation/streetAddress'),
  ...address('postal', 'ServiceSupplier/Organisation/postalAddress'),
  ...reach('ServiceSupplier/Organisation/'),
  other,
  ...versioned,
])

/** Tables under the pii root, by name. */
export const personalTables = {
  customer,
  customer_account: customerAccount,
  customer_agreement: customerAgreement,
  service_location: serviceLocation,
  meter,
  demand_response_program: demandResponseProgram,
  program_date_code: programDateCode,
  service_supplier: serviceSupplier,
} as const satisfies Record<string, Schema>

export type PersonalTable = keyof typeof personalTables
