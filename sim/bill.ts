/** Bills: totals, TOU quantities, demand and charges that follow from the intervals of the billing period. */
import type { BilledMeasurement, BillPlan, LineItemPlan, TariffRiderPlan } from './bill-plan.ts'
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { absent, createBlockReadings, fillBlock } from './interval-block.ts'
import { startOfDay_s } from './pacific-day.ts'
import { base64 } from './reading-type-plan.ts'
import { blockAsOf } from './schedule.ts'
import { hash } from './seeded.ts'
import { touNames } from './tou-names.ts'

interface BillingPeriod {
  readonly firstDay: number
  readonly lastDay: number
  /** Operating day of the package that carries the bill first. */
  readonly issued: number
  /** 1: sent again with an amount corrected. */
  readonly revision: 0 | 1
}

/** Quantities of a period in 10^-3 Wh (electricity) or 10^-8 therm (gas): exact integers. */
interface BilledQuantities {
  /** Delivered minus received. */
  net: number
  /** Delivered by TOU code. */
  readonly byTou: Map<number, number>
  /** Highest interval, 10^-3 W. */
  demand: number
}

const cents = 1000
/** 1e-5 USD a kWh, and a therm. */
const pricePerKwh = 31_250
const pricePerTherm = 215_000

/** The bill of a period, from the intervals as they stand at its issue. */
export function planBill(fleet: Fleet, usagePoint: UsagePointPlan, period: BillingPeriod): BillPlan {
  const { firstDay, lastDay, issued, revision } = period
  const start_s = startOfDay_s(firstDay)
  const end_s = startOfDay_s(lastDay + 1)
  const gas = usagePoint.service === 'gas'
  const quantities = billedQuantities(fleet, usagePoint, period)
  const lines = gas ? gasLines(quantities) : electricLines(fleet, usagePoint, quantities, start_s, end_s - start_s)
  if (revision === 1) lines.push({ amount: -5 * 100 * cents, note: 'Bill Correction Credit', itemKind: 8 })
  const titleMs = (end_s + 2 * 86_400) * 1000
  return {
    usagePoint,
    summaryId: titleMs.toLocaleString('en-US'),
    titleMs,
    start_s,
    duration_s: end_s - start_s,
    billLastPeriod: lines.reduce((sum, line) => sum + (line.amount ?? 0), 0),
    lines,
    consumption: measured(gas, quantities.net, base64(gas ? '169:null:null:1' : '72:null:null:4')),
    qualityOfReading: usagePoint.mv90 ? 14 : 19,
    statusTimeStamp_ms: (startOfDay_s(issued + 1) + 3600 * revision) * 1000 + 976,
    commodity: gas ? 7 : usagePoint.tariff === 'HB20T' ? 2 : 1,
    tariffProfile: usagePoint.tariff,
    readCycle: usagePoint.readCycle,
    riders: planRiders(fleet, usagePoint),
    agencyName: 'Pacific Gas & Electric Company',
  }
}

const measured = (gas: boolean, value: number, readingTypeId?: string): BilledMeasurement => ({
  powerOfTen: gas ? -8 : -3,
  uom: gas ? 169 : 72,
  value,
  ...(readingTypeId === undefined ? {} : { readingTypeId }),
})

const readings = createBlockReadings()

function billedQuantities(fleet: Fleet, usagePoint: UsagePointPlan, period: BillingPeriod): BilledQuantities {
  const quantities: BilledQuantities = { net: 0, byTou: new Map(), demand: 0 }
  if (usagePoint.series.length === 0) {
    // No interval meter: a register read, all of it off peak.
    quantities.net = usagePoint.average_w * 720 * 1000 + (hash(fleet.seed, usagePoint.index, period.issued) % 9) * 1000
    quantities.byTou.set(6, quantities.net)
    return quantities
  }
  for (const series of usagePoint.series) {
    if (series.channel === 'reactive') continue
    const scale = series.channel === 'gas' ? 1 : 10 ** (series.readingType.powerOfTen + 3)
    const sign = series.channel === 'received' ? -1 : 1
    for (let day = period.firstDay; day <= period.lastDay; day += 1) {
      fillBlock(fleet, usagePoint, blockAsOf(fleet, usagePoint, series, day, period.issued), readings)
      for (let at = 0; at < readings.n; at += 1) {
        const quantity = (readings.value[at] as number) * scale
        quantities.net += sign * quantity
        if (sign < 0) continue
        const tou = readings.tou[at] as number
        if (tou !== absent) quantities.byTou.set(tou, (quantities.byTou.get(tou) ?? 0) + quantity)
        quantities.demand = Math.max(quantities.demand, Math.round((quantity * 3600) / readings.reading_s))
      }
    }
  }
  return quantities
}

function electricLines(
  fleet: Fleet,
  usagePoint: UsagePointPlan,
  quantities: BilledQuantities,
  start_s: number,
  duration_s: number,
): LineItemPlan[] {
  const period = { start_s, duration_s }
  const codes = [...quantities.byTou].sort(([a], [b]) => a - b)
  const lines: LineItemPlan[] = []
  for (const [code, quantity] of codes) {
    lines.push({ note: `Total ${touNames[code - 1]?.note} Usage`, measurement: measured(false, quantity), itemKind: 3 })
  }
  for (const [code, quantity] of codes) {
    const unitCost = pricePerKwh + 1500 * (code % 5)
    lines.push({
      amount: Math.round((quantity / 1e6) * unitCost),
      note: `${touNames[code - 1]?.note} Energy Charge`,
      measurement: measured(false, quantity),
      itemKind: 3,
      unitCost,
      period,
    })
  }
  if (usagePoint.customerClass !== 'RES' && quantities.demand > 0) {
    const unitCost = 2_145_000
    lines.push({
      amount: Math.round((quantities.demand / 1e6) * unitCost),
      note: 'Max Demand Charge',
      measurement: { powerOfTen: -3, uom: 38, value: quantities.demand },
      itemKind: 3,
      unitCost,
    })
  }
  const kwh = Math.max(0, quantities.net / 1e6)
  lines.push(
    { amount: 11_48 * cents, note: 'Customer Charge', itemKind: 4 },
    { amount: Math.round(kwh * 30), note: 'Energy Commission Tax', itemKind: 5 },
    { amount: -Math.round(kwh * 11_800), note: 'Generation Credit', itemKind: 6 },
    { amount: Math.round(kwh * 1_900), note: 'Power Cost Incentive Adjustment', itemKind: 2 },
    { amount: Math.round(kwh * 70), note: 'Franchise Fee Surcharge', itemKind: 2 },
  )
  if (hash(fleet.seed, usagePoint.index, 110) % 5 === 0) {
    lines.push({ amount: -50 * 100 * cents, note: 'CA Climate Credit', itemKind: 8 })
  }
  return lines
}

function gasLines(quantities: BilledQuantities): LineItemPlan[] {
  return [
    { note: 'Total Gas Usage', measurement: measured(true, quantities.net), itemKind: 3 },
    {
      amount: Math.round((quantities.net / 1e8) * pricePerTherm),
      note: 'Gas Charges',
      measurement: measured(true, quantities.net),
      itemKind: 3,
      unitCost: pricePerTherm,
    },
    { amount: Math.round((quantities.net / 1e8) * 10_190), note: 'Gas PPP Surcharge', itemKind: 5 },
  ]
}

function planRiders(fleet: Fleet, usagePoint: UsagePointPlan): readonly TariffRiderPlan[] {
  const chance = hash(fleet.seed, usagePoint.index, 111)
  const effectiveDate_s = startOfDay_s(18_993 + (chance % 900))
  const riders: TariffRiderPlan[] = [{ riderType: 'CCA_TBS', enrollmentStatus: 'enrolled', effectiveDate_s }]
  if (usagePoint.customerClass === 'RES' && chance % 4 === 0) {
    riders.push({ riderType: 'CARE', enrollmentStatus: 'enrolled', effectiveDate_s })
  }
  if (usagePoint.customerClass === 'RES' && chance % 17 === 0) {
    riders.push({ riderType: 'Medical Baseline', enrollmentStatus: 'unenrolled', effectiveDate_s })
  }
  return riders
}
