/**
 * The customer feed (BulkRetailCustomerInfo) in the form of espi/samples/pge-batch-retailcustomer.xml, several customers, and the feed
 * of demand-response programs (BulkRetailDRPrgInfo). All names are invented.
 */
import { type CustomerPlan, customerPlan, type ProgramPlan } from './customer-plan.ts'
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { atomNamespace, escapeXml, espi, resourceBase, timestamp } from './render-entry.ts'
import { hash, seededUuid } from './seeded.ts'

const customer = 'http://naesb.org/espi/customer'
const scopes = `xmlns:ns2="${atomNamespace}" xmlns="${customer}"`

/** The snapshot of all customers, streamed: Customer, ServiceLocation, CustomerAccount, CustomerAgreement, Meter of each. */
export function renderCustomerFeed(fleet: Fleet, generatedAt_ms: number): Generator<Buffer> {
  return renderFeed(fleet, generatedAt_ms, 'BulkRetailCustomerInfo', customerEntries)
}

/** Enrolments in demand-response programs, streamed: agreements that say nothing else, and the codes of the dates last. */
export function renderProgramFeed(fleet: Fleet, generatedAt_ms: number): Generator<Buffer> {
  return renderFeed(fleet, generatedAt_ms, 'BulkRetailDRPrgInfo', programEntries)
}

interface EntryContext {
  readonly usagePoint: UsagePointPlan
  readonly plan: CustomerPlan
  readonly generation: number
  /** `published` of the entries. */
  readonly at: string
}

/** When an entry of a usage point was published: a moment after the feed began. */
export const publishedAt_ms = (generatedAt_ms: number, usagePoint: UsagePointPlan): number =>
  generatedAt_ms + 1 + usagePoint.index

function* renderFeed(
  fleet: Fleet,
  generatedAt_ms: number,
  collection: 'BulkRetailCustomerInfo' | 'BulkRetailDRPrgInfo',
  entries: (context: EntryContext) => string,
): Generator<Buffer> {
  const generation = hash(fleet.seed, Math.floor(generatedAt_ms / 1000), 300)
  let text =
    `<ns1:feed xmlns:ns1="${atomNamespace}" xmlns:ns0="${espi}"><ns2:id ${scopes}>${seededUuid(generation, -1)}</ns2:id>` +
    `<ns2:title ${scopes} type="text">Green Button Customer Feed</ns2:title>` +
    `<ns2:updated ${scopes}>${timestamp(generatedAt_ms)}</ns2:updated>` +
    `<ns2:link ${scopes} href="${resourceBase}/Batch/${collection}/${fleet.bulkId}" rel="self"/>\n`
  for (const usagePoint of fleet.usagePoints()) {
    const at = timestamp(publishedAt_ms(generatedAt_ms, usagePoint))
    text += entries({ usagePoint, plan: customerPlan(fleet, usagePoint, generatedAt_ms), generation, at })
    if (text.length < 1 << 19) continue
    yield Buffer.from(text, 'latin1')
    text = ''
  }
  const codes = renderEntry(
    seededUuid(generation, -2),
    'ProgramDateIdMappings',
    'ProgramDateIdMappings/1',
    undefined,
    timestamp(generatedAt_ms),
    programDateCodes,
  )
  yield Buffer.from(`${text}${codes}</ns1:feed>`, 'latin1')
}

const agreementPath = ({ usagePoint, plan }: EntryContext): string =>
  `RetailCustomer/${usagePoint.subscriptionId}/Customer/${plan.customerId}/CustomerAccount/${plan.accountId}/CustomerAgreement`

function programEntries(context: EntryContext): string {
  const { usagePoint, plan, generation, at } = context
  if (plan.programs.length === 0) return ''
  const path = agreementPath(context)
  const payload = `<CustomerAgreement><name>${plan.agreementName}</name>${plan.programs.map(program).join('')}</CustomerAgreement>`
  const id = seededUuid(generation, usagePoint.index, 9)
  return renderEntry(id, path, `${path}/${usagePoint.usagePointId}`, undefined, at, payload)
}

function customerEntries(context: EntryContext): string {
  const { usagePoint, plan, generation, at } = context
  const root = `RetailCustomer/${usagePoint.subscriptionId}/Customer`
  const self = `${root}/${plan.customerId}`
  const account = `${self}/CustomerAccount`
  const agreement = agreementPath(context)
  const location = `${agreement}/${usagePoint.usagePointId}/ServiceLocation`
  let ordinal = 0
  const entry = (up: string, own: string, related: string | undefined, payload: string): string => {
    ordinal += 1
    return renderEntry(seededUuid(generation, usagePoint.index, ordinal), up, own, related, at, payload)
  }
  const meter = `${location}/${plan.locationId}/Meter`
  return (
    entry(root, self, account, customerOf(plan)) +
    entry(
      location,
      `${location}/${plan.locationId}`,
      `${location}/${plan.locationId}/EndDevice`,
      serviceLocation(plan),
    ) +
    entry(account, `${account}/${plan.accountId}`, agreement, accountOf(plan)) +
    entry(agreement, `${agreement}/${usagePoint.usagePointId}`, undefined, agreementOf(plan, usagePoint)) +
    plan.meters.map((each) => entry(meter, `${meter}/${each.serial}`, undefined, meterOf(each))).join('')
  )
}

const customerOf = (plan: CustomerPlan): string =>
  `<Customer><name>${escapeXml(plan.name)}</name><Organisation><phone1><areaCode>707</areaCode>` +
  `<localNumber>${plan.phone}</localNumber></phone1><electronicAddress><email1>${plan.email}</email1></electronicAddress>` +
  '</Organisation></Customer>'

const accountOf = (plan: CustomerPlan): string =>
  `<CustomerAccount><name>${plan.accountName}</name><contactInfo><name>${escapeXml(plan.name)}</name><streetAddress>` +
  `<streetDetail><addressGeneral>${plan.billingAddress}</addressGeneral></streetDetail><townDetail><code>${plan.zip}</code>` +
  `<name>${plan.town}</name><stateOrProvince>CA</stateOrProvince></townDetail></streetAddress></contactInfo></CustomerAccount>`

function agreementOf(plan: CustomerPlan, { customerClass }: UsagePointPlan): string {
  const structures = [plan.tariff, ...plan.rateOptions]
    .map((name) => `<PricingStructures>${resourceBase}/PricingStructure/${name}</PricingStructures>`)
    .join('')
  const closing =
    plan.closing === undefined
      ? ''
      : `<futureStatus><value>Closing</value><dateTime>${plan.closing.at_s}</dateTime><reason>${plan.closing.reason}</reason></futureStatus>`
  return (
    `<CustomerAgreement><extension><serviceVoltage>${plan.voltage}</serviceVoltage></extension>` +
    `<name>${plan.agreementName}</name><type>${customerClass}</type><docStatus><value>Active</value></docStatus>` +
    `<signDate>${plan.signDate_s}</signDate>` +
    `${customerClass === 'RES' ? '' : plan.programs.map(program).join('')}${structures}<currency>840</currency>${closing}</CustomerAgreement>`
  )
}

const programDate = (code: string, at_s: number | undefined): string =>
  at_s === undefined
    ? ''
    : `<programDate><programDate>${at_s}</programDate><programDateDescription>${code}</programDateDescription></programDate>`

const program = (plan: ProgramPlan): string =>
  `<DemandResponseProgram><programName>${plan.name}</programName><enrollmentStatus>${plan.status}</enrollmentStatus>` +
  programDate('D1', plan.enrolled_s) +
  programDate('D2', plan.unenrolled_s) +
  programDate('D3', plan.endRegardless_s) +
  programDate('D4', plan.endWithout_s) +
  `<DRProgramNomination><powerOfTenMultiplier>0</powerOfTenMultiplier><uom>38</uom><value>${plan.nomination_w}</value>` +
  '</DRProgramNomination></DemandResponseProgram>'

const dateKinds = [
  ['D1', 'ENROLLMENT_DATE'],
  ['D2', 'DE_ENROLLMENT_DATE'],
  ['D3', 'TERM_DATE_REGARDLESS_FINANCIAL'],
  ['D4', 'TERM_DATE_WITHOUT_FINANCIAL'],
] as const

const programDateCodes = `<ProgramDateIdMappings>${dateKinds
  .map(
    ([code, kind]) =>
      `<programDateIdMapping><programDateType>CUST_DR_PROGRAM_${kind}</programDateType><code>${code}</code>` +
      `<name>${kind.toLowerCase().replaceAll('_', ' ')}</name></programDateIdMapping>`,
  )
  .join('')}</ProgramDateIdMappings>`

const meterOf = ({ serial, utcNumber, intervalLength_s, ctRatio }: CustomerPlan['meters'][number]): string =>
  `<Meter><type>EMTR 12S/XP/CL200/3W/5Dials</type><utcNumber>${utcNumber}</utcNumber><serialNumber>${serial}</serialNumber>` +
  (ctRatio === undefined ? '' : `<MeterMultipliers><kind>ctRatio</kind><value>${ctRatio}</value></MeterMultipliers>`) +
  `<intervalLength>${intervalLength_s}</intervalLength></Meter>`

const serviceLocation = (plan: CustomerPlan): string =>
  `<ServiceLocation><mainAddress><streetDetail><addressGeneral>${plan.address}</addressGeneral></streetDetail>` +
  `<townDetail><code>${plan.zip}</code><name>${plan.town}</name><stateOrProvince>CA</stateOrProvince></townDetail>` +
  `</mainAddress><outageBlock>${plan.outageBlock}</outageBlock></ServiceLocation>`

const link = (href: string, rel: string): string => `<ns2:link href="${resourceBase}/${href}" rel="${rel}"/>`

/** Feed in prefix ns1, entries in ns2, payload in the default namespace, no titles: as in the sample. */
function renderEntry(
  id: string,
  up: string,
  self: string,
  related: string | undefined,
  at: string,
  payload: string,
): string {
  return (
    `<ns2:entry ${scopes}><ns2:id>${id}</ns2:id>${link(up, 'up')}${link(self, 'self')}` +
    `${related === undefined ? '' : link(related, 'related')}<ns2:published>${at}</ns2:published>` +
    `<ns2:updated>${at}</ns2:updated><ns2:content>${payload}</ns2:content></ns2:entry>`
  )
}
