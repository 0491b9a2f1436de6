/** BatchList, the body of a notification, and the POST that carries it. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'undici'
import type { CertificatePaths } from './certificates.ts'
import { escapeXml } from './render-entry.ts'

/** The webhook's answer to a notification, or why there was none. */
export interface NotificationAnswer {
  readonly status: number | null
  readonly error: string | null
}

/** The body in PG&E's form (espi/samples/pge-notify-batchlist-2resources.xml). An empty list is valid. */
export function renderBatchList(
  urls: readonly string[],
  namespace: 'http://naesb.org/espi' | 'http://naesb.org/espi/customer' = 'http://naesb.org/espi',
): string {
  const resources = urls.map((url) => `    <ns0:resources>${escapeXml(url)}</ns0:resources>\n`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ns0:BatchList xmlns:ns0="${namespace}">\n${resources}</ns0:BatchList>\n`
}

/** POSTs notifications with the custodian's client certificate over mutual TLS. Once each: no retry is promised. */
interface Notifier extends AsyncDisposable {
  post(url: string, body: string | Uint8Array): Promise<NotificationAnswer>
}

export function createNotifier(certificates: CertificatePaths): Notifier {
  const agent = new Agent({
    connect: {
      ca: readFileSync(certificates.ca),
      cert: readFileSync(certificates.notifier.cert),
      key: readFileSync(certificates.notifier.key),
    },
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
  })
  return {
    async post(url, body) {
      try {
        const headers = { 'content-type': 'application/xml' }
        // A connection of its own each time: one kept open may belong to a webhook that has restarted since.
        const answer = await request(url, { method: 'POST', body, headers, dispatcher: agent, reset: true })
        await answer.body.dump()
        return { status: answer.statusCode, error: null }
      } catch (error) {
        return { status: null, error: error instanceof Error ? error.message : String(error) }
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}
