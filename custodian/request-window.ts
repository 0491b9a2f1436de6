/** The instants a request names for its operating days: Zulu, always both (utility.md, Endpoints). */
import { addDays, type DayWindow } from '../schemas/calendar-day.ts'
import { startOfDay } from './zone-days.ts'

export interface SentWindow {
  /** RFC 3339, `yyyy-MM-ddTHH:mm:ssZ`. */
  readonly min: string
  readonly max: string
}

/**
 * From the start of the first local day to the last second of the last one: the maximum is inclusive, and the midnight after would bring one
 * day more. Never later than `now`: nothing can have been published then.
 */
export function sentWindow({ from, to }: DayWindow, timeZone: string, now: Date): SentWindow {
  const minMs = startOfDay(from, timeZone)
  const maxMs = Math.min(startOfDay(addDays(to, 1), timeZone) - 1000, now.getTime())
  return { min: zulu(minMs), max: zulu(Math.max(minMs, maxMs)) }
}

/** An instant as the custodian wants it: `yyyy-MM-ddTHH:mm:ssZ`. */
export const zulu = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
