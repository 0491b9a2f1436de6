/** A client of the Temporal server that runs for a lake already: commands that hand work over start nothing themselves. */
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { withInterceptors } from './client-interceptors.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { temporalConnection } from '../temporal.config.ts'
import { folders } from '../warehouse/paths.ts'
import { runningTemporalAddress } from './temporal-server.ts'

export interface RunningTemporal extends AsyncDisposable {
  readonly client: Client
}

const connectTimeoutMs = 5_000

/** Connects. Throws TEMPORAL_UNAVAILABLE where no server runs for this configuration. */
export async function connectRunning(config: Config): Promise<RunningTemporal> {
  const address = config.temporal.address ?? (await runningTemporalAddress(join(config.lake.dir, folders.state)))
  if (address === undefined)
    throw new MeterlakeError(
      'TEMPORAL_UNAVAILABLE',
      `nothing runs for ${config.lake.dir}: start \`meterlake up\` first`,
    )
  const settings = config.temporal.address === undefined ? { address } : temporalConnection(config)
  try {
    const connection = await Connection.connect(
      withInterceptors({
        ...settings,
        connectTimeout: connectTimeoutMs,
      }),
    )
    return {
      client: new Client({ connection, namespace: config.temporal.namespace }),
      [Symbol.asyncDispose]: async () => connection.close(),
    }
  } catch (cause) {
    throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `Temporal at ${address} does not answer`, { address }, { cause })
  }
}
