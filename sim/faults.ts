/** Faults of the simulated custodian, as data: each is bound to requests of a path, by ordinal. */
import { z } from 'zod'
import { namedFault } from './fault-catalogue.ts'
import { type NotificationEffect, notificationEffectSchema } from './notification-fault.ts'

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
  /** The proper body under another Content-Type. */
  z.strictObject({ kind: z.literal('type'), contentType: z.string() }),
  /** The feed says the same in other words. */
  z.strictObject({ kind: z.literal('rewritten'), how: z.enum(['prefixes', 'meter-ids']) }),
  /** The token's answer in another form; its life in seconds. */
  z.strictObject({
    kind: z.literal('token'),
    format: z.enum(['json', 'xml']).optional(),
    expiresIn: z.enum(['number', 'string', 'absent']).optional(),
    life_s: z.int().min(1).optional(),
  }),
  /** 202 is answered, the notification never comes. */
  z.strictObject({ kind: z.literal('silence') }),
  /** The notification comes before the 202. */
  z.strictObject({ kind: z.literal('early') }),
])
export type FaultEffect = z.infer<typeof faultEffectSchema>

const ordinalsSchema = z.union([z.array(z.int().min(1)), z.literal('all')]).optional()

const faultSchema = z.union([
  z.strictObject({
    path: z.string().optional(),
    of: z.enum(['request', 'package']).optional(),
    on: ordinalsSchema,
    effect: faultEffectSchema,
  }),
  z.strictObject({ on: ordinalsSchema, effect: notificationEffectSchema }),
])

/**
 * Faults as JSON says them (a script file, the control endpoint): a list, in which a text is a name of the catalogue (`busy`, `reset=300@2`).
 * `path` is a suffix. Throws for what is none.
 */
export function parseFaults(json: unknown): readonly Fault[] {
  return z
    .array(z.unknown())
    .parse(json)
    .map((one) => (typeof one === 'string' ? namedFault(one) : faultSchema.parse(one)))
}

export type Fault = RequestFault | NotificationFault

export interface RequestFault {
  /** Path (without query) that this fault is for: a suffix, or a pattern. Absent: every request. */
  readonly path?: string | RegExp | undefined
  /** Only prepared packages (with correlationID), or only what has none. Absent: both. */
  readonly of?: 'request' | 'package' | undefined
  /** Ordinals (from 1) among the requests that match; absent: the next one only; `all`: every one. */
  readonly on?: readonly number[] | 'all' | undefined
  readonly effect: FaultEffect
}

export interface NotificationFault {
  /** Ordinals among what is ready to be notified, as above. */
  readonly on?: readonly number[] | 'all' | undefined
  readonly effect: NotificationEffect
}

/** The faults a server is to show. Mutable: tests add and clear while it runs. */
export interface FaultPlan {
  add(...faults: readonly Fault[]): void
  clear(): void
  /** The effect for this request, counting it. Called once a request by the server. `isPackage`: it names a correlationID. */
  take(path: string, isPackage: boolean): FaultEffect | undefined
  /** The effect for this notification, counting it. */
  takeNotification(): NotificationEffect | undefined
}

/** An empty plan, or one with these faults. The first matching fault wins. */
export function createFaultPlan(initial: readonly Fault[] = []): FaultPlan {
  const requests = createArmed<RequestFault>()
  const notifications = createArmed<NotificationFault>()
  const add = (...faults: readonly Fault[]): void => {
    for (const fault of faults) {
      if (isOfNotification(fault)) notifications.add(fault)
      else requests.add(fault)
    }
  }
  add(...initial)
  return {
    add,
    clear: () => {
      requests.clear()
      notifications.clear()
    },
    take: (path, isPackage) => requests.take((fault) => matches(fault, path, isPackage))?.effect,
    takeNotification: () => notifications.take(() => true)?.effect,
  }
}

/** Faults with what each has seen so far. */
function createArmed<F extends Pick<Fault, 'on'>>() {
  let armed: { readonly fault: F; seen: number }[] = []
  return {
    add: (fault: F) => void armed.push({ fault, seen: 0 }),
    clear: () => {
      armed = []
    },
    take(isMeant: (fault: F) => boolean): F | undefined {
      let due: F | undefined
      for (const entry of armed) {
        if (!isMeant(entry.fault)) continue
        entry.seen += 1
        if (due === undefined && isDue(entry.fault, entry.seen)) due = entry.fault
      }
      return due
    },
  }
}

const notificationKinds: ReadonlySet<string> = new Set(
  notificationEffectSchema.options.map(({ shape }) => shape.kind.value),
)

const isOfNotification = (fault: Fault): fault is NotificationFault => notificationKinds.has(fault.effect.kind)

function matches({ path, of }: RequestFault, requested: string, isPackage: boolean): boolean {
  if (of !== undefined && (of === 'package') !== isPackage) return false
  if (path === undefined) return true
  return typeof path === 'string' ? requested.endsWith(path) : path.test(requested)
}

function isDue({ on = [1] }: Pick<Fault, 'on'>, ordinal: number): boolean {
  return on === 'all' || on.includes(ordinal)
}
