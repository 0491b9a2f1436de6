/** `meterlake webhook` as users run it: a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { cli, root } from './cli.ts'

export interface WebhookProcess extends AsyncDisposable {
  readonly port: number
  /** Resolves when it has found Temporal. */
  readonly forwards: Promise<void>
}

/** Resolves when it listens; dispose asks it to stop, and rejects where it ends with another code than 0. */
export async function startWebhookProcess(configPath: string): Promise<WebhookProcess> {
  const [program, ...args] = cli
  const child = spawn(program, [...args, 'webhook', '--config', configPath], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  const listens = Promise.withResolvers<number>()
  const forwards = Promise.withResolvers<void>()
  forwards.promise.catch(() => {})
  let last = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    last = line
    if (!line.startsWith('{')) return
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number }
    if (msg === 'webhook listens') listens.resolve(port ?? 0)
    if (msg === 'Temporal serves') forwards.resolve()
  })
  const ended = (): void => {
    const error = new Error(`meterlake webhook ended: ${last}`)
    listens.reject(error)
    forwards.reject(error)
  }
  exited.then(ended, ended)
  return {
    port: await listens.promise,
    forwards: forwards.promise,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      if (code !== 0) throw new Error(`meterlake webhook ended with ${code}: ${last}`)
    },
  }
}
