/** Which client of which utility a configuration means. */
import { resolveProfile } from '../custodian/profile.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { Profile } from '../schemas/profile.ts'
import { aliasOf } from './custodian-credentials.ts'

/** Profile and client of the configuration. Throws CONFIG_INVALID without a `[custodian]` section. */
export function configuredClient({ custodian }: Config): { readonly clientAlias: string; readonly profile: Profile } {
  if (custodian === undefined)
    throw new MeterlakeError('CONFIG_INVALID', 'this needs a [custodian] section in the configuration', {
      setting: 'custodian',
    })
  return { clientAlias: aliasOf(custodian), profile: resolveProfile(custodian.profile, custodian.overrides) }
}
