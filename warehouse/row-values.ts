/** Cells of a query's rows with the type the query gave them. */
import type { Row } from './database.ts'

/** A text cell; `''` where it is NULL. */
export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column]
  return typeof value === 'string' ? value : ''
}

/** An INTEGER cell, or a BIGINT one that is small enough; 0 where it is NULL. */
export function integerOf(row: Row | undefined, column: string): number {
  const value = row?.[column]
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : 0
}

/** A text cell; null where it is NULL. */
export function textOrNull(row: Row, column: string): string | null {
  const value = row[column]
  return typeof value === 'string' ? value : null
}

/** An INTEGER or DOUBLE cell; null where it is NULL. */
export function numberOrNull(row: Row, column: string): number | null {
  const value = row[column]
  return typeof value === 'number' ? value : null
}

/** A TIMESTAMPTZ cell (`2026-03-08 10:00:00+00`, the engine's zone is UTC) as RFC 3339; null where it is NULL. */
export const instantOf = (row: Row, column: string): string | null =>
  textOrNull(row, column)?.replace(' ', 'T').replace(/\+00$/, 'Z') ?? null
