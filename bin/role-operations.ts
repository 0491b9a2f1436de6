/** What every long-running role does beside its work: health, gauges, and certificates that are read again when they change. */
import { type FileWatch, watchFiles } from '../custodian/watch-files.ts'
import type { Config } from '../schemas/config.ts'
import { isMeterlakeError } from '../schemas/errors.ts'
import { type HealthServer, startHealthServer } from './health-server.ts'
import { listenForStop, type StopSignal } from './stop-signal.ts'
import type { Log } from './temporal-runtime.ts'

export interface RoleOperations extends AsyncDisposable {
  readonly health: HealthServer | undefined
  /** `reload` is called when one of the files has changed, and on SIGHUP. Its error is logged: what was loaded stays. */
  watch(what: string, files: readonly string[], reload: () => Promise<void>): Promise<void>
  /** SIGHUP: everything that is watched is reloaded, changed or not. */
  reloadAll(): Promise<void>
}

/** A terminal whose user went away sends SIGHUP too: there it means stop. */
const isInteractive = (): boolean => process.stdin.isTTY

/** How long activities may go on after SIGTERM: a service is drained, a person at a terminal does not want to wait. */
export const drainMs = (): number => (isInteractive() ? 2_000 : 30_000)

/** Opens the health port, if one is configured. Throws CONFIG_INVALID. */
export async function openRoleOperations(
  { operations }: Config,
  log: Log,
  watchIntervalMs?: number,
): Promise<RoleOperations> {
  await using stack = new AsyncDisposableStack()
  const health = operations.health === undefined ? undefined : stack.use(await startHealthServer(operations.health))
  if (health) log.info({ listen: operations.health }, 'health listens')
  const reloads: (() => Promise<void>)[] = []
  const resources = stack.move()
  return {
    health,
    watch: async (what, files, reload) => {
      const reloadSafely = async (): Promise<void> => {
        try {
          await reload()
        } catch (error) {
          const code = isMeterlakeError(error) ? error.code : 'INTERNAL'
          const reason = error instanceof Error ? error.message : String(error)
          log.error({ code, reason }, `${what}: what changed cannot be used, the old ones stay`)
        }
      }
      reloads.push(reloadSafely)
      const watch: FileWatch = await watchFiles(files, reloadSafely, watchIntervalMs)
      resources.use(watch)
    },
    reloadAll: async () => {
      log.info({}, 'reloading certificates')
      await Promise.all(reloads.map(async (reload) => reload()))
    },
    [Symbol.asyncDispose]: async () => resources.disposeAsync(),
  }
}

/** How a role listens: a stop is logged; SIGHUP reloads, but at a terminal, where it means that the terminal is gone. */
export const listenAsRole = (log: Log, operations: RoleOperations): StopSignal =>
  listenForStop(
    () => {
      log.info({}, 'stopping')
    },
    isInteractive() ? undefined : () => void operations.reloadAll(),
  )
