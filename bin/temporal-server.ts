/** The Temporal server this installation works with: a configured one, or an embedded dev server with a database file. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, type ConnectionOptions } from '@temporalio/client'
import { withInterceptors } from './client-interceptors.ts'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { searchAttributes } from '../schemas/orchestration.ts'
import { findTemporalBinary, type TemporalBinaryOptions } from './temporal-binary.ts'
import { ensureSearchAttributes } from './search-attributes.ts'

export interface TemporalServerOptions {
  /** host:port of a server that runs already; absent: embedded. */
  readonly address?: string | undefined
  /** TLS and API key of that server. */
  readonly connection?: ConnectionOptions
  readonly namespace: string
  /** `<lake>/state`: holds the database, the log and the note of who runs the server. */
  readonly stateDir: string
  readonly binary: TemporalBinaryOptions
  readonly signal?: AbortSignal
  /** Port of the embedded server; absent: a free one. */
  readonly port?: number
  /** How long a server that should be there is waited for. */
  readonly waitMs?: number
}

export interface TemporalServer extends AsyncDisposable {
  /** host:port. */
  readonly address: string
  readonly namespace: string
  /** `started` here and stopped on dispose; `joined`: another process of ours runs it; `configured`: not ours. */
  readonly origin: 'started' | 'joined' | 'configured'
}

/** Who runs the embedded server of a lake; `state/temporal.json`. `address` is absent while it starts. */
interface ServerNote {
  readonly ownerPid: number
  readonly serverPid?: number
  readonly address?: string
}

const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000

/**
 * Connects to the configured server, joins the embedded one of this lake, or starts it (loopback, free port, headless,
 * search attributes registered) and waits until it serves. An orphan of a killed owner is taken over.
 * Throws TEMPORAL_NOT_FOUND, TEMPORAL_UNAVAILABLE.
 */
export async function openTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { namespace } = options
  if (options.address !== undefined) {
    const target = { ...options.connection, address: options.address }
    await waitUntilServing(target, namespace, options.waitMs ?? 15_000, options.signal)
    return { address: options.address, namespace, origin: 'configured', [Symbol.asyncDispose]: async () => {} }
  }
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 })
  const notePath = join(options.stateDir, 'temporal.json')
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    options.signal?.throwIfAborted()
    if (await claim(notePath)) return startServer(options, notePath)
    const note = await readNote(notePath)
    const joined = note === undefined ? undefined : await joinServer(note, notePath, options)
    if (joined !== undefined) return joined
    if (Date.now() > deadline) {
      throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `Another process is starting Temporal for ${options.stateDir}`)
    }
    await sleep(200)
  }
}

/** The address of the embedded server of a lake if one is running; starts nothing. */
export async function runningTemporalAddress(stateDir: string): Promise<string | undefined> {
  const note = await readNote(join(stateDir, 'temporal.json'))
  return note?.serverPid !== undefined && isAlive(note.serverPid) ? note.address : undefined
}

/** Uses what a note promises: the server of a living owner, or the orphan of a dead one. Removes a note that is stale. */
async function joinServer(
  note: ServerNote,
  notePath: string,
  options: TemporalServerOptions,
): Promise<TemporalServer | undefined> {
  const { namespace } = options
  const ownerLives = isAlive(note.ownerPid)
  if (note.address === undefined || note.serverPid === undefined) {
    if (!ownerLives) await rm(notePath, { force: true })
    return undefined
  }
  // After a reboot the numbers may name other processes: only a port that is open is a server.
  if (!isAlive(note.serverPid) || !(await isListening(note.address))) {
    await rm(notePath, { force: true })
    return undefined
  }
  await waitUntilServing({ address: note.address }, namespace, options.waitMs ?? 15_000, options.signal)
  if (ownerLives) return { address: note.address, namespace, origin: 'joined', [Symbol.asyncDispose]: async () => {} }
  const { serverPid } = note
  await writeFile(notePath, JSON.stringify({ ...note, ownerPid: process.pid } satisfies ServerNote))
  return {
    address: note.address,
    namespace,
    origin: 'started',
    [Symbol.asyncDispose]: async () => {
      await stopPid(serverPid)
      await rm(notePath, { force: true })
    },
  }
}

/** The server picks ports of its own beside ours: another one that starts at the same moment may be first. */
const startAttempts = 3

async function startServer(options: TemporalServerOptions, notePath: string): Promise<TemporalServer> {
  try {
    const binary = await findTemporalBinary({ ...options.binary, signal: options.signal })
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await launchServer(options, notePath, binary)
      } catch (error) {
        if (attempt === startAttempts || options.signal?.aborted || !endedWhileStarting(error)) throw error
      }
    }
  } catch (error) {
    await rm(notePath, { force: true })
    throw error
  }
}

async function launchServer(
  { namespace, stateDir, port: wantedPort, signal }: TemporalServerOptions,
  notePath: string,
  binary: string,
): Promise<TemporalServer> {
  const port = wantedPort ?? (await freePort())
  const address = `127.0.0.1:${String(port)}`
  const log = await open(join(stateDir, 'temporal.log'), 'a')
  // Its own process group: Ctrl-C in the terminal must reach us first, so that workers stop before their server.
  const child = spawn(binary, serverArguments(port, namespace, join(stateDir, 'temporal.db')), {
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  })
  await log.close()
  try {
    await Promise.race([
      waitUntilServing({ address }, namespace, startTimeoutMs, signal),
      diedEarly(child, join(stateDir, 'temporal.log')),
    ])
  } catch (error) {
    await stopChild(child)
    throw error
  }
  const note: ServerNote = { ownerPid: process.pid, serverPid: child.pid as number, address }
  await writeFile(notePath, JSON.stringify(note))
  child.unref()
  return {
    address,
    namespace,
    origin: 'started',
    [Symbol.asyncDispose]: async () => {
      await stopChild(child)
      await rm(notePath, { force: true })
    },
  }
}

function serverArguments(port: number, namespace: string, database: string): string[] {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type === 'DATETIME' ? 'Datetime' : 'Keyword'}`,
  ])
  const server = `server start-dev --headless --ip 127.0.0.1 --port ${port} --log-level warn --log-format json`.split(
    ' ',
  )
  // The vendor's limit is one a second in all: a rate divided over four partitions would allow bursts of four.
  const onePartition = ['Read', 'Write'].flatMap((side) => [
    '--dynamic-config-value',
    `matching.numTaskqueue${side}Partitions=1`,
  ])
  return [...server, '--db-filename', database, '--namespace', namespace, ...onePartition, ...attributes]
}

/** Waits until the server answers for the namespace and knows our search attributes. Throws TEMPORAL_UNAVAILABLE. */
async function waitUntilServing(
  target: ConnectionOptions & { readonly address: string },
  namespace: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    signal?.throwIfAborted()
    let connection: Connection | undefined
    try {
      connection = await Connection.connect(withInterceptors({ ...target, connectTimeout: 2_000 }))
      await connection.workflowService.describeNamespace({ namespace })
      await ensureSearchAttributes(connection, namespace)
      return
    } catch (error) {
      last = error
      await sleep(150)
    } finally {
      await connection?.close()
    }
  }
  throw new MeterlakeError(
    'TEMPORAL_UNAVAILABLE',
    `Temporal at ${target.address}, namespace ${namespace}, does not answer`,
    {},
    { cause: last },
  )
}

async function diedEarly(child: ChildProcess, log: string): Promise<never> {
  await Promise.race([once(child, 'exit'), once(child, 'error')])
  throw new MeterlakeError('TEMPORAL_UNAVAILABLE', `The embedded Temporal server ended while starting; see ${log}`, {
    log,
  })
}

const endedWhileStarting = (error: unknown): boolean => isMeterlakeError(error) && 'log' in error.details

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
  await exited
  clearTimeout(killer)
}

async function stopPid(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM')
  const deadline = Date.now() + stopTimeoutMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL')
    await sleep(50)
  }
}

/** Creates the note exclusively: whoever can, starts the server. */
async function claim(notePath: string): Promise<boolean> {
  try {
    await writeFile(notePath, JSON.stringify({ ownerPid: process.pid } satisfies ServerNote), {
      flag: 'wx',
      mode: 0o600,
    })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readNote(notePath: string): Promise<ServerNote | undefined> {
  try {
    return JSON.parse(await readFile(notePath, 'utf8')) as ServerNote
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function isListening(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':')
  const socket = connect({ host, port: Number(port), timeout: 2_000 })
  try {
    await Promise.race([
      once(socket, 'connect'),
      once(socket, 'timeout').then(() => Promise.reject(new Error('timeout'))),
    ])
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new MeterlakeError('INTERNAL', 'no free port on loopback')
  return address.port
}
