/** Who should have data, as the CCA's own files say. It says nothing of who may: readings of others are as welcome. */
import { column, date, instant, table, text } from './column.ts'
import { interval } from './columns-interval.ts'

/** A row of a roster file. Nothing personal is in it: a usage point, and what sorts it. */
export const roster = table('usage point of a roster file', [
  column('usage_point_id', text, { meaning: 'identity of the UsagePoint, byte-exact' }),
  column('customer_class', text, { meaning: 'customer class, as the file says', null: 'not said' }),
  column('rate', text, { meaning: 'rate schedule, as the file says', null: 'not said' }),
  column('city', text, { meaning: 'city, as the file says', null: 'not said' }),
  column('from_date', date, { meaning: 'first local day it should have data', null: 'since its first reading' }),
  column('to_date', date, { meaning: 'last local day it should have data', null: 'until further notice' }),
  column('as_of_date', date, { meaning: 'day for which the file was valid' }),
  column('roster_id', text, { meaning: 'first 16 hex digits of the SHA-256 of the rows of the file' }),
  interval.commitId,
  column('known_at', instant, { meaning: 'when the commit made it known', unit: 'UTC' }),
])
