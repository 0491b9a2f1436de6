/** What identifies a described thing, and what makes two versions of it the same. */
import { tables } from '../schemas/tables.ts'
import { identifier } from './columns.ts'
import type { Versions } from './version-in-force.ts'

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

/** Select list of what makes two versions the same. */
export const contentList = (table: DimensionTable): string =>
  tables[table].fields
    .map((field) => field.name)
    .filter((name) => !provenance.has(name) && !(dimensionKeys[table] as readonly string[]).includes(name))
    .map(identifier)
    .join(', ')

/** The key as one text, as the table `confirmation` has it. */
export const keyText = (table: DimensionTable): string =>
  dimensionKeys[table].map((name) => `${name}::VARCHAR`).join(` || ' ' || `)

/** Versions in the files of a table. */
export const dimensionVersions = (table: DimensionTable, source: string): Versions => ({
  source,
  key: dimensionKeys[table].join(', '),
  content: contentList(table),
})
