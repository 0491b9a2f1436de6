/** UsageSummary as XML, in the element order of PG&E's schema (espiDerived 2018-08-21). */
import type { BilledMeasurement, BillPlan, LineItemPlan } from './bill-plan.ts'
import { elements, escapeXml, espi, resourceBase } from './render-entry.ts'

/** The payload of a UsageSummary entry. No currency is sent, as on the wire. */
export function renderSummary(bill: BillPlan): string {
  const lines = bill.lines.map(lineItem).join('')
  const riders = bill.riders
    .map((rider) => {
      const fields = elements([
        ['riderType', escapeXml(rider.riderType)],
        ['enrollmentStatus', rider.enrollmentStatus],
        ['effectiveDate', rider.effectiveDate_s],
      ])
      return `<ns0:tariffRiderRefs>${fields}</ns0:tariffRiderRefs>`
    })
    .join('')
  const tail = elements([
    ['qualityOfReading', bill.qualityOfReading],
    ['statusTimeStamp', bill.statusTimeStamp_ms],
    ['commodity', bill.commodity],
    ['tariffProfile', escapeXml(bill.tariffProfile)],
    ['readCycle', bill.readCycle],
  ])
  return (
    `<ns0:UsageSummary xmlns:ns0="${espi}">${period('billingPeriod', bill)}` +
    `<ns0:billLastPeriod>${bill.billLastPeriod}</ns0:billLastPeriod>${lines}` +
    `${measurement('overallConsumptionLastPeriod', bill.consumption)}${tail}${riders}` +
    `<ns0:billingChargeSource>${elements([['agencyName', escapeXml(bill.agencyName)]])}</ns0:billingChargeSource>` +
    '</ns0:UsageSummary>'
  )
}

function lineItem(line: LineItemPlan): string {
  return (
    '<ns0:costAdditionalDetailLastPeriod>' +
    elements([
      ['amount', line.amount],
      ['note', escapeXml(line.note)],
    ]) +
    (line.measurement ? measurement('measurement', line.measurement) : '') +
    elements([
      ['itemKind', line.itemKind],
      ['unitCost', line.unitCost],
    ]) +
    (line.period ? period('itemPeriod', line.period) : '') +
    '</ns0:costAdditionalDetailLastPeriod>'
  )
}

function measurement(name: string, { powerOfTen, uom, value, readingTypeId }: BilledMeasurement): string {
  const fields = elements([
    ['powerOfTenMultiplier', powerOfTen],
    ['uom', uom],
    ['value', value],
    ['readingTypeRef', readingTypeId === undefined ? undefined : `${resourceBase}/ReadingType/${readingTypeId}`],
  ])
  return `<ns0:${name}>${fields}</ns0:${name}>`
}

function period(
  name: string,
  { start_s, duration_s }: { readonly start_s: number; readonly duration_s: number },
): string {
  return `<ns0:${name}>${elements([
    ['duration', duration_s],
    ['start', start_s],
  ])}</ns0:${name}>`
}
