/** The part of doctor that looks at this machine: disk, lake, Temporal. */
import { constants } from 'node:fs'
import { access, mkdtemp, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Config } from '../schemas/config.ts'
import { isMeterlakeError } from '../schemas/errors.ts'
import { attempt, type Check, fail, ok, warn } from './doctor-check.ts'
import { formatBytes } from './human.ts'
import { connectRunning } from './running-temporal.ts'

const warnFreeBytes = 20e9
const failFreeBytes = 2e9

export async function checkHost(config: Config): Promise<Check[]> {
  const { lake } = config
  return [
    await attempt('disk', async () => checkDisk(await existing(dirname(lake.dir)))),
    await checkWritable('lake', lake.dir, 'Fix its path (--lake, lake.dir) or permissions.'),
    await checkWritable('pii', lake.pii, 'Fix its path (lake.pii) or permissions.'),
    await checkPrivate(lake.pii),
    await checkTemporal(config),
  ]
}

/** The folder, or the nearest one above that exists: the lake is made when it is needed. */
async function existing(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    // A file in the way is found where it stands.
    (error: NodeJS.ErrnoException) => error.code === 'ENOTDIR',
  )
  return isThere || dirname(path) === path ? path : existing(dirname(path))
}

async function checkDisk(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const detail = `${formatBytes(free)} free`
  const next = 'Free space or enlarge the disk: a full one stops loads until it is freed; nothing is lost.'
  if (free < failFreeBytes) return fail('disk', detail, next)
  return free < warnFreeBytes ? warn('disk', detail, next) : ok('disk', detail)
}

async function checkWritable(name: string, path: string, next: string): Promise<Check> {
  const folder = await existing(path)
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    if (!(await stat(folder)).isDirectory()) return fail(name, `${folder} is no folder`, next)
    if (folder !== path) return ok(name, `${path} will be made`)
    // Permissions say less than a file that was written: quotas and read-only mounts count too.
    const trial = await mkdtemp(join(path, '.doctor-'))
    await rm(trial, { recursive: true })
    return ok(name, `${path} is writable`)
  } catch (error) {
    return fail(name, `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, next)
  }
}

async function checkPrivate(path: string): Promise<Check> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return ok('pii permission', 'will be made 0700')
  const mode = found.mode & 0o777
  if ((mode & 0o077) === 0) return ok('pii permission', mode.toString(8).padStart(4, '0'))
  return fail('pii permission', `${mode.toString(8).padStart(4, '0')}: others may look in`, `chmod 0700 ${path}`)
}

async function checkTemporal(config: Config): Promise<Check> {
  const { address, namespace } = config.temporal
  try {
    await using temporal = await connectRunning(config)
    const { client } = temporal
    await client.withDeadline(Date.now() + 5_000, async () => client.workflowService.describeNamespace({ namespace }))
    return ok('Temporal', `${address ?? 'the embedded server'} serves namespace ${namespace}`)
  } catch (error) {
    if (!isMeterlakeError(error))
      return fail('Temporal', `namespace ${namespace} cannot be described`, 'Create it, or correct temporal.namespace.')
    if (address !== undefined) return fail('Temporal', error.message, error.next)
    return warn('Temporal', error.message, 'meterlake up starts the embedded server by itself.')
  }
}
