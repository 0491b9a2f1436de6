/** Which series are one: MeterReading ids are re-encoded by the utility (June 2024), or change with an agreement. */
import { bigint, column, date, flag, instant, table, text } from './column.ts'
import { interval, usagePointId } from './columns-interval.ts'

const known = [
  interval.commitId,
  column('known_at', instant, { meaning: 'when the commit made it known', unit: 'UTC' }),
]

/** The newest row of a series counts; one that names the series itself takes an alias back. */
export const alias = table('series that is counted as another, or is its own again', [
  interval.seriesKey,
  column('canonical_series_key', bigint, {
    meaning: 'key of the series it is counted as: of the ids of one channel the one with the earliest interval',
  }),
  usagePointId,
  column('decided_by', text, { meaning: 'rule or operator' }),
  ...known,
])

const instantOf = (name: string, meaning: string, nothing: string) =>
  column(name, instant, { meaning, unit: 'UTC', null: nothing })
const notShared = 'no start is shared'

/** Every two series of a usage point that mean the same: the evidence, gathered commit by commit, and what follows from it. */
export const seriesPair = table('version of what is known of two series of a usage point that mean the same', [
  interval.seriesKey,
  column('other_series_key', bigint, { meaning: 'key of the other series, the larger of the two' }),
  usagePointId,
  column('verdict', text, {
    meaning:
      'one (two ids of one series), two (both go on: two meters), ambiguous (counted as two; an operator decides)',
  }),
  column('reason', text, {
    meaning:
      'not_beside (never a reading of both for one start), sent_again (wherever both have one, one id was published later), both_go_on (published together, saying different things), same_values (published together, saying the same), publications_mixed, lengths_differ, operator',
  }),
  column('ruled', text, { meaning: 'verdict by the rule alone' }),
  column('decided', text, { meaning: "an operator's verdict", null: 'none, or taken back' }),
  instantOf('decided_at', 'when the operator decided', 'no operator did'),
  column('shared_from', date, {
    meaning: 'first local day on which both have a reading of one start',
    null: notShared,
  }),
  column('shared_to', date, { meaning: 'last such day', null: notShared }),
  instantOf('published_min', "earliest publication of the first series' readings there", notShared),
  instantOf('published_max', "latest publication of the first series' readings there", notShared),
  instantOf('other_published_min', "earliest publication of the other's readings there", notShared),
  instantOf('other_published_max', "latest publication of the other's readings there", notShared),
  column('together_differ', flag, {
    meaning: 'true: published within 12 hours of each other they said different things',
  }),
  column('lengths_differ', flag, { meaning: 'true: readings of one start had different lengths' }),
  instantOf(
    'last_start_at',
    'latest start of the first series looked at; it may have later ones since',
    'none looked at',
  ),
  instantOf('other_last_start_at', 'latest start of the other looked at', 'none looked at'),
  ...known,
])
