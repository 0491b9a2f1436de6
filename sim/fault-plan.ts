/** The faults a server has still to show, and how often each was due. */
import type { Fault, FaultEffect, NotificationFault, RequestFault } from './fault.ts'
import { type NotificationEffect, notificationEffectSchema } from './notification-fault.ts'

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
