/** Local days and clock times of a zone as instants, daylight time included. */
import { addDays } from '../schemas/calendar-day.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone)
  if (format === undefined) {
    const fields = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone, ...fields, second: '2-digit', hourCycle: 'h23' })
    formats.set(timeZone, format)
  }
  return format
}

/** What the clocks of the zone show at an instant, as if it were UTC: ms. */
export function shownMs(atMs: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** The local day (`YYYY-MM-DD`) of an instant. */
export const localDayOf = (atMs: number, timeZone: string): string =>
  new Date(shownMs(atMs, timeZone)).toISOString().slice(0, 10)

/** The instant (ms) at which the clocks of the zone show `clock` (`HH:MM`) on `day`; of an hour that occurs twice, the first. */
export function localInstant(day: string, clock: string, timeZone: string): number {
  const wanted = Date.parse(`${day}T${clock}:00Z`)
  const before = wanted - (shownMs(wanted - 86_400_000, timeZone) - (wanted - 86_400_000))
  if (shownMs(before, timeZone) === wanted) return before
  return wanted - (shownMs(wanted + 86_400_000, timeZone) - (wanted + 86_400_000))
}

/** Start (ms) of a local day. */
export const startOfDay = (day: string, timeZone: string): number => localInstant(day, '00:00', timeZone)

/** The next time (ms) after `afterMs` that the clocks of the zone show `clock`. */
export function nextLocal(clock: string, afterMs: number, timeZone: string): number {
  const today = localDayOf(afterMs, timeZone)
  const at = localInstant(today, clock, timeZone)
  return at > afterMs ? at : localInstant(addDays(today, 1), clock, timeZone)
}
