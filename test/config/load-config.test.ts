import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isMeterlakeError, type MeterlakeError } from '../../schemas/errors.ts'
import { type ConfigFlags, type Environment, loadConfig, readSecret, settingOfVariable } from '../../temporal.config.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'meterlake-config-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const load = (env: Environment = {}, flags: ConfigFlags = {}) => loadConfig({ env, cwd, flags })
const write = (text: string, name = 'meterlake.toml') => writeFile(join(cwd, name), text)

/** The error of something that must fail. */
function failure(effect: () => unknown): MeterlakeError {
  try {
    effect()
  } catch (error) {
    if (isMeterlakeError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

test('without a file and environment everything has its default', () => {
  const config = load()
  expect(config.lake).toEqual({ dir: join(cwd, 'lake'), pii: join(cwd, 'pii') })
  expect(config.temporal).toEqual({ namespace: 'default' })
  expect(config.custodian).toBeUndefined()
  expect(Object.isFrozen(config) && Object.isFrozen(config.lake)).toBe(true)
})

test('the personal data root lies beside the lake, wherever that is', () => {
  expect(load({ METERLAKE_LAKE: '/data/here/lake' }).lake.pii).toBe('/data/here/pii')
})

test('a flag wins over the environment, the environment over the file', async () => {
  await write('[lake]\ndir = "from-file"\n[log]\nlevel = "debug"\n')
  expect(load().lake.dir).toBe(join(cwd, 'from-file'))
  expect(load().log.level).toBe('debug')
  expect(load({ METERLAKE_LAKE: 'from-env' }).lake.dir).toBe(join(cwd, 'from-env'))
  expect(load({ METERLAKE_LAKE: 'from-env' }, { lake: 'from-flag' }).lake.dir).toBe(join(cwd, 'from-flag'))
})

test('an empty variable is as good as none', () => {
  expect(load({ METERLAKE_LAKE: '', TEMPORAL_ADDRESS: '' }).temporal.address).toBeUndefined()
})

test('paths in a file count from the file', async () => {
  await rm(join(cwd, 'etc'), { recursive: true, force: true })
  const folder = await mkdtemp(join(cwd, 'etc-'))
  await writeFile(
    join(folder, 'm.toml'),
    `[custodian]
client_id = "00123"
bulk_id = "1"
client_secret = { file = "secret" }
certificate = { cert = "c.pem", key = "/abs/k.pem" }`,
  )
  const { custodian } = load({ METERLAKE_CONFIG: join(folder, 'm.toml') })
  expect(custodian?.certificate).toEqual({ cert: join(folder, 'c.pem'), key: '/abs/k.pem' })
  expect(custodian?.client_secret).toEqual({ file: join(folder, 'secret') })
})

test('the example is complete and valid, and names every variable', async () => {
  const example = await readFile(new URL('../../meterlake.example.toml', import.meta.url), 'utf8')
  await write(example)
  expect(load().custodian?.profile).toBe('pge')
  // what is commented out is valid as well
  const all = example.replaceAll(/^# (?=(?:# )?(?:\[|[a-zA-Z_]+ = ))/gm, '')
  await write(all)
  const { custodian, temporal } = load()
  expect(custodian?.overrides?.endpoints?.token).toBe('https://utility.example/oauth/token')
  expect(custodian?.certificate.passphrase).toEqual({ file: join(cwd, 'certificates/client.passphrase') })
  expect(temporal.cli_path).toBe('/usr/local/bin/temporal')
  for (const name of Object.keys(settingOfVariable)) expect(example).toContain(name)
})

test('every wrong setting is named with what was found, and where it was read', async () => {
  await write('[lake]\ndirr = "x"\n[webhook]\nlisten = 8443\nclient_ca = "ca.pem"\n[log]\nlevel = "loud"\n')
  const { code, message } = failure(() => load({ TEMPORAL_ADDRESS: 'nowhere' }))
  expect(code).toBe('CONFIG_INVALID')
  expect(message).toContain('lake.dirr is not a setting')
  expect(message).toContain('webhook.listen: found a number 8443; expected text')
  expect(message).toContain('webhook.certificate: found nothing')
  expect(message).toContain('log.level: found text "loud"; expected one of "trace", "debug"')
  expect(message).toContain('temporal.address: found text "nowhere"; expected host:port')
  expect(message).toContain(join(cwd, 'meterlake.toml'))
  expect(message).toContain('TEMPORAL_ADDRESS')
})

test('a secret written where a reference belongs is refused and not repeated', async () => {
  await write(
    '[custodian]\nclient_secret = "hunter2"\nclient_id = "1"\nbulk_id = "2"\ncertificate = { cert = "c", key = "k" }\n',
  )
  const { message } = failure(() => load())
  expect(message).toContain('custodian.client_secret: found text (not shown); write { env = "NAME" }')
  expect(message).not.toContain('hunter2')
})

test('a file that is not TOML is named with the line, without its text', async () => {
  await write('[custodian]\nclient_secret = hunter2\n')
  const { code, message } = failure(() => load())
  expect(code).toBe('CONFIG_INVALID')
  expect(message).toContain('line 2')
  expect(message).not.toContain('hunter2')
})

test('a named file that is absent is an error; the usual one may be absent', () => {
  expect(failure(() => load({}, { config: 'no.toml' })).message).toContain(join(cwd, 'no.toml'))
  expect(() => load()).not.toThrow()
})

test('a secret is read from where the reference points, when it is needed', async () => {
  await write('s3cret\n', 'secret')
  expect(readSecret({ file: join(cwd, 'secret') }, 'custodian.client_secret')).toBe('s3cret')
  expect(readSecret({ env: 'X' }, 'custodian.client_secret', { X: 's3cret' })).toBe('s3cret')
  expect(failure(() => readSecret({ env: 'X' }, 'custodian.client_secret', {})).message).toBe(
    'custodian.client_secret: the environment variable X is not set',
  )
  expect(failure(() => readSecret({ file: join(cwd, 'no') }, 's')).code).toBe('CONFIG_INVALID')
})
