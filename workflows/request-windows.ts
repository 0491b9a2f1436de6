/** Which windows are asked for: widening, splitting, months. Pure arithmetic on days. */
import { addDays, dayCount, type DayWindow } from '../schemas/calendar-day.ts'
import type { WindowBy } from '../schemas/pull.ts'

/** A bill falls inside 30 days (utility.md, Endpoints: advice for UsageSummary). */
const billDays = 30

/** A window of readings is widened into the past to 30 days, so that a bill falls inside; one of changes brings its bills as it is. */
export function widened(window: DayWindow, by: WindowBy): DayWindow {
  if (by === 'updated' || dayCount(window) >= billDays) return window
  return { from: addDays(window.to, 1 - billDays), to: window.to }
}

/** Two halves of a window the custodian refused as too large, the later first; undefined where it is one day. */
export function halves(window: DayWindow): readonly [DayWindow, DayWindow] | undefined {
  const days = dayCount(window)
  if (days < 2) return undefined
  const middle = addDays(window.from, Math.floor(days / 2))
  return [
    { from: middle, to: window.to },
    { from: window.from, to: addDays(middle, -1) },
  ]
}

/** The range in pieces of whole calendar months, `months` together, the latest first: what analysts miss most comes first. */
export function monthWindows(range: DayWindow, months: number): readonly DayWindow[] {
  const windows: DayWindow[] = []
  for (let from = range.from; from <= range.to;) {
    const next = monthAfter(from, months)
    windows.unshift({ from, to: next <= range.to ? addDays(next, -1) : range.to })
    from = next
  }
  return windows
}

/** First day of the month `months` after that of `day`. */
function monthAfter(day: string, months: number): string {
  const [year = 0, month = 1] = day.split('-').map(Number)
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10)
}

/** What is left of the windows when the days of those settled already are taken out, in the order of the windows, the latest first. */
export function unsettled(windows: readonly DayWindow[], settled: readonly DayWindow[]): readonly DayWindow[] {
  const taken = mergedDays(settled)
  return windows.flatMap((window) => {
    const left: DayWindow[] = []
    let from = window.from
    for (const done of taken) {
      if (done.to < from || done.from > window.to) continue
      if (done.from > from) left.unshift({ from, to: addDays(done.from, -1) })
      from = addDays(done.to, 1)
    }
    return from > window.to ? left : [{ from, to: window.to }, ...left]
  })
}

/** Windows joined where they touch or overlap, in order. */
function mergedDays(windows: readonly DayWindow[]): readonly DayWindow[] {
  const merged: DayWindow[] = []
  for (const window of [...windows].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = merged.at(-1)
    if (last === undefined || window.from > addDays(last.to, 1)) merged.push(window)
    else if (window.to > last.to) merged[merged.length - 1] = { from: last.from, to: window.to }
  }
  return merged
}
