/** Python packages from PyPI in a temporary folder of this run: what analysts have on their machines. */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const script = fileURLToPath(new URL('read_lake.py', import.meta.url))
const mustRun = process.env['CI'] === 'true'

/** One folder a run of the tests: vitest's workers share their parent. */
const cache = join(tmpdir(), `meterlake-python-${process.ppid}`)

/**
 * Installs packages (exact versions) side by side with others; answers their folder. Undefined, with one visible line, where there is
 * no Python or no PyPI; with CI=true that is a failure.
 */
export async function installPython(packages: readonly string[]): Promise<string | undefined> {
  const folder = join(cache, packages.join('+'))
  if (existsSync(folder)) return folder
  const fresh = `${folder}.${process.pid}`
  try {
    await mkdir(fresh, { recursive: true })
    const options = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--target', fresh]
    await execute('python3', ['-m', 'pip', 'install', ...options, ...packages], { timeout: 110_000 })
    await rename(fresh, folder)
    return folder
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    if (mustRun) throw error
    console.warn(`skipped: pip cannot install ${packages.join(' ')} here (${String(error).split('\n')[0]})`)
    return undefined
  }
}

export const removePython = (): Promise<void> => rm(cache, { recursive: true, force: true })

/** Runs read_lake.py with the packages of `folder`; answers what it printed, parsed. */
export async function readLake<T>(folder: string, args: readonly string[]): Promise<T> {
  const env = { PATH: process.env['PATH'], PYTHONPATH: folder }
  const { stdout } = await execute('python3', [script, ...args], { env, maxBuffer: 1 << 26 })
  return JSON.parse(stdout) as T
}

/** Starts `read_lake.py watch`: it looks at the lake again and again until `stop`, which answers what it saw. */
export function watchLake<T>(folder: string, lake: string): { readonly stop: () => Promise<T> } {
  const env = { PATH: process.env['PATH'], PYTHONPATH: folder }
  const child = spawn('python3', [script, 'watch', lake], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<T>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(stdout) as T)
      else reject(new Error(`read_lake.py watch ended with ${code}: ${stderr}`))
    })
  })
  return {
    stop: () => {
      child.stdin.end()
      return ended
    },
  }
}
