/** Which (local day, series range) units a commit touches, and in which batches they are merged. Pure. */
import { addDays } from '../schemas/calendar-day.ts'
import type { CurrentFile } from '../schemas/manifest.ts'
import { type OverlayLimits, overlayLimits, type OverlayPlan } from './plan-overlay.ts'

/** A local day, or a range of series of it, that is merged and written as one file. */
export interface Unit {
  /** Ordinal in the commit, ascending by day and range. */
  readonly unit: number
  readonly batch: number
  readonly dt: string
  readonly keyMin: bigint
  readonly keyMax: bigint
  /** The file that holds it now. A file that is split belongs to several units. */
  readonly existing: CurrentFile | null
  /** True: the file is split, so every part is written again. */
  readonly split: boolean
  /** True: the file stays as it is, and what changes goes into the overlay. */
  readonly beside: boolean
  /** True: the file is written again, changed or not. */
  readonly forced: boolean
  /** A reading published at or before this may be older than what is known; null: nothing known can be newer. */
  readonly lateUntil: string | null
}

export interface UnitLimits {
  /** Staged and current rows that are merged at once: bounds memory. */
  readonly batchRows: number
  /** Most rows of a current file; a day beyond has several, by ranges of series_key. */
  readonly fileRows: number
  readonly overlay: OverlayLimits
}

export const unitLimits: UnitLimits = { batchRows: 90_000, fileRows: 1_000_000, overlay: overlayLimits }

/** The highest series_key: keys have 63 bits. */
export const maxSeriesKey = 2n ** 63n - 1n

export interface TouchedDay {
  readonly dt: string
  /** Readings staged for it; 0: a reading of an earlier day reaches into it. */
  readonly rows: number
  /** Series they are of, about. */
  readonly series: number
}

/** How many days back a reading may lie that still covers a whole other one. */
export const reachDays = (minDurationS: number | null, maxDurationS: number): number =>
  Math.ceil(Math.max(0, maxDurationS - (minDurationS ?? maxDurationS)) / 86_400)

/** What is merged of one file, or of a day without one. */
interface Range {
  readonly dt: string
  readonly existing: CurrentFile | null
  readonly lateUntil: string | null
  readonly weight: number
  readonly forced: boolean
}

/**
 * Units of the touched days in day order, a day beyond `batchRows` sliced into equal ranges of series_key (which is a hash, so
 * equal ranges hold equally many), gathered greedily into batches of at most `batchRows` (a larger unit is a batch of its own).
 * Files whose corrections go beside (`plan`) are whole units, in batches of their own after the others.
 */
export function planUnits(
  days: readonly TouchedDay[],
  current: readonly CurrentFile[],
  reach: { readonly backDays: number; readonly minDurationS: number | null },
  limits: UnitLimits = unitLimits,
  plan: Pick<OverlayPlan, 'beside' | 'folded'> = { beside: new Set(), folded: [] },
): Unit[] {
  const byDay = Map.groupBy(current, (file) => file.dt)
  const folded = new Set(plan.folded)
  const publishedMax = (dt: string): string | null =>
    (byDay.get(dt) ?? []).reduce<string | null>((max, file) => later(max, file.publishedMax), null)
  const readingsOfDay = Math.ceil(86_400 / (reach.minDurationS ?? 3_600))
  const ranges = [...days]
    .sort((a, b) => (a.dt < b.dt ? -1 : 1))
    .flatMap(({ dt, rows, series }): Range[] => {
      let before: string | null = null
      for (let back = 1; back <= reach.backDays; back += 1) before = later(before, publishedMax(addDays(dt, -back)))
      const files = [...(byDay.get(dt) ?? [])].sort((a, b) => (BigInt(a.keyMin) < BigInt(b.keyMin) ? -1 : 1))
      return (files.length > 0 ? files : [null]).map((existing) => {
        const share = existing ? Number(BigInt(existing.keyMax) - BigInt(existing.keyMin)) / Number(maxSeriesKey) : 1
        // of a file that stays as it is only the series that come are looked at
        const held = existing && plan.beside.has(existing.path) ? series * readingsOfDay * share : Infinity
        const weight = rows * share + Math.min(existing?.rows ?? 0, held)
        return {
          dt,
          existing,
          weight,
          forced: folded.has(dt),
          lateUntil: later(existing?.publishedMax ?? null, before),
        }
      })
    })
  const isBeside = ({ existing, forced }: Range) => existing !== null && !forced && plan.beside.has(existing.path)
  const units: Unit[] = []
  const fill = { batch: 0, weight: 0 }
  const nextBatch = () => {
    if (units.at(-1)?.batch === fill.batch) fill.batch += 1
    fill.weight = 0
  }
  const place = (range: Range, beside: boolean): void => {
    const { dt, existing, lateUntil, forced } = range
    const keyMin = existing ? BigInt(existing.keyMin) : 0n
    const keyMax = existing ? BigInt(existing.keyMax) : maxSeriesKey
    const parts = beside ? 1 : Math.max(1, Math.ceil(range.weight / limits.batchRows))
    const width = (keyMax - keyMin + 1n) / BigInt(parts)
    for (let part = 0; part < parts; part += 1) {
      const weight = range.weight / parts
      if (fill.weight > 0 && fill.weight + weight > limits.batchRows) nextBatch()
      fill.weight += weight
      units.push({
        unit: units.length,
        batch: fill.batch,
        dt,
        keyMin: keyMin + width * BigInt(part),
        keyMax: part === parts - 1 ? keyMax : keyMin + width * BigInt(part + 1) - 1n,
        existing,
        split: parts > 1,
        beside,
        forced,
        lateUntil,
      })
    }
  }
  for (const range of ranges) if (!isBeside(range)) place(range, false)
  nextBatch()
  for (const range of ranges) if (isBeside(range)) place(range, true)
  return units
}

/** The later of two instants in ISO 8601 with equal precision; null is before all. */
export function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}
