/**
 * Integers straight from bytes: XML whitespace, a sign, digits, whitespace. Nothing else is a number: no fraction, no exponent.
 * Results are exact doubles; what does not fit 2^53 is reported as out of range, never rounded.
 */

/** No number there: the text is empty or only whitespace. */
export const absent = Number.NEGATIVE_INFINITY
/** An integer beyond ±2^53. */
export const outOfRange = Number.POSITIVE_INFINITY
/** Not an integer: NaN. */
export const malformed = Number.NaN

const isSpace = (byte: number | undefined) => byte === 32 || byte === 10 || byte === 13 || byte === 9

/** The integer in bytes[from, to), or {@link absent}, {@link outOfRange}, {@link malformed} (NaN). */
export function readInteger(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  let end = to
  while (at < end && isSpace(bytes[at])) at += 1
  while (end > at && isSpace(bytes[end - 1])) end -= 1
  if (at === end) return absent
  const first = bytes[at] as number
  const negative = first === 45
  if (negative || first === 43) at += 1
  if (at === end) return malformed
  let value = 0
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48
    if (digit < 0 || digit > 9) return malformed
    value = value * 10 + digit
    if (value > Number.MAX_SAFE_INTEGER) value = Number.POSITIVE_INFINITY
  }
  if (value === Number.POSITIVE_INFINITY) return outOfRange
  return negative && value !== 0 ? -value : value
}

/** The integer of a text of a leaf, as {@link readInteger}. */
export function integerOf(text: string): number {
  const bytes = Buffer.from(text, 'utf8')
  return readInteger(bytes, 0, bytes.length)
}
