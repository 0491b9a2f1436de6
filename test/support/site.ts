/** An installation of `ingest-site.ts` with all that a test of the whole asks of it: started, notified, queried. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import type { WorkflowBundleOption } from '@temporalio/worker'
import type { Log } from '../../bin/temporal-runtime.ts'
import { type Meterlake, startMeterlake } from '../../bin/up.ts'
import { bundleWorkflows } from '../../bin/worker.ts'
import { idOfList } from '../../custodian/batch-list.ts'
import { silentLog } from '../../custodian/log.ts'
import type { Config } from '../../schemas/config.ts'
import type { NotificationOutcome } from '../../schemas/ingest.ts'
import { workflowIds } from '../../schemas/orchestration.ts'
import { type CertificatePaths, certificatePaths } from '../../sim/certificates.ts'
import type { SimulatedCustodian, SimulatedCustodianOptions } from '../../sim/server.ts'
import { openIngestSite } from './ingest-site.ts'
import { queryLake, type Row } from './lake-rows.ts'

export interface SiteOptions {
  readonly custodian?: Omit<SimulatedCustodianOptions, 'certificates'>
  /** host:port of a Temporal server that runs already; absent: the embedded one of the lake. */
  readonly temporal?: string
}

export interface Site extends AsyncDisposable {
  readonly dir: string
  readonly config: Config
  readonly certificates: CertificatePaths
  readonly custodian: SimulatedCustodian
  /** The configuration as a file, for the command line. */
  configFile(): Promise<string>
  query(sql: string): Promise<readonly Row[]>
  /** All roles in this process, as `meterlake up`; the custodian notifies its webhook from now on. Dispose of it before the site. */
  start(log?: Log, config?: Config): Promise<Meterlake>
}

let bundle: Promise<WorkflowBundleOption> | undefined

export async function openSite({ custodian, temporal }: SiteOptions = {}): Promise<Site> {
  const site = await openIngestSite(custodian)
  const usual = site.config(temporal)
  return {
    dir: site.folder,
    config: usual,
    certificates: certificatePaths(join(site.folder, 'certificates')),
    custodian: site.custodian,
    configFile: async () => site.configFile(temporal),
    query: async (sql) => queryLake(site.roots.lake, sql),
    async start(log = silentLog, config = usual) {
      bundle ??= bundleWorkflows(silentLog)
      const meterlake = await startMeterlake(config, { log, bundle: await bundle })
      site.custodian.setNotifyUrl(`https://localhost:${meterlake.webhook?.port ?? 0}/notify`)
      return meterlake
    },
    [Symbol.asyncDispose]: async () => site[Symbol.asyncDispose](),
  }
}

/** Id of the notification whose list holds these URLs, each with a correlationID. */
export const notificationIdOfUrls = (urls: readonly string[]): string => idOfList(urls, new Uint8Array(), '')

/** The result of the workflow of a notification, also before the forwarder has started it. */
export async function outcomeOf(client: Client, notificationId: string): Promise<NotificationOutcome> {
  const handle = client.workflow.getHandle(workflowIds.notification(notificationId))
  for (;;) {
    try {
      return (await handle.result()) as NotificationOutcome
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error
      await sleep(50)
    }
  }
}

/** What became of a list of URLs that the custodian notified. */
export const outcomeOfUrls = (client: Client, resources: readonly { readonly url: string }[]) =>
  outcomeOf(client, notificationIdOfUrls(resources.map(({ url }) => url)))
