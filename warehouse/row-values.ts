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
