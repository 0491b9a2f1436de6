/** Role `webhook`: receives notifications over mutual TLS, spools them, and forwards them to Temporal. */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, Connection, type ConnectionOptions } from '@temporalio/client'
import { withInterceptors } from './client-interceptors.ts'
import { openSpool } from '../custodian/spool.ts'
import { pruneSpool } from '../custodian/spool-retention.ts'
import { startWebhook, type Webhook } from '../custodian/webhook-server.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { Config } from '../schemas/config.ts'
import type { ReceivedNotification } from '../schemas/ingest.ts'
import { watchedFiles, webhookCertificate } from './certificate-files.ts'
import { untilTemporal } from './configured-temporal.ts'
import { type Forwarder, startForwarder } from './forward-notifications.ts'
import { openLog } from './log.ts'
import { listenAsRole, openRoleOperations } from './role-operations.ts'
import { untilAborted } from './stop-signal.ts'
import type { Log } from './temporal-runtime.ts'

/** gRPC would wait up to two minutes between attempts to reconnect; the forwarder paces itself. */
export const reconnectSoon = {
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 3_000,
} as const

export interface WebhookRoleOptions {
  readonly log: Log
  /** After the notification is durable. */
  readonly onSpooled?: ((received: ReceivedNotification) => void) | undefined
  /** After its workflow exists. */
  readonly onStarted?: ((received: ReceivedNotification, isNew: boolean) => void) | undefined
}

export interface RunningWebhook extends AsyncDisposable, Pick<Webhook, 'host' | 'port' | 'reload'> {
  /** From now on what is spooled goes to this server; what was spooled before goes first. Call it once. */
  forwardTo(connection: ConnectionOptions): void
}

export const spoolFolder = (config: Config): string => join(config.lake.dir, 'state', 'notifications')

/**
 * Listens until disposed of; Temporal is not needed for that. Throws CONFIG_INVALID without a `[webhook]` section, SPOOL_NOT_WRITABLE,
 * CERTIFICATE_REFUSED.
 */
export async function startWebhookRole(config: Config, options: WebhookRoleOptions): Promise<RunningWebhook> {
  const { webhook: settings } = config
  if (settings === undefined) {
    throw new MeterlakeError('CONFIG_INVALID', 'the webhook needs a [webhook] section in the configuration', {
      setting: 'webhook',
    })
  }
  const { log } = options
  await using stack = new AsyncDisposableStack()
  const spool = stack.use(await openSpool(spoolFolder(config)))
  stack.use(pruneHourly(spool.directory, log))
  let forwarder: Forwarder | undefined
  const server = stack.use(
    await startWebhook({
      listen: settings.listen,
      path: settings.path,
      certificate: webhookCertificate(settings),
      clientCa: settings.client_ca,
      clientFingerprints: settings.client_fingerprints,
      spool,
      log,
      onSpooled: (received) => {
        options.onSpooled?.(received)
        forwarder?.wake()
      },
    }),
  )
  const resources = stack.move()
  return {
    host: server.host,
    port: server.port,
    reload: async () => server.reload(),
    forwardTo: (connectionOptions) => {
      const connection = Connection.lazy(
        withInterceptors({
          ...connectionOptions,
          channelArgs: reconnectSoon,
        }),
      )
      resources.defer(async () => connection.close())
      const client = new Client({ connection, namespace: config.temporal.namespace })
      forwarder = resources.use(startForwarder({ spool, client, log, onStarted: options.onStarted }))
    },
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  }
}

/** Forgets old notifications, now and every hour. */
function pruneHourly(directory: string, log: Log): Disposable {
  const prune = (): void => {
    pruneSpool(directory).then(
      ({ done, bad }) => {
        if (done + bad > 0) log.info({ done, bad }, 'webhook: old notifications removed')
      },
      (error: NodeJS.ErrnoException) =>
        log.warn({ reason: error.code ?? 'unknown' }, 'webhook: old notifications could not be removed'),
    )
  }
  prune()
  const timer = setInterval(prune, 3_600_000)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** `meterlake webhook`: until it is asked to stop. */
export async function runWebhook(config: Config): Promise<void> {
  const log = openLog(config)
  await using operations = await openRoleOperations(config, log)
  using stop = listenAsRole(log, operations)
  await using webhook = await startWebhookRole(config, { log })
  await operations.watch('webhook certificate', watchedFiles(config).webhook, async () => webhook.reload())
  // It spools without Temporal: that is what it is there for.
  operations.health?.require('spool', async () => access(spoolFolder(config), constants.W_OK).then(() => true))
  operations.health?.started()
  log.info({ host: webhook.host, port: webhook.port }, 'webhook listens')
  await using temporal = await untilTemporal(config, { log, signal: stop.signal })
  webhook.forwardTo(temporal.connection)
  await untilAborted(stop.signal)
}
