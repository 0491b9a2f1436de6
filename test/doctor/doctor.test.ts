/** `meterlake doctor` against a simulated utility over mutual TLS, and against each thing that can be wrong. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from '../../bin/doctor-check.ts'
import { doctorLines, examine } from '../../bin/doctor.ts'
import { startWebhookRole } from '../../bin/webhook.ts'
import { silentLog } from '../../custodian/log.ts'
import type { Config, CustodianConfig } from '../../schemas/config.ts'
import { makeCertificates } from '../../sim/certificates.ts'
import { registrationAccessToken, registrySecrets } from '../../sim/registry.ts'
import { openSite, type Site } from '../support/site.ts'

let site: Site
let usual: Config & { readonly custodian: CustodianConfig }

beforeAll(async () => {
  site = await openSite()
  const token = join(site.dir, 'registration')
  await writeFile(token, registrationAccessToken)
  const { custodian, webhook } = site.config
  if (custodian === undefined || webhook === undefined) throw new Error('the site is not configured')
  usual = {
    ...site.config,
    custodian: { ...custodian, application: { registration_access_token: { file: token } } },
  }
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
})

const withCustodian = (changes: Partial<CustodianConfig>): Config => ({
  ...usual,
  custodian: { ...usual.custodian, ...changes },
})
const byName = (checks: readonly Check[]) => new Map(checks.map((check) => [check.check, check]))
const inDays = (days: number) => () => new Date(Date.now() + days * 86_400_000)

describe('all as it should be', () => {
  test("the utility's order first; every line says what it found", async () => {
    await using webhook = await startWebhookRole(usual, { log: silentLog })
    const url = `https://localhost:${webhook.port}/notify`
    site.custodian.setNotifyUrl(url)
    const from = site.custodian.requests.length
    const overrides = { ...usual.custodian.overrides, limits: { perSecond: 2 } }
    const custodian = { ...usual.custodian, overrides }
    const config = { ...usual, custodian, webhook: usual.webhook && { ...usual.webhook, url } }
    const checks = await examine(config)
    const asked = site.custodian.requests
      .slice(from)
      .map(({ method, path }) => `${method} ${path.split('/').slice(-2).join('/')}`)
    expect(asked.slice(0, 3)).toEqual([
      'POST v2/token',
      'GET resource/ReadServiceStatus',
      'GET resource/DownloadSampleData',
    ])
    expect(site.custodian.requests[from]?.path).toContain('/test/oauth/')
    // It keeps the limits as everyone does.
    const times = site.custodian.requests.slice(from).map(({ at_ms }) => at_ms)
    for (const [n, at] of times.slice(1).entries()) expect(at - (times[n] ?? 0)).toBeGreaterThan(400)
    const found = byName(checks)
    expect(found.get('sample data')).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/[1-9]\d* readings/) as string,
    })
    expect(found.get('application information')).toMatchObject({
      result: 'ok',
      detail: expect.stringContaining(site.custodian.bulkId) as string,
    })
    expect(found.get('webhook reachable')).toMatchObject({
      result: 'ok',
      detail: expect.stringContaining('our certificate') as string,
    })
    expect(found.get('TLS to the custodian')).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/^TLSv1\.[23]/) as string,
    })
    // The simulator's certificates live for 14 days, which is an alarm.
    const failed = checks.filter(({ result }) => result === 'fail').map(({ check }) => check)
    expect(failed).toEqual(['client certificate days', 'webhook certificate days'])
    const lines = doctorLines(checks).join('\n')
    for (const secret of [...registrySecrets, site.custodian.clientSecret]) expect(lines).not.toContain(secret)
  })
})

describe('what the utility says', () => {
  test('another client id or secret; what needs a token is not asked', async () => {
    const found = byName(await examine(withCustodian({ client_id: '99999' })))
    expect(found.get('test token')).toMatchObject({
      result: 'fail',
      detail: expect.stringContaining('TOKEN_REFUSED') as string,
    })
    expect(found.get('sample data')).toMatchObject({ result: 'fail', detail: 'not asked: there is no token' })
  })

  test('maintenance, and a sample that is no feed', async () => {
    site.custodian.faults.add(
      {
        path: '/ReadServiceStatus',
        effect: {
          kind: 'answer',
          status: 200,
          body: '<ServiceStatus xmlns="http://naesb.org/espi"><currentStatus>0</currentStatus></ServiceStatus>',
        },
      },
      { path: '/DownloadSampleData', effect: { kind: 'answer', status: 200, body: '<html>Sign in</html>' } },
    )
    const found = byName(await examine(usual))
    site.custodian.faults.clear()
    expect(found.get('service status')).toMatchObject({ result: 'fail', detail: '0, unavailable' })
    expect(found.get('sample data')).toMatchObject({ result: 'fail', detail: expect.stringMatching(/FEED_/) as string })
  })

  test.each([
    ['thirdPartyNotifyUri', 'https://elsewhere.example/notify?token=x', /go to https:\/\/elsewhere\.example\/notify,/],
    ['client_secret_expires_at', '1500000000', /secret expired 2017/],
    ['dataCustodianApplicationStatus', '3', /on hold/],
    ['dataCustodianBulkRequestURI', 'https://x.example/Batch/Bulk/77777', /bulk id is 77777, not /],
  ])('a registration with another %s', async (element, value, said) => {
    const { registered } = site.custodian.registry
    registered[element] = value
    const config = { ...usual, webhook: usual.webhook && { ...usual.webhook, url: 'https://localhost:8443/notify' } }
    const found = byName(await examine(config)).get('application information')
    delete registered[element]
    expect(found).toMatchObject({ result: 'fail', detail: expect.stringMatching(said) as string })
  })

  test('a client without these rights: authorizations are fine, ApplicationInformation a warning', async () => {
    site.custodian.registry.entitled = false
    const found = byName(await examine(usual))
    site.custodian.registry.entitled = true
    expect(found.get('authorizations')).toMatchObject({ result: 'ok' })
    expect(found.get('application information')).toMatchObject({ result: 'warn' })
    const { application: _without, ...custodian } = usual.custodian
    expect(byName(await examine({ ...usual, custodian })).get('application information')).toMatchObject({
      result: 'warn',
      detail: 'not configured',
    })
  })
})

const own = async (days: number) => makeCertificates(join(site.dir, `own-${days}`), { days })

describe('our side', () => {
  test.each([
    [200, 'ok'],
    [45, 'warn'],
    [20, 'fail'],
  ] as const)('a certificate with %i days left: %s', async (days, result) => {
    const { client, ca } = await own(days)
    const found = byName(await examine(withCustodian({ certificate: client, ca })))
    expect(found.get('client certificate days')).toMatchObject({ result })
  })

  test('the next one stands ready, is checked too, and steps in for a refused one', async () => {
    const { otherClient, client, ca } = site.certificates
    const certificate = { ...otherClient, next: client }
    const found = byName(await examine(withCustodian({ certificate, ca })))
    expect(found.get('test token')).toMatchObject({
      result: 'warn',
      detail: expect.stringContaining('the first was refused') as string,
    })
    expect(found.get('sample data')).toMatchObject({ result: 'ok' })
    expect(found.get('production token')).toMatchObject({ result: 'ok' })
    expect(found.get('next client certificate key')).toMatchObject({ result: 'ok' })
    const later = byName(
      await examine(withCustodian({ certificate: { ...client, next: (await own(200)).client } }), inDays(5)),
    )
    expect(later.get('client certificate days')).toMatchObject({ result: 'warn' })
  })

  test("a key of another certificate, a chain that is cut, a certificate of another authority's making", async () => {
    const { client, otherClient, foreign } = site.certificates
    const mixed = byName(await examine(withCustodian({ certificate: { cert: client.cert, key: otherClient.key } })))
    expect(mixed.get('client certificate key')).toMatchObject({ result: 'fail' })
    const cut = byName(await examine(withCustodian({ certificate: foreign.client })))
    expect(cut.get('client certificate chain')).toMatchObject({
      result: 'fail',
      next: expect.stringContaining('intermediate') as string,
    })
    expect(cut.get('test token')).toMatchObject({
      result: 'fail',
      detail: expect.stringContaining('CERTIFICATE_REFUSED') as string,
    })
  })

  test('a clock that is wrong, a webhook that is silent, a Temporal that is away', async () => {
    const config = {
      ...usual,
      temporal: { ...usual.temporal, address: '127.0.0.1:9' },
      webhook: usual.webhook && { ...usual.webhook, url: 'https://localhost:9/notify' },
    }
    const found = byName(await examine(config, () => new Date(Date.now() + 3_600_000)))
    expect(found.get('clock')).toMatchObject({ result: 'fail', next: expect.stringContaining('NTP') as string })
    expect(found.get('webhook reachable')).toMatchObject({ result: 'fail' })
    expect(found.get('Temporal')).toMatchObject({ result: 'fail' })
  })

  test('a lake that is a file, a pii folder others may look into', async () => {
    const file = join(site.dir, 'no-folder')
    await writeFile(file, '')
    const pii = join(site.dir, 'open-pii')
    await mkdir(pii)
    await chmod(pii, 0o755)
    const found = byName(await examine({ ...usual, lake: { dir: join(file, 'lake'), pii } }))
    expect(found.get('pii permission')).toMatchObject({ result: 'fail', next: `chmod 0700 ${pii}` })
    expect(found.get('lake')).toMatchObject({ result: 'fail' })
    const without = byName(await examine({ ...usual, custodian: undefined, webhook: undefined }))
    expect(without.get('custodian')).toMatchObject({ result: 'warn' })
  })
})
