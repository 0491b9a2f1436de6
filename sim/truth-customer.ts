/** The truth of customer feeds: what must stand in the tables after feeds of these times, whatever order they came in. */
import { type CustomerPlan, customerPlan } from './customer-plan.ts'
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { publishedAt_ms } from './render-customer.ts'

export interface TruthCustomer {
  readonly usagePoint: UsagePointPlan
  /** As the latest feed says. */
  readonly plan: CustomerPlan
  readonly publishedAt_ms: number
  /** Tariffs in order of publication, each only where it changed. */
  readonly tariffs: readonly { readonly since_ms: number; readonly tariff: string }[]
}

/** One row per usage point of the fleet. */
export function truthCustomers(fleet: Fleet, generatedAts_ms: readonly number[]): TruthCustomer[] {
  const times = [...generatedAts_ms].sort((a, b) => a - b)
  const last = times.at(-1)
  if (last === undefined) return []
  return [...fleet.usagePoints()].map((usagePoint) => {
    const tariffs: { since_ms: number; tariff: string }[] = []
    for (const at_ms of times) {
      const { tariff } = customerPlan(fleet, usagePoint, at_ms)
      if (tariffs.at(-1)?.tariff !== tariff) tariffs.push({ since_ms: publishedAt_ms(at_ms, usagePoint), tariff })
    }
    return {
      usagePoint,
      plan: customerPlan(fleet, usagePoint, last),
      publishedAt_ms: publishedAt_ms(last, usagePoint),
      tariffs,
    }
  })
}
