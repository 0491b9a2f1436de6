/** Rows of a customer feed on their way into staging: opaque keys added, and what analysts may know set apart. */
import type { FeedRow } from '../schemas/feed-rows.ts'
import { personalTables, type PersonalTable } from '../schemas/tables-personal.ts'
import { agreementEnd } from './agreement-end.ts'
import type { CustomerKey } from './customer-key.ts'

type Cell = string | number | boolean | null
type PersonalRow = Extract<FeedRow, { readonly table: PersonalTable }>

/** A row of a table of the lake that a customer feed gives rise to. */
export interface AttributeRow {
  readonly table: 'usage_point_agreement' | 'usage_point_place'
  readonly [column: string]: Cell
}

export const isPersonalTable = (table: string): table is PersonalTable => Object.hasOwn(personalTables, table)

export const isPersonalRow = (row: FeedRow): row is PersonalRow => isPersonalTable(row.table)

/** What is staged for a row of the reader: the row with its keys, under pii; and attributes without names, for the lake. */
export const keyedRows = (row: PersonalRow, key: CustomerKey): readonly (PersonalRow | AttributeRow)[] =>
  rowsOf(row, key).map(withoutNulls)

/** Most elements are not sent: what is NULL anyway is not spooled. */
const withoutNulls = <R extends PersonalRow | AttributeRow>(row: R): R =>
  Object.fromEntries(Object.entries(row).filter(([, cell]) => cell !== null)) as R

function rowsOf(row: PersonalRow, key: CustomerKey): readonly (PersonalRow | AttributeRow)[] {
  const text = (column: string): string | null => {
    const cell = row[column]
    return typeof cell === 'string' ? cell : null
  }
  const keyOf = (kind: 'customer' | 'account' | 'agreement', id: string | null) =>
    id === null ? null : key.of(kind, id)
  const customer_id = text('customer_id')
  const agreement_id = text('agreement_id')
  const keys = {
    customer_key: keyOf('customer', customer_id),
    agreement_key: keyOf('agreement', agreement_id),
  }
  const within = (id: string | null) => [agreement_id ?? customer_id, id]
  switch (row.table) {
    case 'customer':
      return [{ ...row, customer_key: keys.customer_key }]
    case 'customer_account':
      return [{ ...row, customer_key: keys.customer_key, account_key: keyOf('account', text('account_id')) }]
    case 'customer_agreement':
      return [{ ...row, ...keys, account_key: keyOf('account', text('account_id')) }, ...agreementAttributes(row, keys)]
    case 'service_location':
      return [{ ...row, ...keys, location_key: key.of('location', ...within(text('location_id'))) }, ...placeOf(row)]
    case 'meter':
      return [{ ...row, ...keys, meter_key: key.of('meter', ...within(text('meter_id'))) }]
    case 'demand_response_program':
      return [{ ...row, ...keys }]
    case 'program_date_code':
    case 'service_supplier':
      return [row]
    default:
      return row.table satisfies never
  }
}

const cell = (row: PersonalRow, column: string): Cell => row[column] ?? null

function agreementAttributes(
  row: PersonalRow,
  keys: { readonly customer_key: string | null; readonly agreement_key: string | null },
): AttributeRow[] {
  if (cell(row, 'usage_point_id') === null) return []
  return [
    {
      table: 'usage_point_agreement',
      usage_point_id: cell(row, 'usage_point_id'),
      ...keys,
      customer_class: cell(row, 'customer_class'),
      tariff: cell(row, 'tariff'),
      net_generation: cell(row, 'net_generation'),
      service_voltage: cell(row, 'service_voltage'),
      ...agreementEnd(row),
      published_at: cell(row, 'published_at'),
      byte_offset: cell(row, 'byte_offset'),
    },
  ]
}

/** A ZIP+4 is nearly an address: its first five digits are not. Other postal codes are not known to be coarse, and stay in pii. */
export const coarseZip = (zip: Cell): string | null =>
  typeof zip === 'string' ? (/^(\d{5})(?:-?\d{4})?$/.exec(zip.trim())?.[1] ?? null) : null

function placeOf(row: PersonalRow): AttributeRow[] {
  if (cell(row, 'usage_point_id') === null) return []
  return [
    {
      table: 'usage_point_place',
      usage_point_id: cell(row, 'usage_point_id'),
      zip: coarseZip(cell(row, 'service_zip')),
      city: cell(row, 'service_city'),
      published_at: cell(row, 'published_at'),
      byte_offset: cell(row, 'byte_offset'),
    },
  ]
}
