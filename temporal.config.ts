/**
 * The configuration, and the only reader of `process.env`: one TOML file, overridden by the environment, overridden by
 * flags, becomes a frozen `Config`. Secrets are not in it: they are read from where it refers to, when they are needed.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { parse, TomlError } from 'smol-toml'
import { describeConfigIssues } from './schemas/config-problem.ts'
import { type Config, configSchema, type SecretRef } from './schemas/config.ts'
import { MeterlakeError } from './schemas/errors.ts'
import { taskQueues } from './schemas/orchestration.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigFlags {
  /** Path of the configuration file. */
  readonly config?: string | undefined
  readonly lake?: string | undefined
  readonly pii?: string | undefined
  readonly logLevel?: string | undefined
}

export interface ConfigSource {
  readonly env: Environment
  readonly cwd: string
  readonly flags: ConfigFlags
}

type Table = Record<string, unknown>

/** Environment variables that override a setting of the file. */
export const settingOfVariable = {
  METERLAKE_LAKE: 'lake.dir',
  METERLAKE_PII: 'lake.pii',
  METERLAKE_LOG_LEVEL: 'log.level',
  METERLAKE_MARKUP_MEMORY: 'reader.markup_memory',
  METERLAKE_CLIENT_ID: 'custodian.client_id',
  METERLAKE_BULK_ID: 'custodian.bulk_id',
  METERLAKE_LISTEN: 'webhook.listen',
  TEMPORAL_ADDRESS: 'temporal.address',
  TEMPORAL_NAMESPACE: 'temporal.namespace',
  TEMPORAL_CLI_PATH: 'temporal.cli_path',
} as const

const settingOfFlag = { lake: 'lake.dir', pii: 'lake.pii', logLevel: 'log.level' } as const

/** Settings that name a file or folder: relative to the configuration file, or to the working directory where a variable or flag says it. */
const pathSettings = [
  'lake.dir',
  'lake.pii',
  'temporal.cli_path',
  'custodian.ca',
  'custodian.client_secret.file',
  'custodian.application.registration_access_token.file',
  ...['custodian.certificate', 'custodian.certificate.next', 'webhook.certificate'].flatMap((section) =>
    ['cert', 'key', 'passphrase.file'].map((name) => `${section}.${name}`),
  ),
  'webhook.client_ca',
  'retention.hold',
] as const

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value)

function get(root: Table, setting: string): unknown {
  let value: unknown = root
  for (const key of setting.split('.')) value = isTable(value) ? value[key] : undefined
  return value
}

/** A copy of `root` with one setting replaced. */
function set(root: Table, setting: string, value: unknown): Table {
  const [key = '', ...rest] = setting.split('.')
  const inner = root[key]
  return { ...root, [key]: rest.length === 0 ? value : set(isTable(inner) ? inner : {}, rest.join('.'), value) }
}

function readTable(path: string): Table {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MeterlakeError('CONFIG_INVALID', `the configuration file ${path} cannot be read`, { path }, { cause })
  }
  try {
    return parse(text)
  } catch (cause) {
    // The engine's message quotes the line, and a line may hold a secret: only its first sentence and the place are told.
    const where = cause instanceof TomlError ? `, line ${cause.line}, column ${cause.column}` : ''
    const what = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : ''
    throw new MeterlakeError('CONFIG_INVALID', `${path}${where}: ${what}`, { path })
  }
}

function configPath({ env, cwd, flags }: ConfigSource): string | undefined {
  const named = flags.config ?? (env['METERLAKE_CONFIG'] || undefined)
  if (named !== undefined) return resolve(cwd, named)
  const usual = resolve(cwd, 'meterlake.toml')
  return existsSync(usual) ? usual : undefined
}

function absolute(table: Table, base: string): Table {
  return pathSettings.reduce((result, setting) => {
    const value = get(result, setting)
    return typeof value === 'string' && value !== '' ? set(result, setting, resolve(base, value)) : result
  }, table)
}

/** Each override as [setting, value, where it came from]; the later one wins. */
function overrides({ env, cwd, flags }: ConfigSource): (readonly [setting: string, value: string, origin: string])[] {
  const named = [
    ...Object.entries(settingOfVariable).map(([name, setting]) => [setting, env[name], name] as const),
    ...Object.entries(settingOfFlag).map(
      ([name, setting]) => [setting, flags[name as keyof typeof settingOfFlag], `--${name}`] as const,
    ),
  ]
  return named.flatMap(([setting, value, origin]) => {
    if (value === undefined || value === '') return []
    const isPath = (pathSettings as readonly string[]).includes(setting)
    return [[setting, isPath ? resolve(cwd, value) : value, origin] as const]
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}

/** Environment, working directory and flags of this process, as `loadConfig` takes them. */
export const processSource = (flags: ConfigFlags = {}): ConfigSource => ({
  env: process.env,
  cwd: process.cwd(),
  flags,
})

/**
 * The configuration. The file is `--config`, else METERLAKE_CONFIG, else `./meterlake.toml` where it exists. Throws
 * CONFIG_INVALID naming every wrong setting, what was found (never a secret) and where.
 */
export function loadConfig(source: ConfigSource): Config {
  const path = configPath(source)
  const file = path === undefined ? {} : absolute(readTable(path), dirname(path))
  const changes = overrides(source)
  const input = changes.reduce((table, [setting, value]) => set(table, setting, value), file)
  const parsed = configSchema.safeParse(input)
  if (!parsed.success) {
    const origins = [
      ...(path === undefined ? [] : [path]),
      ...changes.map(([setting, , name]) => `${name} (${setting})`),
    ]
    const problems = describeConfigIssues(parsed.error.issues, input)
    throw new MeterlakeError('CONFIG_INVALID', `${problems.join('\n')}\nread from ${origins.join(', ')}`, {
      settings: parsed.error.issues.map((issue) => issue.path.join('.')).join(' '),
    })
  }
  const { lake, ...rest } = parsed.data
  const dir = resolve(source.cwd, lake.dir)
  return deepFreeze({ ...rest, lake: { dir, pii: lake.pii ?? resolve(dirname(dir), 'pii') } })
}

/** The secret a setting refers to. `setting` names it in the error; the value is in no message. Throws CONFIG_INVALID. */
export function readSecret(ref: SecretRef, setting: string, env: Environment = process.env): string {
  if ('env' in ref) {
    const value = env[ref.env]
    if (value) return value
    throw new MeterlakeError('CONFIG_INVALID', `${setting}: the environment variable ${ref.env} is not set`, {
      setting,
    })
  }
  const value = readNamed(ref.file, setting).replace(/\r?\n$/, '')
  if (value !== '') return value
  throw new MeterlakeError('CONFIG_INVALID', `${setting}: the file ${ref.file} is empty`, { setting })
}

function readNamed(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new MeterlakeError(
      'CONFIG_INVALID',
      `${setting}: the file ${path} cannot be read`,
      { setting, path },
      { cause },
    )
  }
}

/** How to connect to a configured Temporal server: its address, and TEMPORAL_TLS…, TEMPORAL_API_KEY as the SDK reads them. */
export function temporalConnection(config: Config, env: Environment = process.env) {
  const { connectionOptions } = loadClientConnectConfig({
    overrideEnvVars: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => (name.startsWith('TEMPORAL_') && value ? [[name, value]] : [])),
    ),
  })
  return { ...connectionOptions, ...(config.temporal.address && { address: config.temporal.address }) }
}

/** Where the embedded Temporal server's program is looked for, and the folder that keeps it once fetched. */
export const temporalBinarySources = (config: Config, env: Environment = process.env) => ({
  cliPath: config.temporal.cli_path,
  searchPath: env['PATH'] ?? '',
  cacheDir: resolve(env['XDG_CACHE_HOME'] || resolve(homedir(), '.cache'), 'meterlake'),
})

/** How long a workflow waits for the worker that remembers it: a worker that died holds up all who ask the entities for so long. */
export const stickyQueueScheduleToStartTimeout = '3 seconds'

/** Slots of the workers by task queue: loads are CPU, one publisher commits, requests are spaced as the vendor limits them. */
export const workerSlots = {
  [taskQueues.orchestrate]: { maxConcurrentActivityTaskExecutions: 20, maxConcurrentWorkflowTaskExecutions: 20 },
  [taskQueues.custodian]: { maxConcurrentActivityTaskExecutions: 4, maxTaskQueueActivitiesPerSecond: 1 },
  [taskQueues.load]: { maxConcurrentActivityTaskExecutions: 2 },
  [taskQueues.publish]: { maxConcurrentActivityTaskExecutions: 1 },
} as const
