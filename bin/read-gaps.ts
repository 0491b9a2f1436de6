/** What a configured lake lacks, from its ledger. */
import { factsSince, judgeGaps } from '../custodian/gaps.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { Config } from '../schemas/config.ts'
import type { GapReport } from '../schemas/gaps.ts'
import { readGapFacts } from '../warehouse/ledger-facts.ts'
import { rootsOf } from './command-context.ts'
import { configuredClient } from './configured-client.ts'

/** The report of the last days, or of `window`. Throws CONFIG_INVALID without a `[custodian]` section. */
export async function readGaps(config: Config, window?: DayWindow, now = new Date()): Promise<GapReport> {
  const { profile } = configuredClient(config)
  const { timeZone, dailyFeeds, limits } = profile
  const context = { timeZone, dailyFeeds, fetchWithinDays: limits.fetchWithinDays, now, window }
  return judgeGaps(await readGapFacts(rootsOf(config), factsSince(context)), context)
}
