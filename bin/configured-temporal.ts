/** The Temporal server a configuration means, open, with how to connect to it. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../schemas/config.ts'
import { isMeterlakeError } from '../schemas/errors.ts'
import { temporalBinarySources, temporalConnection } from '../temporal.config.ts'
import { folders } from '../warehouse/paths.ts'
import type { Log } from './temporal-runtime.ts'
import { openTemporalServer, type TemporalServer } from './temporal-server.ts'

export interface ConfiguredTemporal extends TemporalServer {
  readonly connection: TemporalConnection
}

/** What both the client's and the worker's connection take: address, and TLS and API key of a configured server. */
export type TemporalConnection = Omit<ReturnType<typeof temporalConnection>, 'address'> & { readonly address: string }

/** `temporal.address` with its TLS and key, else the embedded server of the lake. Throws TEMPORAL_NOT_FOUND, TEMPORAL_UNAVAILABLE. */
export async function openConfiguredTemporal(
  config: Config,
  options: { readonly log: Log; readonly signal?: AbortSignal; readonly onFetch?: (source: string) => void },
): Promise<ConfiguredTemporal> {
  const { address, namespace } = config.temporal
  const settings = temporalConnection(config)
  const server = await openTemporalServer({
    address,
    connection: settings,
    namespace,
    stateDir: join(config.lake.dir, folders.state),
    binary: {
      ...temporalBinarySources(config),
      onFetch: (source) => {
        options.log.info({ source }, 'fetching a Temporal server, once')
        options.onFetch?.(source)
      },
    },
    ...(options.signal && { signal: options.signal }),
  })
  options.log.info({ address: server.address, origin: server.origin }, 'Temporal serves')
  // An embedded server has neither TLS nor key, whatever the environment says of others.
  const connection =
    server.origin === 'configured' ? { ...settings, address: server.address } : { address: server.address }
  return { ...server, connection, [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose]() }
}

const tryAgainMs = 5_000

/**
 * The same for roles that listen to the utility: a server that is away or cannot be started is waited for, as what is notified meanwhile
 * rests in the spool. Throws the signal's reason.
 */
export async function untilTemporal(
  config: Config,
  options: Parameters<typeof openConfiguredTemporal>[1] & { readonly signal: AbortSignal },
): Promise<ConfiguredTemporal> {
  const { log, signal } = options
  for (;;) {
    try {
      return await openConfiguredTemporal(config, options)
    } catch (error) {
      signal.throwIfAborted()
      if (!isMeterlakeError(error) || !waitedFor.has(error.code)) throw error
      log.warn({ code: error.code, reason: error.message }, 'Temporal is away: notifications wait in the spool')
    }
    await sleep(tryAgainMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

const waitedFor: ReadonlySet<string> = new Set(['TEMPORAL_UNAVAILABLE', 'TEMPORAL_NOT_FOUND'])
