/** Days of `current` in spans of bounded size, for work on all of them that is done a span at a time. */
import type { CurrentFile } from '../schemas/manifest.ts'

/** Local days, both included, and the current rows of them. */
export interface DaySpan {
  readonly from: string
  readonly to: string
  readonly rows: number
}

/** Current rows worked on at once: bounds memory. */
const rowsAtOnce = 100_000

/** Before and after any day of a lake. */
export const firstDay = '0001-01-01'
export const lastDay = '9999-12-31'

/** Spans in the order of their days; one of all days where there are no files. Pure. */
export function daySpans(files: readonly CurrentFile[]): readonly DaySpan[] {
  const rowsOf = new Map<string, number>()
  for (const { dt, rows } of files) rowsOf.set(dt, (rowsOf.get(dt) ?? 0) + rows)
  const spans: DaySpan[] = []
  for (const [dt, rows] of [...rowsOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const last = spans.at(-1)
    if (last && last.rows + rows <= rowsAtOnce) spans[spans.length - 1] = { ...last, to: dt, rows: last.rows + rows }
    else spans.push({ from: dt, to: dt, rows })
  }
  return spans.length > 0 ? spans : [{ from: firstDay, to: lastDay, rows: 0 }]
}
