/** The customer feed (BulkRetailCustomerInfo) in the form of espi/samples/pge-batch-retailcustomer.xml, several customers, all names invented. */
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { startOfDay_s } from './pacific-day.ts'
import { base64 } from './reading-type-plan.ts'
import { atomNamespace, escapeXml, espi, resourceBase, timestamp } from './render-entry.ts'
import { hash, seededUuid } from './seeded.ts'

const customer = 'http://naesb.org/espi/customer'
const scopes = `xmlns:ns2="${atomNamespace}" xmlns="${customer}"`

const givenNames = [
  'ADA',
  'BRUNO',
  'CELIA',
  'DMITRI',
  'ESTHER',
  'FELIX',
  'GRETA',
  'HUGO',
  'INES',
  'JONAS',
  'KIRI',
  'LEO',
]
const familyNames = ['AMBERLEY', 'BRACKWATER', 'COLDSTREAM', 'DUNMORE', 'EVERHART', 'FENWICK', 'GALLOWAY', 'HOLLINS']
const firms = [
  'MERIDIAN BAKERY',
  'OAK & ANCHOR FOUNDRY',
  'SALTGRASS FARMS',
  'BLUE HERON COLD STORAGE',
  'TIDEWATER DEPOT',
]
const streets = ['EXAMPLE RD', 'SPECIMEN AVE', 'SAMPLE ST', 'INVENTED WAY', 'PLACEHOLDER CT']
const towns = [
  { name: 'EUREKA', zip: '95501' },
  { name: 'ARCATA', zip: '95521' },
  { name: 'FORTUNA', zip: '95540' },
] as const

/** Personal data of one usage point: invented, seeded. */
interface CustomerPlan {
  readonly customerId: string
  readonly name: string
  readonly accountId: string
  readonly accountName: string
  /** The SAID; the agreement's id is the UsagePoint's id. */
  readonly agreementName: string
  readonly locationId: string
  readonly address: string
  readonly town: string
  readonly zip: string
  readonly signDate_s: number
}

/** The customer behind a usage point. Gas and electricity at one place belong to neighbours' accounts here: one each. */
function customerPlan(fleet: Fleet, usagePoint: UsagePointPlan): CustomerPlan {
  const chance = (topic: number): number => hash(fleet.seed, usagePoint.index, 200 + topic)
  const pick = <T>(list: readonly T[], topic: number): T => list[chance(topic) % list.length] as T
  const town = pick(towns, 5)
  const digits = (topic: number): string => String(1_000_000_000 + (chance(topic) % 900_000_000))
  return {
    customerId: base64(digits(0)),
    name:
      usagePoint.customerClass === 'RES'
        ? `${pick(givenNames, 1)} ${pick(familyNames, 2)}`
        : `${pick(firms, 1)} ${1 + (usagePoint.index % 97)}`,
    accountId: digits(3),
    accountName: digits(4),
    agreementName: digits(6),
    locationId: base64(digits(7)),
    address: `${1 + (chance(8) % 4900)} ${pick(streets, 9)}`,
    town: town.name,
    zip: town.zip,
    signDate_s: startOfDay_s(15_000 + (chance(10) % 4000)),
  }
}

/** The snapshot of all customers, streamed: Customer, ServiceLocation, CustomerAccount, CustomerAgreement, Meter of each. */
export function* renderCustomerFeed(fleet: Fleet, generatedAt_ms: number): Generator<Buffer> {
  const generation = hash(fleet.seed, Math.floor(generatedAt_ms / 1000), 300)
  let text =
    `<ns1:feed xmlns:ns1="${atomNamespace}" xmlns:ns0="${espi}"><ns2:id ${scopes}>${seededUuid(generation, -1)}</ns2:id>` +
    `<ns2:title ${scopes} type="text">Green Button Customer Feed</ns2:title>` +
    `<ns2:updated ${scopes}>${timestamp(generatedAt_ms)}</ns2:updated>` +
    `<ns2:link ${scopes} href="${resourceBase}/Batch/BulkRetailCustomerInfo/${fleet.bulkId}" rel="self"/>\n`
  for (const usagePoint of fleet.usagePoints()) {
    text += customerEntries(fleet, usagePoint, generation, timestamp(generatedAt_ms + 1 + usagePoint.index))
    if (text.length < 1 << 19) continue
    yield Buffer.from(text, 'latin1')
    text = ''
  }
  yield Buffer.from(`${text}</ns1:feed>`, 'latin1')
}

function customerEntries(fleet: Fleet, usagePoint: UsagePointPlan, generation: number, at: string): string {
  const plan = customerPlan(fleet, usagePoint)
  const root = `RetailCustomer/${usagePoint.subscriptionId}/Customer`
  const self = `${root}/${plan.customerId}`
  const account = `${self}/CustomerAccount`
  const agreement = `${account}/${plan.accountId}/CustomerAgreement`
  const location = `${agreement}/${usagePoint.usagePointId}/ServiceLocation`
  let ordinal = 0
  const entry = (up: string, own: string, related: string | undefined, payload: string): string => {
    ordinal += 1
    return renderEntry(seededUuid(generation, usagePoint.index, ordinal), up, own, related, at, payload)
  }
  const meters = new Map(usagePoint.series.map((series) => [series.meter, series.readingType.intervalLength_s]))
  const meter = `${location}/${plan.locationId}/Meter`
  return (
    entry(root, self, account, `<Customer><name>${escapeXml(plan.name)}</name></Customer>`) +
    entry(
      location,
      `${location}/${plan.locationId}`,
      `${location}/${plan.locationId}/EndDevice`,
      serviceLocation(plan),
    ) +
    entry(
      account,
      `${account}/${plan.accountId}`,
      agreement,
      `<CustomerAccount><name>${plan.accountName}</name></CustomerAccount>`,
    ) +
    entry(
      agreement,
      `${agreement}/${usagePoint.usagePointId}`,
      undefined,
      `<CustomerAgreement><name>${plan.agreementName}</name><type>${usagePoint.customerClass}</type>` +
        `<docStatus><value>Active</value></docStatus><signDate>${plan.signDate_s}</signDate></CustomerAgreement>`,
    ) +
    [...meters]
      .map(([serial, length_s]) =>
        entry(
          meter,
          `${meter}/${serial}`,
          undefined,
          `<Meter><type>EMTR 12S/XP/CL200/3W/5Dials</type><serialNumber>${serial}</serialNumber>` +
            `<intervalLength>${length_s}</intervalLength></Meter>`,
        ),
      )
      .join('')
  )
}

const serviceLocation = (plan: CustomerPlan): string =>
  `<ServiceLocation><mainAddress><streetDetail><addressGeneral>${plan.address}</addressGeneral></streetDetail>` +
  `<townDetail><code>${plan.zip}</code><name>${plan.town}</name><stateOrProvince>CA</stateOrProvince></townDetail>` +
  '</mainAddress></ServiceLocation>'

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
