/** mart.bill_recon and mart.bill_quality: bills against the intervals of their periods. */
import { model } from './model.ts'
import { exactQuantity } from './packed-value.ts'
import type { ViewDefinition } from './view-definition.ts'
import { qualityClassName, qualityRank, rankClass, unitName } from './view-expressions.ts'

/** Table expressions: the files of each table; series with their usage point; commits with their known_at. */
export interface BillSources {
  readonly summaries: string
  /** Bills, the version in force. */
  readonly summaries_in_force: string
  readonly current: string
  readonly history: string
  readonly channel: string
  readonly series: string
  readonly commits: string
  /** ReadingTypes, the version in force. */
  readonly reading_types: string
}

export function billViews(all: BillSources): readonly ViewDefinition[] {
  const { summaries, summaries_in_force, reading_types, ...sources } = all
  const bill = model('bill', { summaries, summaries_in_force, reading_types })
  const bill_interval = model('bill-interval', {
    ...sources,
    bill_day: model('bill-day', { bills: 'bill' }),
    quality_rank: qualityRank('v.quality'),
    quantity: exactQuantity('v.value', 'v.power_of_ten'),
  })
  return [
    {
      name: 'mart.bill_recon',
      query: model('view-bill-recon', {
        ...sources,
        bill,
        bill_interval,
        // Wh are told in kWh
        billed_quantity: exactQuantity(
          'b.consumption_value',
          '(b.consumption_power_of_ten - CASE WHEN b.consumption_uom = 72 THEN 3 ELSE 0 END)',
        ),
        unit: unitName('c.consumption_uom'),
      }),
      comment:
        'one row per bill: billed total against the intervals of its period; reason says why they cannot be compared',
    },
    {
      name: 'mart.bill_quality',
      query: model('view-bill-quality', {
        ...sources,
        bill,
        bill_day: model('bill-day', { bills: 'good' }),
        bill_interval,
        interval_quality_class: rankClass('j.quality_rank'),
        bill_quality_class: qualityClassName('j.quality_of_reading'),
        total_quality_class: qualityClassName('j.total_quality'),
      }),
      comment:
        'one row per bill: whether its period is revenue quality (not settlement quality), and since when that is known here',
    },
  ]
}
