/** Many notifications at a pace, and clients that dawdle: what a webhook must bear. Real requests over mutual TLS, kept alive. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { Pool } from 'undici'
import { renderBatchList } from './batch-list.ts'
import type { CertificatePaths } from './certificates.ts'
import { hash, seededUuid } from './seeded.ts'

/** `n` bodies that differ in their URLs, of one to three packages each. */
export function distinctNotifications(n: number, resourceUrl: string): readonly string[] {
  return Array.from({ length: n }, (_, at) =>
    renderBatchList(
      Array.from({ length: 1 + (at % 3) }, (_each, file) => {
        return `${resourceUrl}/Batch/Bulk/50916?correlationID=${seededUuid(1, at, file)}`
      }),
    ),
  )
}

export interface NotificationLoad {
  readonly url: string
  readonly certificates: CertificatePaths
  readonly bodies: readonly string[]
  /** Notifications in all: every body at least once, the rest drawn by a seed. */
  readonly total: number
  /** Absent: as fast as they are answered. */
  readonly perSecond?: number
  readonly connections?: number
}

export interface NotificationAnswers {
  /** How often each status was answered; 0: no answer. */
  readonly statuses: ReadonlyMap<number, number>
  /** From the moment a notification was due (not: was written) to its answer, ascending. */
  readonly latencies_ms: readonly number[]
}

/** Sends them all; resolves when each is answered. */
export async function sendNotifications(load: NotificationLoad): Promise<NotificationAnswers> {
  const { bodies, total, perSecond = Infinity, connections = 32 } = load
  const { origin, pathname } = new URL(load.url)
  const pool = new Pool(origin, { connections, pipelining: 1, connect: tlsOf(load.certificates) })
  const statuses = new Map<number, number>()
  const latencies_ms: number[] = []
  const send = async (body: string, due_ms: number): Promise<void> => {
    const headers = { 'content-type': 'application/xml' }
    const status = await pool.request({ path: pathname, method: 'POST', headers, body }).then(
      async (answer) => {
        await answer.body.dump()
        return answer.statusCode
      },
      () => 0,
    )
    latencies_ms.push(performance.now() - due_ms)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  const order = shuffled(total, bodies.length)
  const started_ms = performance.now()
  const sent: Promise<void>[] = []
  while (sent.length < total) {
    const now_ms = performance.now()
    const due = Math.min(total, Math.floor(((now_ms - started_ms) / 1000) * perSecond))
    while (sent.length < due) {
      const due_ms = perSecond === Infinity ? now_ms : started_ms + (sent.length / perSecond) * 1000
      sent.push(send(bodies[order[sent.length] ?? 0] ?? '', due_ms))
    }
    await sleep(1)
  }
  await Promise.all(sent)
  await pool.destroy()
  return { statuses, latencies_ms: latencies_ms.sort((a, b) => a - b) }
}

/** Clients that announce a body and send a byte of it a second; one that is cut off comes again. */
export function openSlowClients(
  n: number,
  { url, certificates }: Pick<NotificationLoad, 'url' | 'certificates'>,
): Disposable {
  const { hostname, port, pathname } = new URL(url)
  const sockets = new Set<TLSSocket>()
  let isOver = false
  const open = (): void => {
    if (isOver) return
    const socket = connect({ host: hostname, port: Number(port), ...tlsOf(certificates) })
    sockets.add(socket)
    const timer = setInterval(() => socket.write(' '), 1_000)
    socket.on('error', () => {})
    socket.on('data', () => {})
    socket.on('secureConnect', () => {
      socket.write(`POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 1000\r\n\r\n<`)
    })
    socket.on('close', () => {
      clearInterval(timer)
      sockets.delete(socket)
      setTimeout(open, 500)
    })
  }
  for (let at = 0; at < n; at += 1) open()
  return {
    [Symbol.dispose]: () => {
      isOver = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

const tlsOf = ({ ca, notifier }: CertificatePaths) => ({
  ca: readFileSync(ca),
  cert: readFileSync(notifier.cert),
  key: readFileSync(notifier.key),
})

/** Each of `n` at least once among `total`, in a seeded order. */
function shuffled(total: number, n: number): readonly number[] {
  const order = Array.from({ length: total }, (_, at) => (at < n ? at : hash(1, at) % n))
  for (let at = total - 1; at > 0; at -= 1) {
    const other = hash(2, at) % (at + 1)
    ;[order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0]
  }
  return order
}
