/** How a lake column is declared: an Arrow field whose metadata carries meaning, unit, source and privacy class. */
import {
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Int32,
  Int64,
  Schema,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow'

/** `public` may be published; `internal` stays with the CCA; `personal` stays in `pii/`. */
export type PrivacyClass = 'public' | 'internal' | 'personal'

export interface ColumnFacts {
  /** What the value is, one phrase. */
  readonly meaning: string
  /** Unit symbol, `''` where there is none. */
  readonly unit?: string
  /** XPath of the source in ESPI terms, `''` where the column is derived. */
  readonly source?: string
  /** What NULL means; absent = never NULL. */
  readonly null?: string
  readonly privacy?: PrivacyClass
}

export const bigint = new Int64()
export const integer = new Int32()
export const text = new Utf8()
export const flag = new Bool()
export const date = new DateDay()
export const instant = new TimestampMicrosecond('UTC')
export const decimal = (precision: number, scale: number) => new Decimal(scale, precision, 128)

/** One column: `column('duration_s', integer, { unit: 's', meaning: … })`. */
export function column(name: string, type: DataType, facts: ColumnFacts): Field {
  const { meaning, unit = '', source = '', null: nullMeaning, privacy = 'internal' } = facts
  const metadata = new Map([
    ['meaning', meaning],
    ['unit', unit],
    ['source', source],
    ['null', nullMeaning ?? ''],
    ['privacy', privacy],
  ])
  return new Field(name, type, nullMeaning !== undefined, metadata)
}

/** A table: its columns in file order, and what one row is. */
export function table(grain: string, columns: readonly Field[]): Schema {
  return new Schema([...columns], new Map([['grain', grain]]))
}
