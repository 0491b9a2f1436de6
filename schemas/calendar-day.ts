/** Days of the calendar as text (`2026-03-08`), without zone or clock: workflow code may hold it. */
export interface DayWindow {
  /** First operating day, included. */
  readonly from: string
  /** Last operating day, included. */
  readonly to: string
}

const dayMs = 86_400_000

export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && addDays(text, 0) === text

/** The day `count` days after (before, if negative). */
export const addDays = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + count * dayMs).toISOString().slice(0, 10)

/** Days from `from` to `to`, both included; 0 or less where `to` lies before. */
export const dayCount = ({ from, to }: DayWindow): number =>
  Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMs) + 1

/** Each day of the window, in order. */
export const daysOf = (window: DayWindow): readonly string[] =>
  Array.from({ length: Math.max(0, dayCount(window)) }, (_, at) => addDays(window.from, at))
