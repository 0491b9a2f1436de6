/** What reading a feed needs of a profile: files have no endpoints. */
import { profiles } from '../custodian/profile.ts'
import type { Config } from '../schemas/config.ts'
import type { LakeJob } from '../schemas/load-process.ts'

export type FeedProfile = Extract<LakeJob, { kind: 'load' }>['profile']

/** The profile of this name, else the configured one, else pge. The configured overrides count for the configured utility. */
export function feedProfile({ custodian }: Config, asked: 'pge' | 'espi' | undefined): FeedProfile {
  const chosen = asked ?? custodian?.profile ?? 'pge'
  const settings = { ...profiles[chosen], ...(custodian?.profile === chosen ? custodian.overrides : {}) }
  const { name = chosen, timeZone = 'America/Los_Angeles', usagePointIdentity = 'path' } = settings
  return { name, timeZone, usagePointIdentity }
}
