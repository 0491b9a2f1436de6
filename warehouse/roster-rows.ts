/** Rows of a roster file, whatever it is: which column is which, and what a row must be. Pure. */
import { createHash } from 'node:crypto'
import { isDay } from '../schemas/calendar-day.ts'
import { MeterlakeError } from '../schemas/errors.ts'

export interface RosterRow {
  readonly usage_point_id: string
  readonly customer_class: string | null
  readonly rate: string | null
  readonly city: string | null
  /** First and last local day, both included. */
  readonly from_date: string | null
  readonly to_date: string | null
}

type RosterColumn = keyof RosterRow

/** Names each column may have in a file; case, blanks and dashes do not count. The first is ours. */
export const rosterColumns: Readonly<Record<RosterColumn, readonly string[]>> = {
  usage_point_id: ['usage_point_id', 'usage_point'],
  customer_class: ['customer_class', 'class'],
  rate: ['rate', 'tariff'],
  city: ['city'],
  from_date: ['from_date', 'from', 'start_date'],
  to_date: ['to_date', 'to', 'end_date'],
}

/** A record of the file: cells as text, `''` where there is nothing; `place` numbers lines or rows from 1. */
export interface RosterRecord {
  readonly place: number
  readonly cells: readonly string[]
}

export interface RosterContent {
  /** In order of usage point and day. */
  readonly rows: readonly RosterRow[]
  /** Columns of the file that a roster has no use for. */
  readonly unused: readonly string[]
  /** First 16 hex digits of the SHA-256 of the rows. */
  readonly rosterId: string
}

/** Problems that are named; the others are counted. */
const shownProblems = 5
const textChars = 200
// oxlint-disable-next-line no-control-regex -- they are what an id or a name cannot hold
const controlCharacter = /[\u0000-\u001f\u007f]/

const normalName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, '_')

/** All rows of a file, whose places are lines or rows. Raises ROSTER_INVALID, which names place and column of what is wrong. */
export function readRosterRows(
  header: readonly string[],
  records: Iterable<RosterRecord>,
  unit: 'line' | 'row',
): RosterContent {
  const { places, unused } = placesOf(header)
  const problems: string[] = []
  const found: { readonly place: number; readonly row: RosterRow }[] = []
  const shared = new Map<string, string>()
  for (const { place, cells } of records) {
    const where = `${unit} ${place}`
    if (cells.length !== header.length) {
      problems.push(`${where}: ${cells.length} cells, the header names ${header.length} columns`)
      continue
    }
    const row = rowOf(where, (column) => cells[places[column] ?? -1]?.trim() ?? '', problems)
    if (row !== undefined) found.push({ place, row: sharing(shared, row) })
  }
  found.sort((a, b) => compareTexts(keyOf(a.row), keyOf(b.row)))
  for (const [at, { place, row }] of found.entries()) {
    const before = found[at - 1]
    if (before?.row.usage_point_id === row.usage_point_id && (before.row.to_date ?? lastDay) >= (row.from_date ?? ''))
      problems.push(
        `${unit} ${place}: column usage_point_id: its days overlap those of ${unit} ${before.place}, the same usage point`,
      )
  }
  if (problems.length > 0) throw invalid(problems)
  if (found.length === 0) throw new MeterlakeError('ROSTER_INVALID', 'the file names no usage point')
  const rows = found.map(({ row }) => row)
  return { rows, unused, rosterId: rosterIdOf(rows) }
}

const lastDay = '9999-12-31'
const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const keyOf = ({ usage_point_id, from_date }: RosterRow): string => `${usage_point_id}\0${from_date ?? ''}`

function invalid(problems: readonly string[]): MeterlakeError {
  const shown = problems.slice(0, shownProblems)
  const more = problems.length - shown.length
  const message = `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  return new MeterlakeError('ROSTER_INVALID', message, { problems: problems.length })
}

/** Where each column stands in the header. */
function placesOf(header: readonly string[]) {
  const names = header.map(normalName)
  const places: Partial<Record<RosterColumn, number>> = {}
  const used = new Set<number>()
  for (const [column, accepted] of Object.entries(rosterColumns) as [RosterColumn, readonly string[]][]) {
    const at = names.flatMap((name, place) => (accepted.includes(name) ? [place] : []))
    if (at.length > 1)
      throw new MeterlakeError(
        'ROSTER_INVALID',
        `the header names ${column} ${at.length} times (${accepted.join(', ')})`,
      )
    const [place] = at
    if (place === undefined) continue
    places[column] = place
    used.add(place)
  }
  if (places.usage_point_id === undefined)
    throw new MeterlakeError(
      'ROSTER_INVALID',
      'the header has no column usage_point_id (comma-separated, first line)',
      {
        column: 'usage_point_id',
      },
    )
  return { places, unused: header.filter((_, place) => !used.has(place)) }
}

/** The row of a record; undefined where something is wrong, which is added to `problems`. */
function rowOf(where: string, cell: (column: RosterColumn) => string, problems: string[]): RosterRow | undefined {
  const before = problems.length
  const wrong = (column: RosterColumn, what: string) => problems.push(`${where}: column ${column}: ${what}`)
  const text = (column: RosterColumn): string | null => {
    const value = cell(column)
    if (value.length > textChars) wrong(column, `longer than ${textChars} characters`)
    else if (controlCharacter.test(value)) wrong(column, 'holds control characters')
    return value === '' ? null : value
  }
  const day = (column: 'from_date' | 'to_date'): string | null => {
    const value = cell(column)
    if (value === '') return null
    if (!isDay(value)) wrong(column, `${JSON.stringify(value.slice(0, 40))} is no day, e.g. 2026-10-31`)
    return value
  }
  const usage_point_id = text('usage_point_id')
  if (usage_point_id === null) wrong('usage_point_id', 'is empty')
  const row = {
    usage_point_id: usage_point_id ?? '',
    customer_class: text('customer_class'),
    rate: text('rate'),
    city: text('city'),
    from_date: day('from_date'),
    to_date: day('to_date'),
  }
  if (problems.length > before) return undefined
  if (row.from_date !== null && row.to_date !== null && row.to_date < row.from_date) {
    wrong('to_date', `${row.to_date} lies before from_date ${row.from_date}`)
    return undefined
  }
  return row
}

/** The row with classes, rates, cities and days that others have too: a file of a million rows names few. */
function sharing(shared: Map<string, string>, row: RosterRow): RosterRow {
  const one = (text: string | null): string | null => {
    if (text === null) return null
    const known = shared.get(text)
    if (known !== undefined) return known
    shared.set(text, text)
    return text
  }
  const { usage_point_id } = row
  return {
    usage_point_id,
    customer_class: one(row.customer_class),
    rate: one(row.rate),
    city: one(row.city),
    from_date: one(row.from_date),
    to_date: one(row.to_date),
  }
}

function rosterIdOf(rows: readonly RosterRow[]): string {
  const hash = createHash('sha256')
  for (const row of rows) hash.update(`${JSON.stringify(Object.values(row))}\n`)
  return hash.digest('hex').slice(0, 16)
}
