/** The certificates a configuration names, as the custodian's and the webhook's side take them. */
import type { CertificateFiles } from '../custodian/certificate.ts'
import type { Config, CustodianConfig, WebhookConfig } from '../schemas/config.ts'
import { readSecret } from '../temporal.config.ts'

type Configured = WebhookConfig['certificate']

function filesOf({ cert, key, passphrase }: Configured, setting: string): CertificateFiles {
  return { cert, key, ...(passphrase && { passphrase: readSecret(passphrase, `${setting}.passphrase`) }) }
}

/** Our client certificate, and the one that stands ready beside it. Throws CONFIG_INVALID where a passphrase is missing. */
export function clientCertificates({ certificate, ca }: CustodianConfig): {
  readonly certificate: CertificateFiles
  readonly nextCertificate?: CertificateFiles
} {
  const { next } = certificate
  return {
    certificate: { ...filesOf(certificate, 'custodian.certificate'), ca },
    ...(next && { nextCertificate: { ...filesOf(next, 'custodian.certificate.next'), ca } }),
  }
}

/** What the webhook shows. Throws CONFIG_INVALID where the passphrase is missing. */
export const webhookCertificate = ({ certificate }: WebhookConfig): CertificateFiles =>
  filesOf(certificate, 'webhook.certificate')

/** Every file that is read again when it changes: certificates, keys, authorities. */
export function watchedFiles({ custodian, webhook }: Config): {
  readonly custodian: readonly string[]
  readonly webhook: readonly string[]
} {
  return {
    custodian: custodian
      ? [...pair(custodian.certificate), ...pair(custodian.certificate.next), ...(custodian.ca ? [custodian.ca] : [])]
      : [],
    webhook: webhook ? [...pair(webhook.certificate), webhook.client_ca] : [],
  }
}

const pair = (certificate: Configured | undefined): string[] =>
  certificate === undefined ? [] : [certificate.cert, certificate.key]
