/** What can be said of a certificate before anybody is asked: key, algorithm, length, chain, days. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { MeterlakeError } from '../schemas/errors.ts'

export interface CertificateFacts {
  /** CN or whole subject of the leaf. */
  readonly subject: string
  /** SHA-256, lower-case hex without colons. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** `rsa`, `ec`, …. */
  readonly keyType: string
  /** RSA modulus length; null for other keys. */
  readonly rsaBits: number | null
  /** e.g. `sha256WithRSAEncryption`. */
  readonly signature: string
  readonly selfSigned: boolean
  /** Where the chain of the file ends: at a public authority, at one of the given bundle, or nowhere (an intermediate is missing). */
  readonly anchor: { readonly kind: 'public' | 'given'; readonly name: string } | null
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/**
 * Facts of a PEM file, leaf first. `ca`: path of a bundle of authorities that count beside the public ones. Throws
 * CONFIG_INVALID (unreadable, no certificate).
 */
export async function readCertificateFacts(path: string, ca?: string): Promise<CertificateFacts> {
  const chain = await readChain(path)
  const given = ca === undefined ? [] : await readChain(ca)
  const [leaf] = chain
  if (leaf === undefined) throw new MeterlakeError('CONFIG_INVALID', `${path} holds no certificate`, { path })
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.publicKey
  return {
    subject: nameOf(leaf.subject),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    keyType: asymmetricKeyType ?? 'unknown',
    rsaBits: asymmetricKeyType === 'rsa' ? (asymmetricKeyDetails?.modulusLength ?? null) : null,
    signature: leaf.signatureAlgorithm ?? 'unknown',
    selfSigned: isIssuedBy(leaf, leaf),
    anchor: anchorOf(chain, given),
  }
}

async function readChain(path: string): Promise<readonly X509Certificate[]> {
  try {
    const text = await readFile(path, 'utf8')
    return [...text.matchAll(block)].map(([pem]) => new X509Certificate(pem))
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'not PEM'
    throw new MeterlakeError('CONFIG_INVALID', `certificate ${path} cannot be read (${reason})`, { path, reason })
  }
}

function anchorOf(chain: readonly X509Certificate[], given: readonly X509Certificate[]): CertificateFacts['anchor'] {
  // Each certificate of the file that issued the one before it; others in the file do not matter.
  let top = chain[0]
  for (const next of chain.slice(1)) if (top !== undefined && isIssuedBy(top, next)) top = next
  if (top === undefined) return null
  const issuer = top
  const found = given.find((authority) => isIssuedBy(issuer, authority))
  if (found !== undefined) return { kind: 'given', name: nameOf(found.subject) }
  for (const pem of rootCertificates) {
    const root = new X509Certificate(pem)
    if (root.subject === issuer.issuer && isIssuedBy(issuer, root))
      return { kind: 'public', name: nameOf(root.subject) }
  }
  return null
}

const isIssuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey)

/** `O` and `CN` of a subject as OpenSSL prints it, one `name=value` a line. */
function nameOf(subject: string): string {
  const parts = subject.split('\n').filter((line) => /^(?:O|CN)=/.test(line))
  return parts.length === 0 ? subject.replaceAll('\n', ', ') : parts.map((line) => line.replace(/^\w+=/, '')).join(', ')
}
