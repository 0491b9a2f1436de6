/**
 * Makes a checkout runnable: dependencies as locked, and the pinned Node. Plain JavaScript for any Node >= 18, without
 * dependencies, because it runs before there are any. Says one line while it works and nothing when there is nothing to do.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const marker = join(root, 'node_modules', '.meterlake-installed')

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** What the marker must say: this lock, on this platform. */
function wanted() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lock} ${process.platform}-${process.arch}\n`
}

/** Whether `node_modules` holds what the lock says, also where somebody ran npm by hand. */
function isInstalled() {
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted()) return true
  const installedLock = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedLock)) return false
  const installed = readJson(installedLock).packages ?? {}
  const locked = Object.entries(readJson(join(root, 'package-lock.json')).packages)
  return locked.every(
    ([path, { version, optional, peer }]) =>
      path === '' || installed[path]?.version === version || ((optional || peer) && !installed[path]),
  )
}

/** Runs a program quietly; its output is shown only if it fails. */
function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
    const stop = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop)
    child.on('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)))
    child.on('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(name, stop)
      if (code === 0) resolve()
      else
        reject(
          new Error(`${[command, ...args].join(' ')} ended with ${signal ?? code}\n${output.trim().slice(0, 4000)}`),
        )
    })
  })
}

/** npm as a command: the one that runs us, or the one on PATH. */
function npm(args, cwd) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js') || script?.endsWith('.cjs')
    ? run(process.execPath, [script, ...args], cwd)
    : run('npm', args, cwd)
}

/** Says on stderr what is being done: one growing line on a terminal, start and end in a log. */
async function announced(what, work) {
  const started = Date.now()
  const show = (text, end) => process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${what}${text}${end}`)
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`
  const timer = process.stderr.isTTY ? setInterval(() => show(` … ${seconds()}`, ''), 1000) : undefined
  show(' …', process.stderr.isTTY ? '' : '\n')
  try {
    await work()
    show(`: done in ${seconds()}`, '\n')
  } catch (error) {
    show(': failed', '\n')
    throw error
  } finally {
    clearInterval(timer)
  }
}

const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/** The install script of the package `node` fetches the binary for this platform; npm may have been told not to run scripts. */
async function fetchNode() {
  const version = readJson(join(root, 'node_modules', 'node', 'package.json')).version
  await announced(`fetching Node ${version}`, () =>
    run(process.execPath, ['installArchSpecificPackage.js'], join(root, 'node_modules', 'node')),
  )
}

/** Whether the Node that runs this may stand in where no binary can be had. */
function runningNodeServes() {
  const major = Number(process.versions.node.split('.')[0])
  return major >= 24 && major < 27
}

/**
 * Installs what is missing and answers the path of the Node to run: the pinned one, else (no binary for this platform)
 * the running one if it is of a supported version. Throws an Error whose message says what to do.
 */
export async function ensureInstalled() {
  if (!isInstalled()) {
    // Not `ci`: it refuses a lock whose registry lacks the binaries of other platforms. `--no-save` keeps the lock as it is.
    // No scripts: which of them npm runs differs from version to version, and only `node` needs its own (below).
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false']
    await announced('installing dependencies', () => npm([...args, '--loglevel=error'], root))
  }
  if (!existsSync(pinned)) {
    try {
      await fetchNode()
    } catch (error) {
      if (!runningNodeServes()) throw error
    }
  }
  if (!existsSync(marker) || readFileSync(marker, 'utf8') !== wanted()) writeFileSync(marker, wanted())
  if (existsSync(pinned)) return pinned
  if (runningNodeServes()) return process.execPath
  throw new Error(`no Node 24 for ${process.platform}-${process.arch}\nInstall Node 24 and start again with it.`)
}

/** The environment in which programs of the project find the pinned Node and the installed tools first. */
export function toolEnvironment(node) {
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  )
  return { ...process.env, PATH: path }
}
