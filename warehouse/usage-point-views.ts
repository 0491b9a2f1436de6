/** core.usage_point and core.usage_point_attribute: usage points with what analysts may know of their customers, now and over time. */
import { tables } from '../schemas/tables.ts'
import { dimensionVersions } from './dimension-content.ts'
import { model } from './model.ts'
import { changedVersions, versionInForce } from './version-in-force.ts'
import { versionColumns } from './versioned-table.ts'
import type { ViewDefinition } from './view-definition.ts'

/** Table expressions: the files of each table; and the commits with their known_at. */
export interface UsagePointSources {
  readonly usage_points: string
  readonly summaries: string
  readonly agreements: string
  readonly places: string
  readonly commits: string
}

export function usagePointViews(sources: UsagePointSources): readonly ViewDefinition[] {
  const { usage_points, summaries, agreements, places, commits } = sources
  const ofAgreements = { source: agreements, ...versionColumns('usage_point_agreement') }
  const ofPlaces = { source: places, ...versionColumns('usage_point_place') }
  return [
    {
      name: 'core.usage_point',
      query: model('view-usage-point', {
        usage_points,
        summaries,
        agreements,
        places,
        usage_point: versionInForce(dimensionVersions('usage_point', usage_points), commits),
        agreement: versionInForce(ofAgreements, commits),
        place: versionInForce(ofPlaces, commits),
      }),
      comment: 'usage points, the version in force, with what is known of their customers without names',
      table: tables.usage_point,
    },
    {
      name: 'core.usage_point_attribute',
      query: model('view-usage-point-attribute', {
        usage_points: changedVersions({
          source: usage_points,
          key: 'usage_point_id',
          content: 'customer_class, tariff_profile',
        }),
        agreements: changedVersions(ofAgreements),
        places: changedVersions(ofPlaces),
      }),
      comment: 'what is known of usage points without names, from valid_from to valid_to',
      table: tables.usage_point_agreement,
    },
  ]
}
