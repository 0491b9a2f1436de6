/** What identifies a described thing, and what makes two versions of it the same. */
import { tables } from '../schemas/tables.ts'
import { identifier } from './columns.ts'

/** Keys of the tables whose versions are compared: only a version that says something else is kept. */
export const dimensionKeys = {
  usage_point: ['usage_point_id'],
  meter_reading: ['series_key'],
  reading_type: ['reading_type_id'],
  tou_code: ['kind', 'code'],
  usage_summary: ['summary_id'],
} as const

export type DimensionTable = keyof typeof dimensionKeys
export const dimensionNames = Object.keys(dimensionKeys) as DimensionTable[]

const provenance = new Set(['published_at', 'load_id', 'commit_id', 'byte_offset'])

/** Columns that make up the content of a version, quoted. */
const contentOf = (table: DimensionTable): string[] =>
  tables[table].fields
    .map((field) => field.name)
    .filter((name) => !provenance.has(name) && !(dimensionKeys[table] as readonly string[]).includes(name))
    .map(identifier)

/** Select list of the content of {@link versionsOf}. */
export const contentList = (table: DimensionTable): string =>
  [...contentOf(table), ...(table === 'usage_summary' ? ['lines'] : [])].join(', ')

/** The key as one text, as the table `confirmation` has it. */
export const keyText = (table: DimensionTable): string =>
  dimensionKeys[table].map((name) => `${name}::VARCHAR`).join(` || ' ' || `)

const linesText = (source: string): string => {
  const cells = tables.usage_summary_line.fields
    .map((field) => field.name)
    .filter((name) => !provenance.has(name) && name !== 'summary_id')
    .map((name) => `coalesce(${identifier(name)}::VARCHAR, '')`)
  return `SELECT summary_id, load_id, byte_offset, commit_id,
      string_agg(concat_ws(chr(31), ${cells.join(', ')}), chr(30) ORDER BY line) AS lines
    FROM ${source} GROUP BY ALL`
}

/** Versions as the engine has them under a prefix (`staged`, `lake`): a bill is another where its summary or any of its lines is. */
export const versionsOf = (table: DimensionTable, prefix: string): string =>
  table === 'usage_summary'
    ? `(SELECT s.*, l.lines FROM ${prefix}_usage_summary s
        LEFT JOIN (${linesText(`${prefix}_usage_summary_line`)}) l USING (summary_id, load_id, byte_offset, commit_id))`
    : `${prefix}_${table}`
