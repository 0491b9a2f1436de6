/** A configuration of meterlake that points at a running simulated custodian. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificatePaths } from './certificates.ts'
import type { SimulatedCustodian } from './server.ts'

/** A TOML string. */
const text = (value: string): string => JSON.stringify(value)

/** Writes `meterlake.toml` and the client secret (both 0600) beside the certificates; returns the path of the former. */
export async function writeClientConfig(
  custodian: SimulatedCustodian,
  certificates: CertificatePaths,
  notifyUrl: string,
): Promise<string> {
  const secret = join(certificates.directory, 'client.secret')
  await writeFile(secret, custodian.clientSecret, { mode: 0o600 })
  const path = join(certificates.directory, 'meterlake.toml')
  const pair = ({ cert, key }: { readonly cert: string; readonly key: string }): string =>
    `{ cert = ${text(cert)}, key = ${text(key)} }`
  const webhook = new URL(notifyUrl)
  const lines = [
    '# Points meterlake at the simulated Data Custodian: meterlake up --config <this file>',
    '[custodian]',
    'profile = "pge"',
    `client_id = ${text(custodian.clientId)}`,
    `client_secret = { file = ${text(secret)} }`,
    `bulk_id = ${text(custodian.bulkId)}`,
    `certificate = ${pair(certificates.client)}`,
    `ca = ${text(certificates.ca)}`,
    '',
    '[custodian.overrides.endpoints]',
    `token = ${text(custodian.tokenUrl)}`,
    `testToken = ${text(custodian.testTokenUrl)}`,
    `resource = ${text(custodian.resourceUrl)}`,
    '',
    '[webhook]',
    `listen = ${text(`127.0.0.1:${webhook.port || '443'}`)}`,
    `path = ${text(webhook.pathname)}`,
    ...(webhook.protocol === 'https:' ? [`url = ${text(notifyUrl)}`] : []),
    `certificate = ${pair(certificates.webhook)}`,
    `client_ca = ${text(certificates.ca)}`,
    '',
  ]
  await writeFile(path, lines.join('\n'), { mode: 0o600 })
  return path
}
