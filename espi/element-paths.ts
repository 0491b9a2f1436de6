/**
 * Element paths as small integers: (namespace URI, local name) under a known parent. Prefixes never matter. What is not known
 * gets an id too, above {@link knownPathCount}, so that it can be named, counted and, where a table has a column for it, kept.
 */
import { MeterlakeError } from '../schemas/errors.ts'
import { customerElements } from './customer-elements.ts'
import { feedBounds } from './feed-bounds.ts'

export const atomNamespace = 'http://www.w3.org/2005/Atom'
export const espiNamespace = 'http://naesb.org/espi'
export const customerNamespace = 'http://naesb.org/espi/customer'

const parents: number[] = [0]
const locals: string[] = ['']
const uris: string[] = ['']
const edges = new Map<string, number>()

const edge = (parent: number, uri: string, local: string) => `${parent} ${uri} ${local}`

function element(parent: number, local: string, uri = espiNamespace): number {
  const key = edge(parent, uri, local)
  const known = edges.get(key)
  if (known !== undefined) return known
  const id = parents.length
  parents.push(parent)
  locals.push(local)
  uris.push(uri)
  edges.set(key, id)
  return id
}

const atom = (parent: number, local: string) => element(parent, local, atomNamespace)

/** A payload of atom:content with the leaves this reader knows, as paths below it. */
function payload(local: string, leaves: readonly string[]): number {
  const id = element(content, local)
  for (const leaf of leaves) leaf.split('/').reduce((parent, name) => element(parent, name), id)
  return id
}

/** The document itself, parent of the root. */
export const documentPath = 0
export const feed = atom(documentPath, 'feed')
export const feedUpdated = atom(feed, 'updated')
export const feedLink = atom(feed, 'link')
export const entry = atom(feed, 'entry')
edges.set(edge(documentPath, atomNamespace, 'entry'), entry) // a lone entry is a feed of one
export const entryLink = atom(entry, 'link')
export const entryPublished = atom(entry, 'published')
export const entryUpdated = atom(entry, 'updated')
export const content = atom(entry, 'content')
/** UtilityAPI puts them inside content. */
export const contentPublished = atom(content, 'published')
export const contentUpdated = atom(content, 'updated')
for (const local of ['id', 'title', 'author', 'category', 'rights', 'generator']) atom(feed, local)
for (const local of ['id', 'title', 'author', 'category', 'rights', 'summary', 'source']) atom(entry, local)

export const intervalBlock = element(content, 'IntervalBlock')
for (const local of ['duration', 'start']) element(element(intervalBlock, 'interval'), local)
export const blockQuality = element(element(intervalBlock, 'ReadingQuality'), 'quality')
export const intervalReading = element(intervalBlock, 'IntervalReading')
export const readingCost = element(intervalReading, 'cost')
export const readingQuality = element(element(intervalReading, 'ReadingQuality'), 'quality')
export const readingDuration = element(element(intervalReading, 'timePeriod'), 'duration')
export const readingStart = element(element(intervalReading, 'timePeriod'), 'start')
export const readingValue = element(intervalReading, 'value')
export const readingTier = element(intervalReading, 'consumptionTier')
export const readingTou = element(intervalReading, 'tou')
export const readingCpp = element(intervalReading, 'cpp')

export const meterReading = payload('MeterReading', [])
export const readingType = payload(
  'ReadingType',
  `accumulationBehaviour commodity consumptionTier cpp currency dataQualifier defaultQuality flowDirection intervalLength kind
  measuringPeriod phase powerOfTenMultiplier timeAttribute tou uom`.split(/\s+/),
)
const measurement = (name: string) =>
  ['powerOfTenMultiplier', 'timeStamp', 'uom', 'value', 'readingTypeRef'].map((leaf) => `${name}/${leaf}`)
const riders = (prefix: string) =>
  ['', 'tariffRiderRef/'].flatMap((inner) =>
    ['riderType', 'enrollmentStatus', 'effectiveDate'].map((leaf) => `${prefix}tariffRiderRefs/${inner}${leaf}`),
  )
export const usagePoint = payload('UsagePoint', [
  ...`ServiceCategory/kind amiBillingReady checkBilling connectionState customerClass grounded isSdp isVirtual minimalUsageExpected
  outageRegion phaseCode readCycle readRoute roleFlags serviceDeliveryRemark servicePriority status`.split(/\s+/),
  ...['ServiceDeliveryPoint/', 'serviceDeliveryPoint/'].flatMap((point) => [
    ...['name', 'tariffProfile', 'customerAgreement'].map((leaf) => point + leaf),
    ...riders(point),
  ]),
  ...['estimatedLoad', 'nominalServiceVoltage', 'ratedCurrent', 'ratedPower'].flatMap(measurement),
])
const summaryLeaves = [
  ...`billLastPeriod billToDate billingChargeSource/agencyName billingPeriod/duration billingPeriod/start commodity
  costAdditionalLastPeriod currency qualityOfReading ratchetDemandPeriod/duration ratchetDemandPeriod/start readCycle statusTimeStamp
  tariffProfile`.split(/\s+/),
  ...`amount dateTime itemKind itemPeriod/duration itemPeriod/start note rounding unitCost`
    .split(/\s+/)
    .map((leaf) => `costAdditionalDetailLastPeriod/${leaf}`),
  ...measurement('costAdditionalDetailLastPeriod/measurement'),
  ...riders(''),
  ...`currentBillingPeriodOverAllConsumption currentDayLastYearNetConsumption currentDayNetConsumption currentDayOverallConsumption
  overallConsumptionLastPeriod peakDemand previousDayLastYearOverallConsumption previousDayNetConsumption
  previousDayOverallConsumption ratchetDemand`
    .split(/\s+/)
    .flatMap(measurement),
]
export const usageSummary = payload('UsageSummary', summaryLeaves)
export const electricPowerUsageSummary = payload('ElectricPowerUsageSummary', summaryLeaves)
export const electricPowerQualitySummary = payload(
  'ElectricPowerQualitySummary',
  `flickerPlt flickerPst harmonicVoltage longInterruptions mainsVoltage measurementProtocol powerFrequency rapidVoltageChanges
  shortInterruptions summaryInterval/duration summaryInterval/start supplyVoltageDips supplyVoltageImbalance
  supplyVoltageVariations tempOvervoltage`.split(/\s+/),
)
payload(
  'ProgramIdMappings',
  ['tOUorCPPorConsumptionTier', 'code', 'name', 'note'].map((leaf) => `programIdMapping/${leaf}`),
)
payload('LocalTimeParameters', ['dstEndRule', 'dstOffset', 'dstStartRule', 'tzOffset'])
export const applicationInformation = payload('ApplicationInformation', [])
export const authorization = payload('Authorization', [])

/** An element of a customer feed: it stands in the customer namespace, or, with some senders, in that of ESPI. */
function customerElement(parent: number, local: string): number {
  const id = element(parent, local, customerNamespace)
  edges.set(edge(parent, espiNamespace, local), id)
  return id
}
for (const [local, leaves] of Object.entries(customerElements)) {
  const id = customerElement(content, local)
  for (const leaf of leaves) leaf.split('/').reduce(customerElement, id)
}

/** Ids from here on are elements this reader does not know. */
export const knownPathCount = parents.length

/** The paths of one feed: the known ones, and those it brings along. */
export class ElementPaths {
  readonly #parents = [...parents]
  readonly #locals = [...locals]
  readonly #uris = [...uris]
  readonly #edges = new Map(edges)
  readonly #names: (string | undefined)[] = []
  readonly #below: (string | undefined)[] = []

  /** The id of a child element. Throws FEED_LIMIT where a feed brings too many different ones. */
  child(parent: number, uri: string, local: string, at: number): number {
    const key = edge(parent, uri, local)
    const known = this.#edges.get(key)
    if (known !== undefined) return known
    const id = this.#parents.length
    if (id >= feedBounds.elementPaths)
      throw new MeterlakeError('FEED_LIMIT', `more than ${feedBounds.elementPaths} different element paths`, {
        byte: at,
      })
    this.#parents.push(parent)
    this.#locals.push(local)
    this.#uris.push(uri)
    this.#edges.set(key, id)
    return id
  }

  parent(id: number): number {
    return this.#parents[id] as number
  }

  local(id: number): string {
    return this.#locals[id] as string
  }

  uri(id: number): string {
    return this.#uris[id] as string
  }

  /** `feed/entry/content/IntervalBlock`; elements outside Atom, ESPI and its customer namespace carry theirs: `{uri}name`. */
  name(id: number): string {
    if (id === documentPath) return ''
    return (this.#names[id] ??= this.#join(this.name(this.parent(id)), id))
  }

  /** The local name, with its namespace where that is none of those three. */
  shortName(id: number): string {
    return this.#join('', id)
  }

  /** The path below the payload of the entry: `overallConsumptionLastPeriod/value`. */
  below(id: number): string {
    if (this.parent(id) === content || id <= content) return ''
    return (this.#below[id] ??= this.#join(this.below(this.parent(id)), id))
  }

  #join(parent: string, id: number): string {
    const uri = this.uri(id)
    const plain = uri === atomNamespace || uri === espiNamespace || uri === customerNamespace
    return `${parent === '' ? '' : `${parent}/`}${plain ? '' : `{${uri}}`}${this.local(id)}`
  }
}
