/** Entries and small payloads of the usage feed: prefixes and namespaces exactly as PG&E writes them. */
import type { ReadingTypePlan } from './reading-type-plan.ts'
import { touNames } from './tou-names.ts'

export const atomNamespace = 'http://www.w3.org/2005/Atom'
export const espi = 'http://naesb.org/espi'
/** Hrefs inside feeds name PG&E's own host, wherever the feed was fetched. */
export const resourceBase = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'

const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
const xsd = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'

export interface EntryFrame {
  readonly id: string
  /** Paths under {@link resourceBase}. */
  readonly up: string
  readonly self: string
  readonly related: readonly string[]
  /** Already escaped. */
  readonly title: string
  readonly published: string
}

/** One entry: id, link up, self, related…, title, published, updated, content. */
export function renderEntry(frame: EntryFrame, payload: string): string {
  const { id, up, self, related, title, published } = frame
  let links = link(up, 'up') + link(self, 'self')
  for (const href of related) links += link(href, 'related')
  return (
    `<ns1:entry xmlns:ns1="${atomNamespace}"><ns1:id ${xsi} xsi:type="ns1:idType">${id}</ns1:id>${links}` +
    `<ns1:title type="text" ${xsi} xsi:type="ns1:textType">${title}</ns1:title>` +
    `<ns1:published ${xsi} xsi:type="ns1:dateTimeType">${published}</ns1:published>` +
    `<ns1:updated ${xsi} xsi:type="ns1:dateTimeType">${published}</ns1:updated>` +
    `<ns1:content ${xsi} xsi:type="ns1:contentType">${payload}</ns1:content></ns1:entry>`
  )
}

const link = (href: string, rel: string): string =>
  `<ns1:link href="${resourceBase}/${href}" rel="${rel}" ${xsi} xsi:type="ns1:linkType"/>`

/** `2019-12-18T20:10:30.95Z`: as many digits of the second as are not zero. */
export function timestamp(time_ms: number): string {
  return new Date(time_ms).toISOString().replace(/\.?0*Z$/, 'Z')
}

/** Text as XML character data. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** `<ns0:name>value</ns0:name>` of each pair whose value is defined. */
export function elements(pairs: readonly (readonly [name: string, value: number | string | undefined])[]): string {
  let text = ''
  for (const [name, value] of pairs) if (value !== undefined) text += `<ns0:${name}>${value}</ns0:${name}>`
  return text
}

export const localTimeParameters =
  `<ns0:LocalTimeParameters xmlns:ns0="${espi}"><ns0:dstEndRule>B40E2000</ns0:dstEndRule><ns0:dstOffset>3600</ns0:dstOffset>` +
  '<ns0:dstStartRule>360E2000</ns0:dstStartRule><ns0:tzOffset>-28800</ns0:tzOffset></ns0:LocalTimeParameters>'

/** The dictionary of TOU codes. */
export const programIdMappings = `<ns0:ProgramIdMappings xmlns:ns0="${espi}">${touNames
  .map(
    ({ name, note }, index) =>
      '<ns0:programIdMapping><ns0:tOUorCPPorConsumptionTier>tou</ns0:tOUorCPPorConsumptionTier>' +
      `<ns0:code ${xsd} ${xsi} xsi:type="xsd:int">${index + 1}</ns0:code>` +
      `<ns0:name ${xsd} ${xsi} xsi:type="xsd:string">${name}</ns0:name>` +
      `<ns0:note ${xsd} ${xsi} xsi:type="xsd:string">${note}</ns0:note></ns0:programIdMapping>`,
  )
  .join('')}</ns0:ProgramIdMappings>`

export function readingType(plan: ReadingTypePlan): string {
  const fields = elements([
    ['accumulationBehaviour', plan.accumulationBehaviour],
    ['commodity', plan.commodity],
    ['dataQualifier', plan.dataQualifier],
    ['defaultQuality', plan.defaultQuality],
    ['flowDirection', plan.flowDirection],
    ['intervalLength', plan.intervalLength_s],
    ['kind', plan.kind],
    ['powerOfTenMultiplier', plan.powerOfTen],
    ['timeAttribute', plan.timeAttribute],
    ['uom', plan.uom],
    ['measuringPeriod', plan.measuringPeriod],
  ])
  return `<ns0:ReadingType xmlns:ns0="${espi}">${fields}</ns0:ReadingType>`
}
