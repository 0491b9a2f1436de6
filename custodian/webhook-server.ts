/** The notification URI: HTTPS with client certificates, one POST route, 200 once the body is durable in the spool. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { ReceivedNotification } from '../schemas/ingest.ts'
import { maxNotificationBytes } from './batch-list.ts'
import { loadAuthorities, loadCertificate, normalFingerprint } from './certificate.ts'
import type { CertificateFiles } from './certificate.ts'
import type { Log } from './log.ts'
import type { Spool } from './spool.ts'

export interface WebhookOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string
  readonly path: string
  readonly certificate: CertificateFiles
  /** Path of a PEM bundle: authorities of the sender's certificate. */
  readonly clientCa: string
  /** SHA-256 of senders' certificates, hex, colons allowed; empty: any certificate of `clientCa`. */
  readonly clientFingerprints: readonly string[]
  readonly spool: Spool
  readonly log: Log
  /** Told after a notification is durable, so that a forwarder need not poll. */
  readonly onSpooled?: ((received: ReceivedNotification) => void) | undefined
  /** A request not whole by then is dropped. */
  readonly requestTimeoutMs?: number | undefined
}

export interface Webhook extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Reads certificate, key and authorities again; new connections use them. Throws as startWebhook does, the old ones stay. */
  reload(): Promise<void>
}

const closeGraceMs = 5000

/**
 * Listens. Answers 200 (durable, also a duplicate), 400 (no BatchList; kept in `bad/`), 403 (certificate not pinned), 404,
 * 405, 408, 413 (over 1 MiB), 503 (the spool failed). Throws CONFIG_INVALID, CERTIFICATE_REFUSED.
 */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { log, requestTimeoutMs = 15_000 } = options
  const pinned = new Set(options.clientFingerprints.map(normalFingerprint))
  const server = createServer(
    {
      ...(await secureContext(options)),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: 10_000,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      void answer(request, options, pinned).then(
        (status) => reply(request, response, status),
        () => request.destroy(),
      )
    },
  )
  server.maxConnections = 2000
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    log.warn({ reason: error.code ?? 'unknown' }, 'webhook: a client failed the TLS handshake')
  })
  const { host, port } = parseListen(options.listen)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code ?? 'unknown'
      const message = `webhook.listen: cannot listen on ${options.listen} (${reason})`
      reject(new MeterlakeError('CONFIG_INVALID', message, { setting: 'webhook.listen', reason }))
    })
    server.listen(port, host, resolve)
  })
  server.on('error', (error: NodeJS.ErrnoException) =>
    log.error({ reason: error.code ?? 'unknown' }, 'webhook: server error'),
  )
  return {
    host,
    port: (server.address() as AddressInfo).port,
    async reload() {
      server.setSecureContext(await secureContext(options))
      log.info({}, 'webhook: certificates reloaded')
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs)
      await closed
      clearTimeout(timer)
    },
  }
}

async function secureContext({ certificate, clientCa }: WebhookOptions) {
  const [loaded, ca] = await Promise.all([loadCertificate(certificate), loadAuthorities(clientCa)])
  return { ...loaded.tls, ca, minVersion: 'TLSv1.2' as const }
}

async function answer(request: IncomingMessage, options: WebhookOptions, pinned: ReadonlySet<string>): Promise<number> {
  const { spool, log } = options
  const fingerprint = senderOf(request.socket as TLSSocket)
  const sender = fingerprint.slice(0, 12)
  if (pinned.size > 0 && !pinned.has(fingerprint)) {
    log.warn({ sender }, 'webhook: a certificate that is not pinned')
    return 403
  }
  if ((request.url ?? '').split('?', 1)[0] !== options.path) return 404
  if (request.method !== 'POST') return 405
  const body = await readBody(request)
  if (body === undefined) {
    log.warn({ sender }, 'webhook: a body over the limit')
    return 413
  }
  try {
    const { duplicate, ...received } = await spool.put(body)
    const { notificationId } = received
    log.info({ sender, notificationId, bytes: body.length, duplicate }, 'webhook: notification is durable')
    if (!duplicate) options.onSpooled?.(received)
    return 200
  } catch (error) {
    if (isMeterlakeError(error) && error.code === 'NOTIFICATION_MALFORMED') return keepBad(body, sender, options)
    log.error(
      { sender, code: isMeterlakeError(error) ? error.code : 'INTERNAL' },
      'webhook: notification could not be kept',
    )
    return 503
  }
}

/** Fingerprints by connection: reading a certificate costs more than all else of a small request. */
const senders = new WeakMap<TLSSocket, string>()

function senderOf(socket: TLSSocket): string {
  const known = senders.get(socket)
  if (known !== undefined) return known
  const fingerprint = normalFingerprint(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
  senders.set(socket, fingerprint)
  return fingerprint
}

async function keepBad(body: Buffer, sender: string, { spool, log }: WebhookOptions): Promise<number> {
  try {
    const { notificationId } = await spool.putBad(body)
    log.warn({ sender, notificationId, bytes: body.length }, 'webhook: malformed notification kept in bad')
    return 400
  } catch {
    log.error({ sender, code: 'SPOOL_NOT_WRITABLE' }, 'webhook: malformed notification could not be kept')
    return 503
  }
}

/** The whole body; undefined where it exceeds the limit. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxNotificationBytes) return undefined
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxNotificationBytes) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(undefined)
      }
    })
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('error', reject)
    request.once('close', () => reject(new Error('closed')))
  })
}

function reply(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (response.destroyed) return
  const headers: Record<string, string | number> = { 'content-length': 0 }
  if (status === 405) headers['allow'] = 'POST'
  if (status === 503) headers['retry-after'] = 60
  if (!request.complete) {
    // What still comes is discarded, so that the sender can read the answer; the request's time limit ends it.
    headers['connection'] = 'close'
    request.resume()
  }
  response.writeHead(status, headers).end()
}

function parseListen(listen: string): { host: string; port: number } {
  const [, host, port] = /^\[?([^\s[\]]+?)\]?:(\d{1,5})$/.exec(listen) ?? []
  if (host === undefined || Number(port) > 65_535) {
    throw new MeterlakeError('CONFIG_INVALID', `webhook.listen: ${listen} is not host:port`, {
      setting: 'webhook.listen',
    })
  }
  return { host, port: Number(port) }
}
