/** A whole installation on loopback: a simulated custodian, its certificates, and the configuration for it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import type { Config } from '../../schemas/config.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { ensureCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodian, type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'

export interface IngestSite extends AsyncDisposable {
  readonly folder: string
  readonly custodian: SimulatedCustodian
  readonly roots: LakeRoots
  /** For `startMeterlake`; Temporal is embedded unless an address is given. */
  config(temporalAddress?: string): Config
  /** The same as a file for the command line. */
  configFile(temporalAddress?: string): Promise<string>
}

export async function openIngestSite(
  options: Omit<SimulatedCustodianOptions, 'certificates'> = {},
): Promise<IngestSite> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'meterlake-site-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const certificates = await ensureCertificates(join(folder, 'certificates'))
  const custodian = stack.use(await startSimulatedCustodian({ ...options, certificates }))
  const roots = { lake: join(folder, 'lake'), pii: join(folder, 'pii') }
  const secret = join(folder, 'client-secret')
  await writeFile(secret, custodian.clientSecret, { mode: 0o600 })
  const settings = (address?: string) => ({
    lake: { dir: roots.lake, pii: roots.pii },
    custodian: {
      profile: 'pge' as const,
      overrides: {
        endpoints: { token: custodian.tokenUrl, testToken: custodian.testTokenUrl, resource: custodian.resourceUrl },
        // One a second would only make the tests slower.
        limits: { perSecond: 50, marginMs: 0 },
      },
      client_id: custodian.clientId,
      client_secret: { file: secret },
      bulk_id: custodian.bulkId,
      certificate: certificates.client,
      ca: certificates.ca,
    },
    webhook: {
      listen: '127.0.0.1:0',
      path: '/notify',
      certificate: certificates.webhook,
      client_ca: certificates.ca,
      client_fingerprints: [],
    },
    operations: {},
    retention: { months: 60 },
    temporal: { namespace: 'default', ...(address !== undefined && { address }) },
    reader: { markup_memory: 'on' as const },
    log: { level: 'info' as const },
  })
  const owned = stack.move()
  return {
    folder,
    custodian,
    roots,
    config: settings,
    configFile: async (address) => {
      const path = join(folder, 'meterlake.toml')
      await writeFile(path, stringify(settings(address)))
      return path
    },
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}
