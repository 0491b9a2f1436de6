/** xs:dateTime ⇄ microseconds of Unix time, as exact doubles (2^53 µs reach the year 2255). */

const form = /^\s*(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?\s*$/

export interface ReadInstant {
  readonly us: number
  /** False where no zone was given: UTC is assumed. */
  readonly zoned: boolean
}

/** Reads an xs:dateTime; fractions beyond microseconds are cut. Undefined where it is none, or no such date. */
export function readInstant(text: string): ReadInstant | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const date = new Date(ms)
  const same = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
  if (!same || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const offsetMinutes =
    zone === undefined || zone === 'Z'
      ? 0
      : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)))
  const us = ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0')) - offsetMinutes * 60_000_000
  return { us, zoned: zone !== undefined }
}

const two = (bytes: Uint8Array, at: number) => {
  const tens = (bytes[at] as number) - 48
  const ones = (bytes[at + 1] as number) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

let dayBefore = -1
let dayBefore_us = 0

/**
 * The usual form straight from bytes: `2019-12-18T20:10:30Z`, or with up to six digits more (`…30.95Z`), as {@link readInstant} reads it. NaN for any other text, a
 * good one or not.
 */
export function readPlainInstant(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  if (length < 20 || length > 27 || length === 21 || bytes[to - 1] !== 0x5a) return Number.NaN
  if (bytes[from + 4] !== 0x2d || bytes[from + 7] !== 0x2d || bytes[from + 10] !== 0x54) return Number.NaN
  if (bytes[from + 13] !== 0x3a || bytes[from + 16] !== 0x3a) return Number.NaN
  const hour = two(bytes, from + 11)
  const minute = two(bytes, from + 14)
  const second = two(bytes, from + 17)
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN
  let fraction_us = 0
  if (length > 20) {
    if (bytes[from + 19] !== 0x2e) return Number.NaN
    let unit_us = 100_000
    for (let at = from + 20; at < to - 1; at++, unit_us /= 10) {
      const digit = (bytes[at] as number) - 48
      if (!(digit >= 0 && digit <= 9)) return Number.NaN
      fraction_us += digit * unit_us
    }
  }
  const year = two(bytes, from) * 100 + two(bytes, from + 2)
  const month = two(bytes, from + 5)
  const day = two(bytes, from + 8)
  // Date.UTC takes years below 100 for those of the last century: as readInstant, which asks the same
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1)) return Number.NaN
  if (day > 28 && (month === 2 || day > 30)) return Number.NaN
  const key = (year * 12 + month) * 32 + day
  if (key !== dayBefore) {
    dayBefore_us = Date.UTC(year, month - 1, day) * 1000
    dayBefore = key
  }
  return dayBefore_us + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction_us
}

let formatted_us = Number.NaN
let formatted = ''

/** `2019-12-18T20:10:30.950000Z`. */
export function formatInstant(us: number): string {
  if (us === formatted_us) return formatted
  const ms = Math.floor(us / 1000)
  formatted = `${new Date(ms).toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`
  formatted_us = us
  return formatted
}
