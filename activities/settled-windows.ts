import type { DayWindow } from '../schemas/calendar-day.ts'
import type { Deps } from './deps.ts'

/** Windows that backfills have settled: answered, or known to hold nothing. */
export const settledWindows = (deps: Deps) => async (): Promise<readonly DayWindow[]> => deps.lake.settledWindows()
