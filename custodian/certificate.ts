/** Our certificate and key, and the authorities we trust: PEM files, read by reference and checked before any use. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { MeterlakeError } from '../schemas/errors.ts'

/** Paths of PEM files; the passphrase is the secret itself, already resolved. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  readonly passphrase?: string | undefined
  /** Authorities of the peer; absent: the public ones. */
  readonly ca?: string | undefined
}

/** What `node:tls` takes, under its names. */
export interface LoadedCertificate {
  readonly tls: {
    readonly cert: string
    readonly key: string
    readonly passphrase?: string
    readonly ca?: string
  }
  /** SHA-256 of the leaf, lower-case hex without colons. */
  readonly fingerprint: string
  readonly notAfter: Date
}

/**
 * Reads and checks a certificate. Throws CONFIG_INVALID (unreadable, not PEM, wrong passphrase, key of another
 * certificate) and CERTIFICATE_REFUSED (expired or not valid yet, so the peer would refuse it).
 */
export async function loadCertificate(files: CertificateFiles, now: Date = new Date()): Promise<LoadedCertificate> {
  const [cert, key, ca] = await Promise.all([
    readPem(files.cert, 'certificate'),
    readPem(files.key, 'private key'),
    files.ca === undefined ? undefined : readPem(files.ca, 'authority bundle'),
  ])
  const leaf = parseCertificate(cert, files.cert)
  if (ca !== undefined) parseCertificate(ca, files.ca as string)
  if (!leaf.checkPrivateKey(parseKey(key, files))) {
    throw new MeterlakeError(
      'CONFIG_INVALID',
      `private key ${files.key} does not belong to certificate ${files.cert}`,
      {
        cert: files.cert,
        key: files.key,
      },
    )
  }
  const notAfter = new Date(leaf.validTo)
  if (now > notAfter || now < new Date(leaf.validFrom)) {
    const message = `certificate ${files.cert} is valid from ${leaf.validFrom} to ${leaf.validTo}, not now`
    throw new MeterlakeError('CERTIFICATE_REFUSED', message, { cert: files.cert, notAfter: notAfter.toISOString() })
  }
  return {
    tls: {
      cert,
      key,
      ...(files.passphrase === undefined ? {} : { passphrase: files.passphrase }),
      ...(ca === undefined ? {} : { ca }),
    },
    fingerprint: normalFingerprint(leaf.fingerprint256),
    notAfter,
  }
}

/** Reads a PEM bundle of authorities. Throws CONFIG_INVALID. */
export async function loadAuthorities(path: string): Promise<string> {
  const pem = await readPem(path, 'authority bundle')
  parseCertificate(pem, path)
  return pem
}

/** Lower-case hex without colons: the one form fingerprints are compared in. */
export const normalFingerprint = (fingerprint: string): string => fingerprint.replaceAll(':', '').trim().toLowerCase()

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new MeterlakeError('CONFIG_INVALID', `${what} ${path} cannot be read (${reason})`, { path, reason })
  }
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new MeterlakeError('CONFIG_INVALID', `${path} is not a PEM certificate`, { path })
  }
}

function parseKey(pem: string, files: CertificateFiles): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(files.passphrase === undefined ? {} : { passphrase: files.passphrase }) })
  } catch {
    // The cause is left out: OpenSSL's text is of no use and the key is near it.
    const message = `${files.key} is not a PEM private key, or its passphrase is missing or wrong`
    throw new MeterlakeError('CONFIG_INVALID', message, { key: files.key })
  }
}
