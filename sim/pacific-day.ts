/**
 * Local days of the Pacific zone as numbers of days since 1970-01-01, by the two rules the feed itself carries
 * (LocalTimeParameters 360E2000: second Sunday of March 02:00; B40E2000: first Sunday of November 02:00; in force since 2007).
 */

const day_s = 86_400
const standardOffset_s = 28_800

/** `2026-03-08` → days since 1970-01-01. Throws RangeError for what is no date. */
export function dayOfIso(date: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms) || isoOfDay(ms / 86_400_000) !== date) throw new RangeError(`not a date (YYYY-MM-DD): ${date}`)
  return ms / 86_400_000
}

/** Days since 1970-01-01 → `2026-03-08`. */
export function isoOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
}

/** Unix seconds of local midnight at the start of `day`. */
export function startOfDay_s(day: number): number {
  return day * day_s + (inDaylightTime(day) ? standardOffset_s - 3600 : standardOffset_s)
}

/** Length of the local day in seconds: 86,400; 82,800 in spring, 90,000 in autumn. */
export function lengthOfDay_s(day: number): number {
  return startOfDay_s(day + 1) - startOfDay_s(day)
}

/** Local day that holds the instant. */
export function localDayOf(time_s: number): number {
  const day = Math.floor((time_s - standardOffset_s) / day_s)
  return time_s >= startOfDay_s(day + 1) ? day + 1 : day
}

/** 0 = Sunday. */
export function weekdayOf(day: number): number {
  return (day + 4) % 7
}

const bounds = new Map<number, { first: number; last: number }>()

/** Whether the day's midnight is in daylight time: after the day the clock is put forward, to the day it is put back. */
function inDaylightTime(day: number): boolean {
  const year = new Date(day * 86_400_000).getUTCFullYear()
  let bound = bounds.get(year)
  if (!bound) {
    bound = { first: nthSunday(year, 2, 2), last: nthSunday(year, 10, 1) }
    bounds.set(year, bound)
  }
  return day > bound.first && day <= bound.last
}

function nthSunday(year: number, month: number, n: number): number {
  const first = Date.UTC(year, month, 1) / 86_400_000
  return first + ((7 - weekdayOf(first)) % 7) + 7 * (n - 1)
}
