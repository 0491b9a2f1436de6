/** Turns for the requests that a person's command sends itself: the limits are the vendor's, whoever sends. */
import { setTimeout as sleep } from 'node:timers/promises'
import { quotaTurns } from '../activities/quota-turns.ts'
import type { Turn, Turns } from '../custodian/turn.ts'
import type { Config } from '../schemas/config.ts'
import { isMeterlakeError } from '../schemas/errors.ts'
import type { Profile } from '../schemas/profile.ts'
import { configuredClient } from './configured-client.ts'
import { connectRunning } from './running-temporal.ts'

export interface CommandTurns extends Turns, AsyncDisposable {}

/**
 * Of the quota entity where meterlake runs. Where nothing does, nobody else sends: requests are only kept apart. Throws CONFIG_INVALID
 * without a `[custodian]` section.
 */
export async function openCommandTurns(config: Config): Promise<CommandTurns> {
  const { clientAlias, profile } = configuredClient(config)
  const temporal = await connectRunning(config).catch(ifUnavailable)
  const alone = spacedTurns(profile)
  if (temporal === undefined) return { ...alone, [Symbol.asyncDispose]: async () => {} }
  const shared = quotaTurns({ clientAlias, profile, client: () => temporal.client })
  return {
    // A server without workers does not answer either.
    take: async (kind, signal) => (await shared.take(kind, signal).catch(ifUnavailable)) ?? alone.take(kind, signal),
    [Symbol.asyncDispose]: async () => temporal[Symbol.asyncDispose](),
  }
}

function ifUnavailable(error: unknown): undefined {
  if (!isMeterlakeError(error) || error.code !== 'TEMPORAL_UNAVAILABLE') throw error
}

/** The distance of the limit after each request of this process, counted from when it ended. */
export function spacedTurns({ limits }: Pick<Profile, 'limits'>): Turns {
  let freeAtMs = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    take: async (_kind, signal) => {
      const before = last
      const over = Promise.withResolvers<void>()
      last = over.promise
      await before
      const turn: Turn = {
        arrive: async () => {
          await sleep(Math.max(0, freeAtMs - Date.now()), undefined, signal && { signal })
          return true
        },
        sent: () => {},
        ended: async (waitMs = 0) => {
          freeAtMs = Date.now() + Math.max(waitMs, 1_000 / limits.perSecond)
          over.resolve()
        },
        release: () => {
          over.resolve()
        },
      }
      return turn
    },
  }
}
