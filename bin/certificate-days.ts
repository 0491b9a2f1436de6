/** The certificates of a configuration, and how long each is still valid. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config } from '../schemas/config.ts'

export interface NamedCertificate {
  readonly name: 'client' | 'client_next' | 'webhook'
  /** Path of its PEM file. */
  readonly cert: string
}

export const certificatesOf = ({ custodian, webhook }: Config): readonly NamedCertificate[] => [
  ...(custodian ? [{ name: 'client' as const, cert: custodian.certificate.cert }] : []),
  ...(custodian?.certificate.next ? [{ name: 'client_next' as const, cert: custodian.certificate.next.cert }] : []),
  ...(webhook ? [{ name: 'webhook' as const, cert: webhook.certificate.cert }] : []),
]

const msPerDay = 86_400_000

/** Days until `notAfter`, negative where it has passed. */
export const daysUntil = (notAfter: Date, now: Date): number => (notAfter.getTime() - now.getTime()) / msPerDay

/** Days left of the leaf in a PEM file. Throws what reading or parsing throws. */
export async function daysLeft(path: string, now: Date = new Date()): Promise<number> {
  return daysUntil(new X509Certificate(await readFile(path)).validToDate, now)
}
