/** Wires the activities to the real custodian, lake and load process of a configuration. */
import { join } from 'node:path'
import type { Deps } from '../activities/deps.ts'
import { quotaTurns } from '../activities/quota-turns.ts'
import { type Custodian, openCustodian } from '../custodian/custodian.ts'
import type { Turns } from '../custodian/turn.ts'
import { resolveProfile } from '../custodian/profile.ts'
import { fileTokenStore } from '../custodian/token-store.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { stageAuthorizations } from '../warehouse/authorizations.ts'
import { folders } from '../warehouse/paths.ts'
import { archiveRaw } from '../warehouse/raw-archive.ts'
import { readGapFacts, readLoadDays, readSettledWindows } from '../warehouse/ledger-facts.ts'
import { stageNotification } from '../warehouse/stage-notification.ts'
import { stageRequest } from '../warehouse/stage-request.ts'
import { openRoots } from '../warehouse/storage.ts'
import { clientCertificates } from './certificate-files.ts'
import { custodianCredentials } from './custodian-credentials.ts'
import { publishedLoads } from './published-loads.ts'
import { readerOptions, runLakeJob } from './run-lake-job.ts'
import type { Log } from './temporal-runtime.ts'

export interface IngestDeps extends AsyncDisposable {
  readonly deps: Deps
  /** All that the custodian answers, beyond what activities ask. */
  readonly custodian: Custodian
}

/**
 * Opens the custodian; closes it on dispose. Its requests take their turns from `turns`, absent: as activities do. Throws CONFIG_INVALID without a
 * `[custodian]` section, CERTIFICATE_REFUSED.
 */
export async function openIngestDeps(config: Config, log: Log, turns?: Turns): Promise<IngestDeps> {
  const settings = config.custodian
  if (settings === undefined) {
    throw new MeterlakeError('CONFIG_INVALID', 'ingesting needs a [custodian] section in the configuration', {
      setting: 'custodian',
    })
  }
  const profile = resolveProfile(settings.profile, settings.overrides)
  const credentials = custodianCredentials(settings)
  const custodian = await openCustodian({
    profile,
    credentials,
    ...clientCertificates(settings),
    tokenStore: fileTokenStore(join(config.lake.dir, folders.state)),
    turns: turns ?? quotaTurns({ clientAlias: credentials.alias, profile }),
    log,
  })
  const roots = { lake: config.lake.dir, pii: config.lake.pii }
  const storages = openRoots(roots)
  const deps: Deps = {
    clientAlias: credentials.alias,
    profile,
    custodian,
    incomingDir: join(roots.lake, folders.incoming),
    roots,
    lake: {
      archive: async ({ path, receivedAt }, origin, signal) =>
        archiveRaw({ ...storages, ...origin, file: path, receivedAt, source: 'notification', signal }),
      published: async (loadIds) => publishedLoads(roots, loadIds),
      stageAuthorizations: async (observedAt, rows) => stageAuthorizations(roots, observedAt, rows),
      stageNotification: async (record) => stageNotification(roots, record),
      stageRequest: async (record) => stageRequest(roots, record),
      loadDays: async (loadIds) => readLoadDays(roots, loadIds),
      settledWindows: async () => readSettledWindows(roots),
      gapFacts: async (since) => readGapFacts(roots, since),
    },
    runLakeJob: async (job, options) =>
      runLakeJob(job.kind === 'load' ? { ...job, ...readerOptions(config) } : job, options),
  }
  return { deps, custodian, [Symbol.asyncDispose]: async () => custodian[Symbol.asyncDispose]() }
}
