/** Arrow schemas (`schemas/tables.ts`, `schemas/staging.ts`) as DuckDB sees them. */
import { DataType, type Field, type Schema } from 'apache-arrow'

/** A quoted SQL identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A quoted SQL string. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The DuckDB type of a column. */
export function duckdbType(type: DataType): string {
  if (DataType.isInt(type)) return type.bitWidth === 64 ? 'BIGINT' : 'INTEGER'
  if (DataType.isUtf8(type)) return 'VARCHAR'
  if (DataType.isBool(type)) return 'BOOLEAN'
  if (DataType.isDate(type)) return 'DATE'
  if (DataType.isTimestamp(type)) return 'TIMESTAMPTZ'
  if (DataType.isDecimal(type)) return `DECIMAL(${type.precision},${type.scale})`
  throw new TypeError(`no DuckDB type for Arrow type ${type.typeId}`)
}

/** `"a" BIGINT NOT NULL, "b" VARCHAR`: for CREATE TABLE. */
export const columnDefinitions = (schema: Schema): string =>
  schema.fields
    .map((field) => `${identifier(field.name)} ${duckdbType(field.type)}${field.nullable ? '' : ' NOT NULL'}`)
    .join(', ')

/** `"a"::BIGINT AS "a", …`: for the select list over a source with the same names, in the order of the schema. */
export const castList = (schema: Schema, source = ''): string =>
  schema.fields
    .map((field) => `${source}${identifier(field.name)}::${duckdbType(field.type)} AS ${identifier(field.name)}`)
    .join(', ')

/** `"a", "b"`: the names in the order of the schema. */
export const columnList = (schema: Schema): string => schema.fields.map((field) => identifier(field.name)).join(', ')

/** `{'a': 'BIGINT', …}`: the `columns` argument of read_json and read_csv. */
export const readColumns = (schema: Schema): string =>
  `{${schema.fields.map((field) => `${literal(field.name)}: ${literal(duckdbType(field.type))}`).join(', ')}}`

/** A query with the columns of the schema and no rows: what a view over no files is. */
export const emptySelect = (schema: Schema): string =>
  `SELECT ${schema.fields.map((field) => `NULL::${duckdbType(field.type)} AS ${identifier(field.name)}`).join(', ')} WHERE false`

/** What a column means, with its unit and what NULL stands for: for COMMENT ON COLUMN. */
export function columnComment(field: Field): string {
  const fact = (name: string) => field.metadata.get(name) ?? ''
  const unit = fact('unit') === '' ? '' : ` [${fact('unit')}]`
  const nothing = fact('null') === '' ? '' : `; NULL: ${fact('null')}`
  return `${fact('meaning')}${unit}${nothing}`
}
