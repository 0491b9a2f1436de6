/** Comments of the columns of mart.completeness_daily, mart.gap and ref.roster. */

const flow_direction =
  '1 delivered, 19 received (absolute), 4 net; NULL: not sent, or a usage point of the roster nothing ever came of'
const uom = 'unit of measure (UnitSymbolKind; 72 Wh) of the series; NULL: not known, or nothing ever came'

export const completenessComments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'mart.completeness_daily': {
    flow_direction,
    uom,
    expected_by:
      'who expects the intervals: roster, or history where there is no roster; NULL: nobody, they came unasked and are as welcome',
    n_expected:
      'intervals expected: those that came and n_missing; by the length of the intervals of the day (else those that came last, else an hour) and the length of the local day (23, 24, 25 h); 0: nobody expects any',
    n_intervals: 'intervals that came',
    n_missing: 'intervals expected that did not come; what mart.gap explains by no_data is among them',
    n_revenue: 'of n_intervals: of class REVENUE (19)',
    n_valid: 'of n_intervals: of class VALID (0)',
    n_actual_override: 'of n_intervals: of class ACTUAL_OVERRIDE (18)',
    n_vee: 'of n_intervals: of class VEE (17)',
    n_edited: 'of n_intervals: of class EDITED (7)',
    n_raw: 'of n_intervals: of class RAW (14)',
    n_unknown: 'of n_intervals: without any quality code',
    n_other: 'of n_intervals: of class OTHER (11, 12, 13, 15, 16, or not listed)',
    n_estimated: 'of n_intervals: of class ESTIMATED (8, 9)',
    n_suspect: 'of n_intervals: of class SUSPECT (10)',
    duration_s: 'length of an interval: the shortest of the day, else of what came last, else 3600 [s]',
    energy_kwh: 'sum of the exact energies of the day, of this direction [kWh]; NULL: none',
    quality_grade:
      'D: intervals are missing; else by the worst that came: C estimated, suspect or other; B not final; A actual',
  },
  'mart.gap': {
    series_key: 'key of the series that lacks them; NULL: a usage point of the roster nothing ever came of',
    flow_direction,
    uom,
    start_at: 'start of the first missing interval [UTC]',
    end_at: 'end of the last missing interval [UTC]',
    local_date: 'local day of start_at',
    n_intervals: 'intervals missing, by the length of those around them',
    duration_s: 'length of an interval, the shortest of the run [s]',
    status:
      'open: missing and expected; explained: missing, and reason says why; filled: there now, and missing when the day after its own had ended, though the lake knew then that it should come',
    reason:
      'agreement_closed (the agreement had ended), no_data (asked for the day after 18:00 of the next one, the utility said 204, and nothing of the day has come since), not_on_roster (outside the days of the roster); NULL: not explained',
    filled_at: 'when the commit made the intervals known [UTC]; NULL: not filled',
    expected_by: 'roster or history; NULL: nobody, the reason is agreement_closed or not_on_roster',
  },
  'ref.roster': {
    to_date:
      'last local day it should have data: as the file says, else the day before the first roster that names it no more; NULL: until further notice',
    last_reading_date: 'last local day of any interval received, up to the newest operating day; NULL: none ever came',
    is_expected: 'true: it should have readings of the newest operating day',
    silent_since:
      'first local day without any interval, where none came since, up to the newest operating day; NULL: it is not silent, or needs not report now',
    silent_days: 'days from silent_since to the newest operating day [d]; NULL: not silent',
  },
}
