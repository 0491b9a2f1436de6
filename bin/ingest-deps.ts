/** Wires the activities to the real custodian, lake and load process of a configuration. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Deps } from '../activities/deps.ts'
import { quotaTurns } from '../activities/quota-turns.ts'
import { type Custodian, openCustodian } from '../custodian/custodian.ts'
import { resolveProfile } from '../custodian/profile.ts'
import { fileTokenStore } from '../custodian/token-store.ts'
import type { Config, CustodianConfig } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { Profile } from '../schemas/profile.ts'
import { folders } from '../warehouse/paths.ts'
import { archiveRaw } from '../warehouse/raw-archive.ts'
import { stageNotification } from '../warehouse/stage-notification.ts'
import { openRoots } from '../warehouse/storage.ts'
import { readSecret } from '../temporal.config.ts'
import { publishedLoads } from './published-loads.ts'
import { runLakeJob } from './run-lake-job.ts'
import type { Log } from './temporal-runtime.ts'

export interface IngestDeps extends AsyncDisposable {
  readonly deps: Deps
}

/** Opens the custodian; closes it on dispose. Throws CONFIG_INVALID without a `[custodian]` section, CERTIFICATE_REFUSED. */
export async function openIngestDeps(config: Config, log: Log): Promise<IngestDeps> {
  const settings = config.custodian
  if (settings === undefined) {
    throw new MeterlakeError('CONFIG_INVALID', 'ingesting needs a [custodian] section in the configuration', {
      setting: 'custodian',
    })
  }
  const profile = resolveProfile(settings.profile, settings.overrides)
  const clientAlias = aliasOf(settings)
  const custodian = await openConfigured(config, settings, profile, clientAlias, log)
  const roots = { lake: config.lake.dir, pii: config.lake.pii }
  const storages = openRoots(roots)
  const deps: Deps = {
    clientAlias,
    profile,
    custodian,
    incomingDir: join(roots.lake, folders.incoming),
    roots,
    lake: {
      archive: async ({ path, receivedAt }, origin, signal) =>
        archiveRaw({ ...storages, ...origin, file: path, receivedAt, source: 'notification', signal }),
      published: async (loadIds) => publishedLoads(roots, loadIds),
      stageNotification: async (record) => stageNotification(roots, record),
    },
    runLakeJob,
  }
  return { deps, [Symbol.asyncDispose]: async () => custodian[Symbol.asyncDispose]() }
}

async function openConfigured(
  config: Config,
  settings: CustodianConfig,
  profile: Profile,
  alias: string,
  log: Log,
): Promise<Custodian> {
  const { cert, key, passphrase } = settings.certificate
  return openCustodian({
    profile,
    credentials: {
      alias,
      clientId: settings.client_id,
      clientSecret: () => readSecret(settings.client_secret, 'custodian.client_secret'),
      bulkId: settings.bulk_id,
    },
    certificate: {
      cert,
      key,
      ca: settings.ca,
      ...(passphrase && { passphrase: readSecret(passphrase, 'custodian.certificate.passphrase') }),
    },
    tokenStore: fileTokenStore(join(config.lake.dir, folders.state)),
    turns: quotaTurns({ clientAlias: alias, profile }),
    log,
  })
}

/** Names the client in workflow ids and file names without telling its id. */
const aliasOf = ({ profile, client_id }: CustodianConfig): string =>
  `${profile}-${createHash('sha256').update(client_id).digest('hex').slice(0, 8)}`
