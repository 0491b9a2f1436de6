/** When two versions of an interval say the same, and in which order versions count. */

/** Columns that make up the content of a version. */
export const contentColumns = [
  'duration_s',
  'value',
  'power_of_ten',
  'uom',
  'flow_direction',
  'commodity',
  'energy_rule',
  'quality',
  'quality_codes',
  'quality_source',
  'tou',
  'cpp',
  'consumption_tier',
  'cost',
] as const

/** Content of row `h` as text: equal texts, equal contents (all are integers, but for quality_codes: digits and spaces). */
export const contentText = `concat_ws('|', ${contentColumns.map((name) => `coalesce(h.${name}::VARCHAR, '')`).join(', ')})`

/** Winner order of versions, the winner last. `row` is a prefix such as `e.`. */
export const versionOrder = (row = ''): string =>
  ['published_at NULLS FIRST', 'commit_id', 'load_id', 'byte_offset'].map((name) => row + name).join(', ')
