/**
 * Which corrections of past days stay beside the days' files, and which days are written anew. A commit costs what it touches: a few
 * readings on each of a thousand days are one small file, not a thousand large ones. Pure.
 */
import type { CurrentFile } from '../schemas/manifest.ts'
import type { TouchedDay } from './plan-units.ts'

export interface OverlayLimits {
  /** Overlay files; one more, and all become one. */
  readonly files: number
  /** Fewest current rows of a file for each of its corrections. */
  readonly sparseness: number
  /** Corrections stay beside where this many files, or files of this many rows, would have to be written anew. */
  readonly worthFiles: number
  readonly worthRows: number
  /** Rows of the overlay for each row of the lake, and within which bounds: beyond, days are folded. */
  readonly share: number
  readonly rowsLeast: number
  readonly rowsMost: number
}

export const overlayLimits: OverlayLimits = {
  files: 20,
  sparseness: 20,
  worthFiles: 32,
  worthRows: 500_000,
  share: 0.01,
  rowsLeast: 100_000,
  rowsMost: 2_000_000,
}

export interface OverlayPlan {
  /** Paths of current files that stay as they are: what is corrected in them goes beside. */
  readonly beside: ReadonlySet<string>
  /** Days whose overlay rows go into their files now. */
  readonly folded: readonly string[]
}

/** Rows the overlay of a lake of so many readings may have. */
export const overlayRowsMost = (readings: number, limits: OverlayLimits): number =>
  Math.min(Math.max(readings * limits.share, limits.rowsLeast), limits.rowsMost)

/**
 * `touched`: days of the commit; of `reachedInto` a reading of another day reaches into the day. `standing`: rows of the overlay by
 * day. `readings`: current rows of the lake.
 */
export function planOverlay(
  touched: readonly TouchedDay[],
  reachedInto: ReadonlySet<string>,
  current: readonly CurrentFile[],
  standing: ReadonlyMap<string, number>,
  readings: number,
  limits: OverlayLimits,
): OverlayPlan {
  const byDay = Map.groupBy(current, (file) => file.dt)
  const most = overlayRowsMost(readings, limits)
  const corrected = touched
    .filter(({ dt, rows }) => rows > 0 && !reachedInto.has(dt))
    .flatMap((day) => {
      const files = byDay.get(day.dt) ?? []
      const held = files.reduce((sum, { rows }) => sum + rows, 0)
      const corrections = day.rows + (standing.get(day.dt) ?? 0)
      return corrections * limits.sparseness <= held ? [{ ...day, files, held }] : []
    })
    .sort((a, b) => a.rows / a.held - b.rows / b.held)
  const beside = new Set<string>()
  let rows = 0
  let heldRows = 0
  for (const { files, ...day } of corrected) {
    if (rows + day.rows > most / 2) break
    rows += day.rows
    heldRows += day.held
    for (const { path } of files) beside.add(path)
  }
  if (beside.size < limits.worthFiles && heldRows < limits.worthRows) beside.clear()
  return { beside, folded: foldedDays(standing, beside.size === 0 ? 0 : rows, most) }
}

/** The fullest days, until half of what there may be is left. */
function foldedDays(standing: ReadonlyMap<string, number>, added: number, most: number): string[] {
  const folded: string[] = []
  let rows = [...standing.values()].reduce((sum, of) => sum + of, added)
  if (rows <= most) return folded
  for (const [dt, of] of [...standing].sort(([, a], [, b]) => b - a)) {
    if (rows <= most / 2) break
    folded.push(dt)
    rows -= of
  }
  return folded
}
