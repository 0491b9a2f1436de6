/** Handshakes of doctor: with the custodian, and with our own webhook as its senders see it. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { CertificateFiles } from '../custodian/certificate.ts'
import { readCertificateFacts } from '../custodian/certificate-facts.ts'
import type { WebhookConfig } from '../schemas/config.ts'
import { attempt, type Check, fail, ok, warn } from './doctor-check.ts'

const handshakeTimeoutMs = 10_000

interface Peer {
  readonly protocol: string
  readonly fingerprint: string
  readonly authorizationError: string | null
}

/** Shakes hands and hangs up. Rejects with the socket's error. */
async function shakeHands(url: string, options: ConnectionOptions): Promise<Peer> {
  const { hostname, port } = new URL(url)
  const socket: TLSSocket = connect({
    ...options,
    host: hostname,
    port: Number(port || 443),
    ...(isIP(hostname) === 0 && { servername: hostname }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
      socket.setTimeout(handshakeTimeoutMs, () => reject(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })))
    })
    const certificate = socket.getPeerX509Certificate()
    const named = certificate && checkServerIdentity(hostname, certificate.toLegacyObject())
    return {
      protocol: socket.getProtocol() ?? 'unknown',
      fingerprint: (certificate?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase(),
      authorizationError: socket.authorized ? (named?.message ?? null) : String(socket.authorizationError),
    }
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).message

/** TLS 1.2 or newer, and a server certificate that our authorities vouch for. */
export const checkTls = async (name: string, url: string, files: CertificateFiles): Promise<Check> =>
  attempt(name, async () => {
    const [cert, key, ca] = await Promise.all(
      [files.cert, files.key, files.ca].map(async (path) => path && readFile(path, 'utf8')),
    )
    const { host } = new URL(url)
    try {
      const peer = await shakeHands(url, {
        ...(cert && { cert }),
        ...(key && { key }),
        ...(ca && { ca }),
        ...(files.passphrase !== undefined && { passphrase: files.passphrase }),
      })
      if (peer.authorizationError === null) return ok(name, `${peer.protocol} with ${host}`)
      return fail(name, `${host}: ${peer.authorizationError}`, 'Check custodian.ca and that no proxy stands between.')
    } catch (error) {
      return fail(name, `${host} cannot be reached (${reasonOf(error)})`, 'Check network, firewall and host name.')
    }
  })

/** The notification URI leads here, and shows the certificate that is configured. */
export async function checkWebhookReachable(webhook: WebhookConfig): Promise<Check> {
  const name = 'webhook reachable'
  const [host = '', port = ''] = webhook.listen.split(/:(?=\d+$)/)
  const local = host === '0.0.0.0' || host === '[::]' ? 'localhost' : host
  const url = webhook.url ?? `https://${local}:${port}${webhook.path}`
  return attempt(name, async () => {
    const { fingerprint } = await readCertificateFacts(webhook.certificate.cert)
    const at = new URL(url).host
    let peer: Peer
    try {
      peer = await shakeHands(url, {})
    } catch (error) {
      const next = 'Start meterlake up (or webhook), and open the firewall for the utility.'
      return fail(name, `${at} does not answer (${reasonOf(error)})`, next)
    }
    if (peer.fingerprint === fingerprint) return ok(name, `${at} shows our certificate, ${peer.protocol}`)
    const next = 'A proxy ends TLS before the webhook, or it has not read the new certificate yet (SIGHUP).'
    return warn(name, `${at} shows another certificate`, next)
  })
}
