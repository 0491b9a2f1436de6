/** Rows of the published views as text: what a test compares. Opens `views.duckdb` as any analyst's client does. */
import { DuckDBDecimalValue, DuckDBInstance, DuckDBTimestampTZValue, type DuckDBValue } from '@duckdb/node-api'
import { join } from 'node:path'

export type Row = Readonly<Record<string, string | null>>

/** A decimal without trailing zeros: `1.500000000` → `1.5`. */
export const plainDecimal = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

/** ISO time in UTC with as many fraction digits as needed. */
export function isoInstant(micros: bigint): string {
  const seconds = micros >= 0n ? micros / 1_000_000n : (micros - 999_999n) / 1_000_000n
  const fraction = String(micros - seconds * 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${whole}${fraction === '' ? '' : `.${fraction}`}Z`
}

function show(value: DuckDBValue): string | null {
  if (value === null) return null
  if (value instanceof DuckDBTimestampTZValue) return isoInstant(value.micros)
  if (value instanceof DuckDBDecimalValue) return plainDecimal(value.toString())
  return String(value)
}

/** Runs one query on a lake, in a connection of its own. */
export async function queryLake(lakeDir: string, sql: string): Promise<readonly Row[]> {
  const instance = await DuckDBInstance.create(join(lakeDir, 'views.duckdb'), {
    access_mode: 'READ_ONLY',
    threads: '1',
  })
  try {
    const connection = await instance.connect()
    try {
      const reader = await connection.runAndReadAll(sql)
      const names = reader.deduplicatedColumnNames()
      return reader.getRows().map((row) => Object.fromEntries(names.map((name, at) => [name, show(row[at] ?? null)])))
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
  }
}

/** `a | b | -`: one row on one line, `-` for NULL. */
export const asLine = (row: Row): string =>
  Object.values(row)
    .map((value) => value ?? '-')
    .join(' | ')
