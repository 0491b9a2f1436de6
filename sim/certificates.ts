/** Throw-away certificates for mutual TLS on loopback: two authorities, RSA 2048, SHA-256, valid for days. */
import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** Paths of a PEM certificate and its PEM key (PKCS 8). */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export interface CertificatePaths {
  readonly directory: string
  /** PEM of the authority that signed all below but `foreign`. */
  readonly ca: string
  /** The custodian's HTTPS server: localhost, 127.0.0.1. */
  readonly server: CertificatePair
  /** meterlake's client certificate, the one "registered" with the simulated custodian. */
  readonly client: CertificatePair
  /** Of the same authority, but of another client: the custodian answers `Invalid Certificate`. */
  readonly otherClient: CertificatePair
  /** What the custodian shows when it POSTs a notification. */
  readonly notifier: CertificatePair
  /** The webhook's server: localhost, 127.0.0.1. */
  readonly webhook: CertificatePair
  /** Another authority and a client and a server of it, for negative tests. */
  readonly foreign: { readonly ca: string; readonly client: CertificatePair; readonly server: CertificatePair }
}

interface Issuer {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
}

/** Where the certificates of `directory` lie, whether or not they exist. */
export function certificatePaths(directory: string): CertificatePaths {
  const root = resolve(directory)
  const pair = (name: string): CertificatePair => ({
    cert: join(root, `${name}.cert.pem`),
    key: join(root, `${name}.key.pem`),
  })
  return {
    directory: root,
    ca: join(root, 'ca.cert.pem'),
    server: pair('server'),
    client: pair('client'),
    otherClient: pair('other-client'),
    notifier: pair('notifier'),
    webhook: pair('webhook'),
    foreign: { ca: join(root, 'foreign-ca.cert.pem'), client: pair('foreign-client'), server: pair('foreign-server') },
  }
}

/**
 * Makes all certificates in `directory` (created 0700, files 0600), replacing what was there. The authorities' keys are not
 * kept. `days` is their life, default 14.
 */
export async function makeCertificates(directory: string, options: { days?: number } = {}): Promise<CertificatePaths> {
  const { days = 14 } = options
  const paths = certificatePaths(directory)
  await mkdir(paths.directory, { recursive: true, mode: 0o700 })
  const [ca, foreign] = await Promise.all([
    authority('meterlake simulated authority', days),
    authority('a foreign authority', days),
  ])
  await Promise.all([
    save(paths.ca, ca.certificate.toString('pem')),
    save(paths.foreign.ca, foreign.certificate.toString('pem')),
    issue(ca, 'simulated data custodian', paths.server, 'server', days),
    issue(ca, 'meterlake', paths.client, 'client', days),
    issue(ca, 'another client', paths.otherClient, 'client', days),
    issue(ca, 'simulated data custodian notifications', paths.notifier, 'client', days),
    issue(ca, 'meterlake webhook', paths.webhook, 'server', days),
    issue(foreign, 'meterlake', paths.foreign.client, 'client', days),
    issue(foreign, 'simulated data custodian', paths.foreign.server, 'server', days),
  ])
  return paths
}

/** The certificates of `directory` if all are there and valid for another day, else fresh ones. */
export async function ensureCertificates(directory: string): Promise<CertificatePaths> {
  const paths = certificatePaths(directory)
  const { server, client, otherClient, notifier, webhook, foreign } = paths
  const pairs = [server, client, otherClient, notifier, webhook, foreign.client, foreign.server]
  try {
    const tomorrow = Date.now() + 86_400_000
    const files = [paths.ca, foreign.ca, ...pairs.map((pair) => pair.cert)]
    const certificates = await Promise.all(files.map(async (file) => new NodeCertificate(await readFile(file))))
    await Promise.all(pairs.map((pair) => readFile(pair.key)))
    if (certificates.every((certificate) => certificate.validToDate.getTime() > tomorrow)) return paths
  } catch {
    // Absent or unreadable: made anew.
  }
  return await makeCertificates(directory)
}

async function authority(name: string, days: number): Promise<Issuer> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    ...validity(days),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, keys }
}

async function issue(
  issuer: Issuer,
  name: string,
  pair: CertificatePair,
  use: 'server' | 'client',
  days: number,
): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.certificate.subject,
    ...validity(days),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      new ExtendedKeyUsageExtension([use === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
      ...(use === 'server'
        ? [
            new SubjectAlternativeNameExtension([
              { type: 'dns', value: 'localhost' },
              { type: 'ip', value: '127.0.0.1' },
            ]),
          ]
        : []),
    ],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const pem = `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`
  await Promise.all([save(pair.cert, certificate.toString('pem')), save(pair.key, pem)])
}

const validity = (days: number) => ({
  // An hour back: clocks of two machines differ.
  notBefore: new Date(Date.now() - 3_600_000),
  notAfter: new Date(Date.now() + days * 86_400_000),
})

async function save(path: string, text: string): Promise<void> {
  await writeFile(path, text.endsWith('\n') ? text : `${text}\n`, { mode: 0o600 })
}
