/** Comments of view columns that no table of the lake has; the rest come from `schemas/tables.ts`. */
import type { Schema } from 'apache-arrow'
import { tables } from '../schemas/tables.ts'
import { columnComment } from './columns.ts'
import { completenessComments } from './completeness-comments.ts'

const derived: Readonly<Record<string, string>> = {
  value: 'the integer as sent, restored exactly [10^power_of_ten uom]',
  quantity:
    'value × 10^power_of_ten in unit, exact; NULL: power of ten not sent, or not representable as DECIMAL(38,12)',
  unit: "name of uom; 'uom <n>' where the standard's list lacks it; NULL: uom not sent, or in conflict",
  quality_codes: 'all codes, space-separated, in document order; NULL: none sent, no default',
  quality_source: 'where quality comes from: reading, block, default (of the ReadingType) or none',
  quality_class:
    'class of quality: REVENUE, VALID, ACTUAL_OVERRIDE, VEE, EDITED, RAW, UNKNOWN, OTHER, ESTIMATED, SUSPECT',
  energy_null_reason: 'why energy_kwh is NULL; NULL: it is not',
  valid_from: 'since when the utility said so [UTC]; 1970 where its feed carried no date',
  valid_to: 'when it said otherwise [UTC]; NULL: it has not',
  known_at: 'when the commit made it known here, strictly increasing [UTC]',
  superseded: 'true: a newer reading that covers this one withdrew it here; value is NULL',
  hour_start_at: 'start of the hour [UTC]',
  delivered_kwh:
    'energy delivered to the customer (flow 1), of intervals no longer than an hour [kWh]; NULL: no such interval',
  received_kwh:
    'energy received from the customer (flow 19), absolute, of intervals no longer than an hour [kWh]; NULL: no such interval',
  net_kwh: 'delivered minus received [kWh]; NULL: not known, net_basis says why',
  net_basis:
    'both (1 − 19), net_channel (4), delivered_only (no channel 19 or 4 then), received_missing or partial (no net)',
  n_intervals: 'intervals of the hour that came; those longer than an hour are in core.interval only',
  n_expected: 'intervals the hour should have, by the series of the day and the channels known',
  quality_grade: 'A actual, B validated, edited, raw or unknown, C some estimated or suspect, D incomplete',
  n_usage_points: 'usage points with any interval in the hour',
  n_net_unknown: 'usage points whose net is not known: left out of net_kwh',
  estimated_share: 'share of the intervals whose quality is 8 or 9 (estimated) [0…1]',
  billing_end_at: 'end of the billing period as sent [UTC]; NULL: period not sent, empty, or longer than 400 days',
  is_in_force: 'false: another bill of the usage point took its place (displaced_by_summary_id of mart.bill_recon)',
  displaced_by_summary_id:
    'the bill that took its place: the newest with the same start (superseded), else the newest later published that overlaps it by more than an hour (overlapped); NULL: in force',
  is_tied: 'true: versions of one publication with the same start say different things; the last to come is shown',
  billed_flow_direction:
    'flow of the ReadingType of the billed total: 1 is compared with delivered, 19 with received; NULL: not known, net is taken',
  billed_quantity: 'billed total in unit, exact; NULL: not sent, or no exact quantity',
  interval_basis:
    'what the intervals are added up to: both (1 − 19), net_channel (4), delivered_only (1; gas: also without direction), received_only (19); NULL: no period',
  interval_quantity:
    'sum of the current intervals whose middle lies in the period, in unit, exact; NULL: none, or not all is known: a missing export is never taken for zero',
  difference_quantity:
    'interval_quantity − billed_quantity, in unit; NULL: one is not known. Where reason is not NULL it is no comparison',
  billed_kwh: 'billed total [kWh]; NULL: not sent, or not in Wh',
  interval_kwh: 'interval_quantity [kWh]; NULL: as there, or not compared in Wh',
  difference_kwh:
    'interval_kwh − billed_kwh [kWh]; NULL: one is not known. Where reason is not NULL it is no comparison',
  difference_percent:
    'difference in percent of the absolute billed total [%]; NULL: no difference known, or nothing was billed',
  coverage: 'n_intervals of n_expected [0…1]; NULL: no period',
  reason:
    'why bill and intervals cannot be compared: superseded, overlapped, no_period, no_total, billed_unit_unknown, no_intervals, other_unit (none in the billed unit with a known direction), received_missing, delivered_missing (or net), interval_quantity_unknown, partly_covered, doubly_covered; NULL: they can',
  n_revenue: 'intervals of the period of revenue quality (19)',
  n_raw: 'intervals of the period that are raw (14)',
  n_estimated: 'intervals of the period that are estimated (8, 9)',
  interval_quality_class: 'worst class of the intervals of the period; NULL: no intervals',
  bill_quality:
    'qualityOfReading of the bill: state of the latest intervals of the period when it was asked for; NULL: not sent',
  bill_quality_class: 'class of bill_quality; NULL: not sent',
  total_quality:
    'quality of the billed total: defaultQuality of its ReadingType; NULL: ReadingType or quality not sent',
  total_quality_class: 'class of total_quality; NULL: not known',
  is_revenue_quality:
    'true: the period is revenue quality (RQMD, not settlement quality); NULL: not known, no period or no intervals',
  quality_basis:
    'why: revenue (all intervals, and the levels sent that are not older than them, say 19); raw_taken_for_mv90 (all intervals and the bill say 14, and no billed interval of the usage point was ever better: taken for an MV-90 meter, whose 14 is final, for no feed of the lake says which meter it is); intervals_not_revenue, bill_not_revenue, total_not_revenue, incomplete, no_intervals, no_period',
  revenue_since_at:
    'since when it is known here: when the last interval of the period got the quality it has kept since, not before the bill said its period and quality [UTC]; NULL: not revenue quality',
  first_value:
    'the integer as first known, after the commit that brought the interval [10^power_of_ten uom]; NULL: withdrawn by it',
  last_value: 'the integer in force now [10^power_of_ten uom]; NULL: withdrawn',
  first_energy_kwh: 'energy as first known [kWh]; NULL: not an exact energy, or withdrawn by the same commit',
  last_energy_kwh: 'energy in force now [kWh]; NULL: not an exact energy, or withdrawn',
  energy_kwh_changed:
    'last minus first, a withdrawn interval counting as 0 [kWh]; NULL: one of them is not an exact energy',
  first_duration_s: 'length of the interval as first known [s]; NULL: withdrawn by the same commit',
  last_duration_s: 'length of the interval now [s]; NULL: withdrawn',
  first_quality: 'worst QualityOfReading code as first known; NULL: none in force, or withdrawn',
  last_quality: 'worst QualityOfReading code in force now; NULL: none, or withdrawn',
  n_versions: 'versions that differ from the one before, in the order of the utility; withdrawals are not counted',
  first_published_at: 'when the utility published what was first known [UTC]; NULL: not sent',
  last_published_at: 'when the utility published what is in force, or withdrew it [UTC]; NULL: not sent',
  first_known_at: 'when the commit made the interval known here [UTC]',
  last_known_at: 'when the commit made known what is in force, or withdrew it [UTC]',
  days_late: 'local day of last_known_at minus local_date [d]',
  published_days_late: 'local day of last_published_at minus local_date [d]; NULL: not sent',
  canonical_meter_reading_id: 'MeterReading id of the series it is counted as',
  other_meter_reading_id: 'MeterReading id of the other series',
  is_joined: 'true: both are counted as one series',
  is_open: 'true: counted as two until an operator decides (`meterlake alias set`)',
  first_revenue_at:
    'when the last of the intervals of the day that are in force now was first known here as of revenue quality (19), a later correction within it changing nothing [UTC]; NULL: not all of them are. Raw readings (14), though final for MV-90 meters, are not: see mart.bill_quality',
  days_to_revenue: 'local day of first_revenue_at minus local_date [d]; NULL: not all are of revenue quality',
  days_after: 'days since the local day: what was known by the end of D+1 … D+60 [d]',
  n_usage_points_in: 'usage points that had as many seconds of electric energy by then as they have of the day now',
  usage_point_share: 'n_usage_points_in of n_usage_points [1]',
  energy_kwh_in: 'energy of flows 1, 4 and 19, each absolute, as it was known by then [kWh]',
  energy_share: 'energy_kwh_in of energy_kwh; above 1 where it was corrected downwards; NULL: energy_kwh is 0 [1]',
  manifest: 'number of the manifest these views were made from',
  time_zone: 'zone of local_date, he_seq and he_clock',
  meterlake: 'version of meterlake that made them',
  root: 'folder whose files they name, an absolute path',
}

/** View-only meaning of a name that a table uses otherwise, by view. */
const byView: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...completenessComments,
  'mart.load_hourly': { quality_class: 'worst class of the intervals of the hour' },
  'mart.finality_daily': {
    n_intervals: 'intervals of the day that are in force now',
    n_revenue: 'of these, intervals of revenue quality (19)',
  },
  'mart.bill_recon': {
    n_intervals: 'intervals of the period that came, of the directions compared, in the billed unit',
    n_expected:
      'intervals the period should have, by the length of those that came, meters side by side each; received only from the first export ever seen; hours where nothing came; NULL: no period',
    unit: 'unit of the quantities: kWh for Wh, else the name of the billed uom; NULL: not sent',
  },
  'mart.bill_quality': {
    n_intervals: 'intervals of the period that came, of the directions and the unit of the bill',
    n_expected: 'intervals the period should have; as in mart.bill_recon; NULL: no period',
  },
  'core.usage_point': {
    tariff_profile: 'current tariff: of the UsagePoint, else of its agreement; NULL: neither sent',
    customer_class: 'RES, AGR, COM/IND, Other: of the UsagePoint, else of its agreement; NULL: neither sent',
    href: 'self link as sent; NULL: known by its agreement or a bill alone',
  },
  'mart.revision_delta': {
    superseded: 'true: a newer reading that covers this one has withdrawn it',
  },
  'mart.latency_curve': {
    n_usage_points: 'usage points with electric energy of the day now',
    energy_kwh: 'energy of flows 1, 4 and 19, each absolute, as it is known now [kWh]',
  },
  'mart.load_system_hourly': {
    net_kwh: 'sum of the nets that are known; n_net_unknown counts the others [kWh]',
    quality_grade:
      'D: of a usage point intervals are missing, or fewer report than in another hour of the day; else C: any interval estimated or suspect; B: any not final; A: all actual. Who reports not at all that day is in mart.completeness_daily',
  },
}

// core shows these otherwise than the files hold them
const shownOtherwise = new Set(['value', 'quality_codes', 'quality_source', 'known_at'])

/** The comment of a column of `view` (schema.name), or undefined for one nobody described. */
export function viewComment(view: string, column: string, table: Schema | undefined): string | undefined {
  const own = byView[view]?.[column]
  if (own !== undefined) return own
  const field = table?.fields.find(({ name }) => name === column)
  if (field && !(view.startsWith('core.interval') && shownOtherwise.has(column))) return columnComment(field)
  const money = column.endsWith('_in_currency') ? column.slice(0, -'_in_currency'.length) : undefined
  if (money !== undefined) return `${money} in units of its currency, exact [currency]; NULL: not sent`
  const described = derived[column]
  if (described !== undefined) return described
  const shared = Object.values(tables)
    .flatMap((schema: Schema) => schema.fields)
    .find(({ name }) => name === column)
  return shared && columnComment(shared)
}
