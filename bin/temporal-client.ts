/** A client of the Temporal server a configuration means, where one runs: starts nothing. */
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { temporalConnection } from '../temporal.config.ts'
import { folders } from '../warehouse/paths.ts'
import { runningTemporalAddress } from './temporal-server.ts'

const connectTimeoutMs = 3_000

/** Does `work` with a client that is connected. Throws TEMPORAL_UNAVAILABLE where no server runs or answers. */
export async function withTemporalClient<T>(config: Config, work: (client: Client) => Promise<T>): Promise<T> {
  const { address: configured, namespace } = config.temporal
  const address = configured ?? (await runningTemporalAddress(join(config.lake.dir, folders.state)))
  if (address === undefined) {
    throw new MeterlakeError(
      'TEMPORAL_UNAVAILABLE',
      'no embedded Temporal server runs for this lake: start meterlake up',
    )
  }
  const settings = configured === undefined ? { address } : temporalConnection(config)
  let connection: Connection
  try {
    connection = await Connection.connect({ ...settings, connectTimeout: connectTimeoutMs })
  } catch (cause) {
    throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `Temporal at ${address} does not answer`, {}, { cause })
  }
  try {
    return await work(new Client({ connection, namespace }))
  } finally {
    await connection.close()
  }
}
