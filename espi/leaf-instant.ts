/** TimeType leaves: seconds of Unix time, or milliseconds. */
import { formatInstant } from './instant-text.ts'
import { type ContentPayload, LeafError } from './leaf-record.ts'

/** 31 December 9999 in seconds, give or take the hours of any zone: what utilities write for "no end". As milliseconds: a day of 1978. */
const noEnd = { from_s: 253_402_128_000, to_s: 253_402_387_199 }

/**
 * An instant in seconds of Unix time, or, beyond 1e11, in milliseconds (PG&E's statusTimeStamp); null where it was not sent. Throws
 * LeafError where it lies outside the years from…to.
 */
export function epochInstant(
  payload: ContentPayload,
  name: string,
  { from, to }: { readonly from: number; readonly to: number },
): string | null {
  const value = payload.integer(name, 'int48')
  if (value === null) return null
  if (to > 9999 && value >= noEnd.from_s && value <= noEnd.to_s) return '9999-12-31T00:00:00.000000Z'
  const us = Math.abs(value) > 1e11 ? value * 1000 : value * 1_000_000
  if (us < Date.UTC(from, 0) * 1000 || us >= Math.min(Date.UTC(to, 0) * 1000, 9_007_199_254_740_991))
    throw new LeafError('VALUE_RANGE', name, `${name} is not between ${from} and ${to}`)
  return formatInstant(us)
}
