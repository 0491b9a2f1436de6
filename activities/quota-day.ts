/** The custodian's day around an instant: it starts at a time of the local clock, and has 23, 24 or 25 hours. */
import type { QuotaDay } from '../schemas/quota.ts'

const dayMs = 86_400_000

/** Bounds of the day that holds `nowMs`; `startsAtLocal` is `HH:MM` in the IANA zone. In a gap of the clock it starts when the gap ends. */
export function quotaDayOf(nowMs: number, timeZone: string, startsAtLocal: string): QuotaDay {
  const [hours = 0, minutes = 0] = startsAtLocal.split(':').map(Number)
  const startMs = (hours * 60 + minutes) * 60_000
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  /** The local clock's reading as if it were UTC. */
  const localMs = (atMs: number): number => {
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour % 24, minute, second)
  }
  const offsetMs = (atMs: number): number => localMs(atMs) - Math.floor(atMs / 1000) * 1000
  /** The first instant whose local reading is not before `reading`. */
  const instantOf = (reading: number): number => {
    const offsets = [offsetMs(reading - dayMs), offsetMs(reading + dayMs)]
    const candidates = offsets.map((offset) => reading - offset).filter((at) => localMs(at) >= reading)
    return Math.min(...candidates)
  }
  const midnight = Math.floor(localMs(nowMs) / dayMs) * dayMs
  const starts = [-1, 0, 1, 2].map((days) => instantOf(midnight + days * dayMs + startMs))
  const index = starts.findLastIndex((start) => start <= nowMs)
  return { startsAtMs: starts[index] ?? nowMs, endsAtMs: starts[index + 1] ?? nowMs + dayMs }
}
