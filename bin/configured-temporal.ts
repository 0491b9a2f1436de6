/** The Temporal server a configuration means, open, with how to connect to it. */
import { join } from 'node:path'
import type { Config } from '../schemas/config.ts'
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
