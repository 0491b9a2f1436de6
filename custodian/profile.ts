/** The Data Custodians meterlake knows, as data. */
import type { z } from 'zod'
import { MeterlakeError } from '../schemas/errors.ts'
import { profileSchema } from '../schemas/profile.ts'
import type { Profile } from '../schemas/profile.ts'

export type ProfileName = 'pge' | 'espi'

type Some<T> = { readonly [K in keyof T]?: T[K] | undefined }
type Settings = z.input<typeof profileSchema>

/** Settings of a profile that differ, as a configuration file writes them. */
export type ProfileOverrides = Some<Omit<Settings, 'endpoints' | 'limits'>> & {
  readonly endpoints?: Some<Settings['endpoints']> | undefined
  readonly limits?: Some<Settings['limits']> | undefined
}

/** Built-in profiles, before overrides. `espi` has no endpoints: another utility's are given in `overrides`. */
export const profiles: Readonly<Record<ProfileName, ProfileOverrides>> = {
  pge: {
    name: 'pge',
    timeZone: 'America/Los_Angeles',
    usagePointIdentity: 'id',
    endpoints: {
      token: 'https://api.pge.com/datacustodian/oauth/v2/token',
      testToken: 'https://api.pge.com/datacustodian/test/oauth/v2/token',
      resource: 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource',
    },
    tokenGrant: 'body',
    // As the utility's pages write it; refused, the client credentials are used.
    refreshGrant: 'query',
    limits: {
      perSecond: 1,
      perHourPerClient: 2000,
      perDayPerClient: 20_000,
      dayStartsAtLocal: '17:00',
      fetchWithinDays: 5,
    },
    sentinelCorrelationIds: ['000000000'],
    tokenExpiredStatuses: [401, 403],
  },
  espi: {
    name: 'espi',
    timeZone: 'America/Los_Angeles',
    usagePointIdentity: 'path',
    tokenGrant: 'body',
    limits: {
      perSecond: 1,
      perHourPerClient: 2000,
      perDayPerClient: 20_000,
      dayStartsAtLocal: '00:00',
      fetchWithinDays: 2,
    },
    dailyFeeds: ['usage'],
    sentinelCorrelationIds: [],
    tokenExpiredStatuses: [401, 403],
  },
}

/**
 * A whole, validated profile: the built-in one with `overrides` laid over it (endpoints and limits field by field).
 * Throws CONFIG_INVALID naming the setting. Endpoints must be https: the client certificate has no other carrier.
 */
export function resolveProfile(name: ProfileName, overrides: ProfileOverrides = {}): Profile {
  const base = profiles[name]
  const merged = {
    ...base,
    ...defined(overrides),
    endpoints: { ...base.endpoints, ...defined(overrides.endpoints ?? {}) },
    limits: { ...base.limits, ...defined(overrides.limits ?? {}) },
  }
  const parsed = profileSchema.safeParse(merged)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const setting = `custodian.overrides.${issue?.path.join('.') ?? ''}`
    throw new MeterlakeError('CONFIG_INVALID', `profile ${name}: ${setting}: ${issue?.message ?? 'invalid'}`, {
      setting,
    })
  }
  const profile = parsed.data
  for (const key of ['token', 'testToken', 'resource'] as const) {
    const endpoint = profile.endpoints[key]
    if (endpoint !== undefined) requirePlainHttps(endpoint, `custodian.overrides.endpoints.${key}`)
  }
  requireZone(profile.timeZone)
  const resource = profile.endpoints.resource.replace(/\/+$/, '')
  return { ...profile, endpoints: { ...profile.endpoints, resource } }
}

/** A setting that is present but undefined is absent. */
const defined = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))

function requirePlainHttps(endpoint: string, setting: string): void {
  const url = new URL(endpoint)
  if (url.protocol === 'https:' && url.username === '' && url.password === '' && url.search === '' && url.hash === '')
    return
  throw new MeterlakeError('CONFIG_INVALID', `${setting} must be an https URL without user, query and fragment`, {
    setting,
  })
}

function requireZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone }).format(0)
  } catch {
    const setting = 'custodian.overrides.timeZone'
    throw new MeterlakeError('CONFIG_INVALID', `${setting}: ${timeZone} is not an IANA time zone`, { setting })
  }
}
