/** What a package says of one usage point, as plans: which blocks in which version, which bills. */
import type { BillPlan } from './bill-plan.ts'
import type { SeriesPlan, UsagePointPlan } from './fleet.ts'

/** One IntervalBlock: a local day of a series in one of its versions. */
export interface BlockPlan {
  readonly series: SeriesPlan
  /** Local day, days since 1970-01-01. */
  readonly day: number
  /** 0 as first read; 1 corrected; 2 corrected long after. */
  readonly revision: 0 | 1 | 2
  /** `fresh`: provisional qualities (17 and worse); `revenue`: billed (19). */
  readonly stage: 'fresh' | 'revenue'
}

/** What one package says of one usage point, in the order of its entries. */
export interface UsagePointContent {
  readonly usagePoint: UsagePointPlan
  /** Function block 19: only IntervalBlocks, no ReadingType, UsagePoint, MeterReading. */
  readonly partial: boolean
  readonly blocks: readonly BlockPlan[]
  readonly bills: readonly BillPlan[]
}
