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

/** `2019-12-18T20:10:30.950000Z`. */
export function formatInstant(us: number): string {
  const ms = Math.floor(us / 1000)
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`
}
