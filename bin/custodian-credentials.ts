/** Who we are to the utility, from the configuration: secrets by reference, read when they are needed. */
import { createHash } from 'node:crypto'
import type { CustodianCredentials } from '../custodian/custodian.ts'
import type { CustodianConfig } from '../schemas/config.ts'
import { readSecret } from '../temporal.config.ts'

export function custodianCredentials(settings: CustodianConfig): CustodianCredentials {
  const { application } = settings
  return {
    alias: aliasOf(settings),
    clientId: settings.client_id,
    clientSecret: () => readSecret(settings.client_secret, 'custodian.client_secret'),
    bulkId: settings.bulk_id,
    ...(application && {
      registration: {
        id: application.id,
        token: () =>
          readSecret(application.registration_access_token, 'custodian.application.registration_access_token'),
      },
    }),
  }
}

/** Names the client in workflow ids and file names without telling its id. */
export const aliasOf = ({ profile, client_id }: CustodianConfig): string =>
  `${profile}-${createHash('sha256').update(client_id).digest('hex').slice(0, 8)}`
