/** The custodian's day around an instant: it starts at a time of the local clock, and has 23, 24 or 25 hours. */
import { shownMs } from '../custodian/zone-days.ts'
import type { QuotaDay } from '../schemas/quota.ts'

const dayMs = 86_400_000

/** Bounds of the day that holds `nowMs`; `startsAtLocal` is `HH:MM` in the IANA zone. In a gap of the clock it starts when the gap ends. */
export function quotaDayOf(nowMs: number, timeZone: string, startsAtLocal: string): QuotaDay {
  const [hours = 0, minutes = 0] = startsAtLocal.split(':').map(Number)
  const startMs = (hours * 60 + minutes) * 60_000
  const localMs = (atMs: number): number => shownMs(atMs, timeZone)
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
