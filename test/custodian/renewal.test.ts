/** A certificate is replaced while everything runs: files change, a second one stands ready, the first is refused or expires. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRoleOperations } from '../../bin/role-operations.ts'
import { startWebhookRole } from '../../bin/webhook.ts'
import { loadCertificate } from '../../custodian/certificate.ts'
import { type CustodianOptions, openCustodian } from '../../custodian/custodian.ts'
import { silentLog } from '../../custodian/log.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import { memoryTokenStore } from '../../custodian/token-store.ts'
import { watchFiles } from '../../custodian/watch-files.ts'
import { type CertificatePair, makeCertificates } from '../../sim/certificates.ts'
import { openSite, type Site } from '../support/site.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
})

const custodianWith = async (certificate: CertificatePair, options: Partial<CustodianOptions> = {}) => {
  const { tokenUrl, resourceUrl, clientId, clientSecret } = site.custodian
  return openCustodian({
    profile: resolveProfile('pge', { endpoints: { token: tokenUrl, resource: resourceUrl } }),
    credentials: { alias: 'renewal', clientId, clientSecret: () => clientSecret },
    certificate: { ...certificate, ca: site.certificates.ca },
    tokenStore: memoryTokenStore(),
    log: silentLog,
    ...options,
  })
}

/** A copy of a certificate under names of its own, to be replaced. */
async function copyOf(pair: CertificatePair, name: string): Promise<CertificatePair> {
  const folder = join(site.dir, 'copies')
  await mkdir(folder, { recursive: true })
  const copy = { cert: join(folder, `${name}.cert.pem`), key: join(folder, `${name}.key.pem`) }
  await replace(copy, pair)
  return copy
}

const replace = async (target: CertificatePair, pair: CertificatePair): Promise<void> => {
  await copyFile(pair.cert, target.cert)
  await copyFile(pair.key, target.key)
}

test('a refused certificate gives way to the one that stands ready: one request an attempt', async () => {
  const { otherClient, client, ca } = site.certificates
  await using custodian = await custodianWith(otherClient, { nextCertificate: { ...client, ca } })
  const from = site.custodian.requests.length
  await expect(custodian.refreshToken()).rejects.toMatchObject({ code: 'CERTIFICATE_SWITCHED', retryable: true })
  expect(site.custodian.requests.length - from).toBe(1)
  await custodian.refreshToken()
  expect(await custodian.serviceStatus()).toEqual({ currentStatus: 1 })
})

test('where both are refused it is final, and the first has its turn again', async () => {
  const { otherClient, client, ca } = site.certificates
  const second = await copyOf(otherClient, 'second')
  await using custodian = await custodianWith(otherClient, { nextCertificate: { ...second, ca } })
  // Both are one certificate: there is no other.
  await expect(custodian.refreshToken()).rejects.toMatchObject({ code: 'CERTIFICATE_REFUSED' })
  await replace(second, client)
  await custodian.reload()
  await expect(custodian.refreshToken()).rejects.toMatchObject({ code: 'CERTIFICATE_SWITCHED' })
  await custodian.refreshToken()
})

const inThreeDays = () => new Date(Date.now() + 3 * 86_400_000)

test('an expired first one is passed over', async () => {
  const { certificates, dir } = site
  const old = await makeCertificates(join(dir, 'old'), { days: 1 })
  await using custodian = await custodianWith(old.client, {
    nextCertificate: { ...certificates.client, ca: certificates.ca },
    now: inThreeDays,
  })
  await custodian.refreshToken()
  await expect(custodianWith(old.client, { now: inThreeDays })).rejects.toMatchObject({ code: 'CERTIFICATE_REFUSED' })
})

test('files that change are read again; what cannot be used changes nothing', async () => {
  const files = await copyOf(site.certificates.otherClient, 'watched')
  await using custodian = await custodianWith(files)
  const failures: unknown[] = []
  await using watch = await watchFiles([files.cert, files.key], async () =>
    custodian
      .reload()
      .catch((error: unknown) => failures.push(error))
      .then(() => {}),
  )
  expect(await watch.check()).toBe(false)
  await expect(custodian.refreshToken()).rejects.toMatchObject({ code: 'CERTIFICATE_REFUSED' })
  await writeFile(files.cert, 'half a file')
  expect(await watch.check()).toBe(true)
  expect(failures).toMatchObject([{ code: 'CONFIG_INVALID' }])
  await replace(files, site.certificates.client)
  expect(await watch.check()).toBe(true)
  await custodian.refreshToken()
})

test('the running webhook shows its new certificate, by itself and on SIGHUP', async () => {
  const files = await copyOf(site.certificates.webhook, 'webhook')
  const { webhook: settings } = site.config
  if (settings === undefined) throw new Error('the site has no webhook')
  const config = { ...site.config, webhook: { ...settings, certificate: files } }
  await using operations = await openRoleOperations(config, silentLog, 50)
  await using webhook = await startWebhookRole(config, { log: silentLog })
  await operations.watch('webhook certificate', [files.cert, files.key], async () => webhook.reload())
  const shown = async (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: 'localhost', port: webhook.port, rejectUnauthorized: false }, () => {
        resolve((socket.getPeerX509Certificate()?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase())
        socket.destroy()
      })
      socket.on('error', reject)
    })
  expect(await shown()).toBe((await loadCertificate(files)).fingerprint)
  const renewed = await makeCertificates(join(site.dir, 'renewed'))
  await replace(files, renewed.webhook)
  await expect.poll(shown, { timeout: 5_000 }).toBe((await loadCertificate(renewed.webhook)).fingerprint)
  await operations.reloadAll()
  expect(await shown()).toBe((await loadCertificate(renewed.webhook)).fingerprint)
})
