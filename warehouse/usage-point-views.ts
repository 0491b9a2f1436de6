/** core.usage_point and core.usage_point_attribute: usage points with what analysts may know of their customers, now and over time. */
import { tables } from '../schemas/tables.ts'
import { model } from './model.ts'
import { type AttributeTable, versionColumns } from './versioned-table.ts'
import type { ViewDefinition } from './view-definition.ts'

/** Table expressions: the files of each table; and the commits with their known_at. */
export interface UsagePointSources {
  readonly usage_points: string
  readonly summaries: string
  readonly agreements: string
  readonly places: string
  readonly commits: string
}

const changed = (table: AttributeTable, source: string): string =>
  model('changed-versions', { source, ...versionColumns(table) })

export function usagePointViews(sources: UsagePointSources): readonly ViewDefinition[] {
  const { usage_points, summaries, agreements, places, commits } = sources
  const inForce = (source: string) => model('version-in-force', { source, key: 'usage_point_id', commits, more: '' })
  return [
    {
      name: 'core.usage_point',
      query: model('view-usage-point', {
        usage_points,
        summaries,
        agreements,
        places,
        usage_point: inForce(usage_points),
        agreement: inForce(agreements),
        place: inForce(places),
      }),
      comment: 'usage points, the version in force, with what is known of their customers without names',
      table: tables.usage_point,
    },
    {
      name: 'core.usage_point_attribute',
      query: model('view-usage-point-attribute', {
        usage_points: model('changed-versions', {
          source: usage_points,
          key: 'usage_point_id',
          content: 'customer_class, tariff_profile',
        }),
        agreements: changed('usage_point_agreement', agreements),
        places: changed('usage_point_place', places),
      }),
      comment: 'what is known of usage points without names, from valid_from to valid_to',
      table: tables.usage_point_agreement,
    },
  ]
}
