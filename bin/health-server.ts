/** `/healthz` and `/readyz` on a local port, plain HTTP: for a supervisor, not for the world. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MeterlakeError } from '../schemas/errors.ts'

export interface HealthServer extends AsyncDisposable {
  readonly port: number
  /** From now on `/readyz` asks this too. An error is "not ready", and so is silence for 3 s. */
  require(name: string, check: () => Promise<boolean> | boolean): void
  /** The role has started: until then `/readyz` is 503 whatever the checks say. */
  started(): void
}

const checkTimeoutMs = 3_000

/** Listens on host:port. `/healthz` 200 while the process answers; `/readyz` 200 or 503 with each check by name. Throws CONFIG_INVALID. */
export async function startHealthServer(listen: string): Promise<HealthServer> {
  const checks = new Map<string, () => Promise<boolean> | boolean>()
  let hasStarted = false
  const server = createServer((request, response) => {
    const say = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    const path = (request.url ?? '').split('?', 1)[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') say(405, { error: 'GET only' })
    else if (path === '/healthz') say(200, { status: 'ok' })
    else if (path === '/readyz') {
      void readiness(checks).then((answers) => {
        const isReady = hasStarted && Object.values(answers).every((answer) => answer === 'ok')
        say(isReady ? 200 : 503, { status: isReady ? 'ready' : hasStarted ? 'not ready' : 'starting', checks: answers })
      })
    } else say(404, { error: '/healthz or /readyz' })
  })
  const at = listen.lastIndexOf(':')
  server.listen(Number(listen.slice(at + 1)), listen.slice(0, at))
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([error]) => {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
      const setting = 'operations.health'
      throw new MeterlakeError('CONFIG_INVALID', `${setting}: cannot listen on ${listen} (${reason})`, { setting })
    }),
  ])
  return {
    port: (server.address() as AddressInfo).port,
    require: (name, check) => void checks.set(name, check),
    started: () => {
      hasStarted = true
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

async function readiness(
  checks: ReadonlyMap<string, () => Promise<boolean> | boolean>,
): Promise<Record<string, 'ok' | 'fails'>> {
  const answers = await Promise.all(
    [...checks].map(async ([name, check]) => {
      const silence = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => silence.resolve(false), checkTimeoutMs)
      const isGood = await Promise.race([(async () => check())().catch(() => false), silence.promise])
      clearTimeout(timer)
      return [name, isGood ? 'ok' : 'fails'] as const
    }),
  )
  return Object.fromEntries(answers)
}
