/** Which (local day, series range) units a commit touches, and in which batches they are merged. Pure. */
import { addDays } from '../schemas/calendar-day.ts'
import type { CurrentFile } from '../schemas/manifest.ts'

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
  /** A reading published at or before this may be older than what is known; null: nothing known can be newer. */
  readonly lateUntil: string | null
}

export interface UnitLimits {
  /** Staged and current rows that are merged at once: bounds memory. */
  readonly batchRows: number
  /** Most rows of a current file; a day beyond has several, by ranges of series_key. */
  readonly fileRows: number
}

export const unitLimits: UnitLimits = { batchRows: 90_000, fileRows: 1_000_000 }

/** The highest series_key: keys have 63 bits. */
export const maxSeriesKey = 2n ** 63n - 1n

export interface TouchedDay {
  readonly dt: string
  /** Readings staged for it; 0: a reading of an earlier day reaches into it. */
  readonly rows: number
}

/** How many days back a reading may lie that still covers a whole other one. */
export const reachDays = (minDurationS: number | null, maxDurationS: number): number =>
  Math.ceil(Math.max(0, maxDurationS - (minDurationS ?? maxDurationS)) / 86_400)

/**
 * Units of the touched days in day order, a day beyond `batchRows` sliced into equal ranges of series_key (which is a hash, so
 * equal ranges hold equally many), gathered greedily into batches of at most `batchRows` (a larger unit is a batch of its own).
 */
export function planUnits(
  days: readonly TouchedDay[],
  current: readonly CurrentFile[],
  backDays: number,
  limits: UnitLimits = unitLimits,
): Unit[] {
  const byDay = Map.groupBy(current, (file) => file.dt)
  const publishedMax = (dt: string): string | null =>
    (byDay.get(dt) ?? []).reduce<string | null>((max, file) => later(max, file.publishedMax), null)
  const units: Unit[] = []
  let batch = 0
  let filled = 0
  for (const { dt, rows } of [...days].sort((a, b) => (a.dt < b.dt ? -1 : 1))) {
    let before: string | null = null
    for (let back = 1; back <= backDays; back += 1) before = later(before, publishedMax(addDays(dt, -back)))
    const files = [...(byDay.get(dt) ?? [])].sort((a, b) => (BigInt(a.keyMin) < BigInt(b.keyMin) ? -1 : 1))
    const ranges = files.length > 0 ? files : [null]
    for (const existing of ranges) {
      const keyMin = existing ? BigInt(existing.keyMin) : 0n
      const keyMax = existing ? BigInt(existing.keyMax) : maxSeriesKey
      const staged = (rows * Number(keyMax - keyMin)) / Number(maxSeriesKey)
      const total = staged + (existing?.rows ?? 0)
      const parts = Math.max(1, Math.ceil(total / limits.batchRows))
      for (let part = 0; part < parts; part += 1) {
        const weight = total / parts
        if (filled > 0 && filled + weight > limits.batchRows) {
          batch += 1
          filled = 0
        }
        filled += weight
        const width = (keyMax - keyMin + 1n) / BigInt(parts)
        units.push({
          unit: units.length,
          batch,
          dt,
          keyMin: keyMin + width * BigInt(part),
          keyMax: part === parts - 1 ? keyMax : keyMin + width * BigInt(part + 1) - 1n,
          existing,
          split: parts > 1,
          lateUntil: later(existing?.publishedMax ?? null, before),
        })
      }
    }
  }
  return units
}

/** The later of two instants in ISO 8601 with equal precision; null is before all. */
export function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}
