/** Faults of the simulated custodian, as data: each is bound to requests of a path, by ordinal. */
import { z } from 'zod'

/** What happens instead of, or to, the proper answer. */
const faultEffectSchema = z.discriminatedUnion('kind', [
  /** This answer instead of the proper one. */
  z.strictObject({
    kind: z.literal('answer'),
    status: z.int().min(100).max(599),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  /** The proper answer, cut after `bytes`; `contentLength`: its Content-Length still promises the whole. */
  z.strictObject({ kind: z.literal('truncate'), bytes: z.int().min(0), contentLength: z.boolean() }),
  /** The connection is reset after `bytes` of the body. */
  z.strictObject({ kind: z.literal('reset'), bytes: z.int().min(0) }),
  /** The body comes in pieces of `bytes`, each `delayMs` after the one before. */
  z.strictObject({ kind: z.literal('slow'), bytes: z.int().min(1), delayMs: z.int().min(0) }),
  /** The body is gzipped; `header`: Content-Encoding tells so. */
  z.strictObject({ kind: z.literal('gzip'), header: z.boolean() }),
  /** 202 is answered, the notification never comes. */
  z.strictObject({ kind: z.literal('silence') }),
  /** The notification comes before the 202. */
  z.strictObject({ kind: z.literal('early') }),
])
export type FaultEffect = z.infer<typeof faultEffectSchema>

const faultsSchema = z.array(
  z.strictObject({
    path: z.string().optional(),
    on: z.union([z.array(z.int().min(1)), z.literal('all')]).optional(),
    effect: faultEffectSchema,
  }),
)

/** Faults as JSON says them (a script file, the control endpoint): `path` is a suffix. Throws for what is none. */
export function parseFaults(json: unknown): readonly Fault[] {
  return faultsSchema.parse(json)
}

export interface Fault {
  /** Path (without query) that this fault is for: a suffix, or a pattern. Absent: every request. */
  readonly path?: string | RegExp | undefined
  /** Ordinals (from 1) among the requests that match; absent: the next one only; `all`: every one. */
  readonly on?: readonly number[] | 'all' | undefined
  readonly effect: FaultEffect
}

/** The faults a server is to show. Mutable: tests add and clear while it runs. */
export interface FaultPlan {
  add(...faults: readonly Fault[]): void
  clear(): void
  /** The effect for this request, counting it. Called once a request by the server. */
  take(path: string): FaultEffect | undefined
}

/** An empty plan, or one with these faults. The first matching fault wins. */
export function createFaultPlan(initial: readonly Fault[] = []): FaultPlan {
  let armed: { fault: Fault; seen: number }[] = []
  const add = (...faults: readonly Fault[]): void => {
    armed.push(...faults.map((fault) => ({ fault, seen: 0 })))
  }
  add(...initial)
  return {
    add,
    clear: () => {
      armed = []
    },
    take: (path) => {
      let effect: FaultEffect | undefined
      for (const entry of armed) {
        if (!matches(entry.fault, path)) continue
        entry.seen += 1
        if (effect === undefined && isDue(entry.fault, entry.seen)) effect = entry.fault.effect
      }
      return effect
    },
  }
}

function matches({ path }: Fault, requested: string): boolean {
  if (path === undefined) return true
  return typeof path === 'string' ? requested.endsWith(path) : path.test(requested)
}

function isDue({ on = [1] }: Fault, ordinal: number): boolean {
  return on === 'all' || on.includes(ordinal)
}
