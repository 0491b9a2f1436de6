/** Ways a commit takes by the size of the lake, forced on small ones. */
import { overlayLimits } from '../../warehouse/plan-overlay.ts'
import { type UnitLimits, unitLimits } from '../../warehouse/plan-units.ts'

export type PublishForm = 'rewrite' | 'beside' | 'fold'

const limits: UnitLimits = { ...unitLimits, batchRows: 100 }
const beside = { ...overlayLimits, sparseness: 0, worthFiles: 0 }

export const publishForms: Readonly<Record<PublishForm, UnitLimits>> = {
  /** Every day that changes is written. */
  rewrite: limits,
  /** Every correction goes into the overlay. */
  beside: { ...limits, overlay: beside },
  /** And all of the overlay into its days. */
  fold: { ...limits, overlay: { ...beside, share: 0, rowsLeast: 0, rowsMost: 0 } },
}
