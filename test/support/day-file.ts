/** A current file of a whole day as a manifest names it, for tests of plans. */
import type { CurrentFile } from '../../schemas/manifest.ts'
import { maxSeriesKey } from '../../warehouse/plan-units.ts'

export const dayFile = (dt: string, rows: number, publishedMax: string | null = null): CurrentFile => ({
  path: `current/dt=${dt}/1-a.parquet`,
  rows,
  bytes: 1,
  sha256: '',
  dt,
  keyMin: '0',
  keyMax: String(maxSeriesKey),
  publishedMax,
  sinceCommit: 1,
})
