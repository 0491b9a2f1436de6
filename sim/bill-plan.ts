/** A bill (UsageSummary) as a plan. */
import type { UsagePointPlan } from './fleet.ts'

/** 10^power_of_ten uom, as sent. */
export interface BilledMeasurement {
  readonly powerOfTen: number
  readonly uom: number
  readonly value: number
  readonly readingTypeId?: string
}

export interface LineItemPlan {
  /** 1e-5 USD; absent on informational lines. */
  readonly amount?: number
  readonly note: string
  readonly measurement?: BilledMeasurement
  readonly itemKind: number
  /** 1e-5 USD per unit. */
  readonly unitCost?: number
  readonly period?: { readonly start_s: number; readonly duration_s: number }
}

export interface TariffRiderPlan {
  readonly riderType: string
  readonly enrollmentStatus: 'enrolled' | 'unenrolled'
  readonly effectiveDate_s: number
}

export interface BillPlan {
  readonly usagePoint: UsagePointPlan
  /** Milliseconds with commas, as in the self link: about the end of the period plus two days. */
  readonly summaryId: string
  readonly titleMs: number
  readonly start_s: number
  readonly duration_s: number
  /** 1e-5 USD. */
  readonly billLastPeriod: number
  readonly lines: readonly LineItemPlan[]
  readonly consumption: BilledMeasurement
  readonly qualityOfReading: number
  readonly statusTimeStamp_ms: number
  readonly commodity: number
  readonly tariffProfile: string
  readonly readCycle: string
  readonly riders: readonly TariffRiderPlan[]
  readonly agencyName: string
}
