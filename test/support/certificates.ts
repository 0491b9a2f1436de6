/** Throw-away authorities and certificates for tests, as PEM files in a folder. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

export interface TestAuthority {
  /** Path of its PEM. */
  readonly ca: string
  /** A certificate for localhost and 127.0.0.1, server and client alike. */
  issue(name: string, validity?: { readonly notBefore?: Date; readonly notAfter?: Date }): Promise<TestCertificate>
}

const day_ms = 86_400_000

export async function makeAuthority(directory: string, name: string): Promise<TestAuthority> {
  await mkdir(directory, { recursive: true })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - day_ms),
    notAfter: new Date(Date.now() + day_ms),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  })
  const ca = join(directory, `${name}.ca.pem`)
  await writeFile(ca, root.toString('pem'))
  return {
    ca,
    async issue(leafName, validity = {}) {
      const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `CN=${leafName}`,
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        notBefore: validity.notBefore ?? new Date(Date.now() - day_ms / 2),
        notAfter: validity.notAfter ?? new Date(Date.now() + day_ms / 2),
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: 'localhost' },
            { type: 'ip', value: '127.0.0.1' },
          ]),
        ],
      })
      const cert = join(directory, `${name}.${leafName}.pem`)
      const key = join(directory, `${name}.${leafName}.key`)
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey)).toString('base64')
      await writeFile(cert, leaf.toString('pem'))
      await writeFile(
        key,
        `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      )
      return { cert, key }
    },
  }
}
