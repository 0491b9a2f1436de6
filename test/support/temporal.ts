/** A Temporal dev server for the tests of one file: found or fetched as for a user, in memory of a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { withInterceptors } from '../../bin/client-interceptors.ts'
import { openTemporalServer } from '../../bin/temporal-server.ts'
import { loadConfig, processSource, temporalBinarySources } from '../../temporal.config.ts'

export interface TestTemporal extends AsyncDisposable {
  readonly address: string
  readonly namespace: string
  readonly client: Client
  /** Its database, note and log. */
  readonly stateDir: string
}

export const temporalBinary = () => temporalBinarySources(loadConfig({ ...processSource(), cwd: tmpdir() }))

/** Starts one. It fails where none can be found: a test of durable work without the server would prove nothing. */
export async function startTestTemporal(): Promise<TestTemporal> {
  await using stack = new AsyncDisposableStack()
  const stateDir = await mkdtemp(join(tmpdir(), 'meterlake-temporal-'))
  stack.defer(async () => rm(stateDir, { recursive: true, force: true }))
  const namespace = 'default'
  const server = stack.use(await openTemporalServer({ namespace, stateDir, binary: temporalBinary() }))
  const connection = await Connection.connect(withInterceptors({ address: server.address }))
  stack.defer(async () => connection.close())
  const owned = stack.move()
  return {
    address: server.address,
    namespace,
    client: new Client({ connection, namespace }),
    stateDir,
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}
