/** The body of a notification: a BatchList of URLs (ESPI REQ.21, espiDerived.xsd `BatchListType`). */
import { createHash } from 'node:crypto'
import { MeterlakeError } from '../schemas/errors.ts'
import { readXmlElements } from './xml-elements.ts'

export const maxNotificationBytes = 1 << 20

const namespaces = new Set(['http://naesb.org/espi', 'http://naesb.org/espi/customer'])

/**
 * The URLs of a BatchList in order, trimmed, as often as they stand there. Either namespace, any prefix, bare or inside an
 * Atom entry, `resources` or the old `resource`, `BatchList` or `batchList`. An empty list is valid.
 * Throws NOTIFICATION_TOO_LARGE, NOTIFICATION_MALFORMED.
 */
export function readBatchList(bytes: Uint8Array): readonly string[] {
  if (bytes.length > maxNotificationBytes) {
    const message = `a notification of ${bytes.length} bytes exceeds ${maxNotificationBytes}`
    throw new MeterlakeError('NOTIFICATION_TOO_LARGE', message, { bytes: bytes.length })
  }
  const malformed = (why: string): MeterlakeError =>
    new MeterlakeError('NOTIFICATION_MALFORMED', `a notification of ${bytes.length} bytes: ${why}`, {
      bytes: bytes.length,
    })
  let elements: ReturnType<typeof readXmlElements>
  try {
    elements = readXmlElements(withoutLoggedNewlines(bytes))
  } catch (error) {
    throw malformed((error as Error).message)
  }
  const isList = (at: number): boolean => {
    const element = elements[at]
    return element !== undefined && /^batchList$/i.test(element.name) && namespaces.has(element.namespace)
  }
  if (!elements.some((_, at) => isList(at))) throw malformed('it has no BatchList')
  return elements
    .filter(({ name, namespace, parent }) => /^resources?$/.test(name) && namespaces.has(namespace) && isList(parent))
    .map(({ text }) => text.trim())
    .filter((url) => url !== '')
}

/** Value of the query's correlationID, byte for byte; null where there is none. */
export function correlationIdOf(url: string): string | null {
  return /[?&]correlationID=([^&#]+)/i.exec(url)?.[1] ?? null
}

/**
 * Id of a notification: SHA-256 (hex) of its URLs, one a line, in order; of the raw bytes where it lists none. A list with a
 * URL without correlationID says "something changed" each time it comes: there `nonce` counts too, so that it is new every time.
 */
export function notificationIdOf(bytes: Uint8Array, nonce = ''): string {
  let urls: readonly string[] = []
  try {
    urls = readBatchList(bytes)
  } catch {
    // malformed: its bytes identify it
  }
  return idOfList(urls, bytes, nonce)
}

export function idOfList(urls: readonly string[], bytes: Uint8Array, nonce: string): string {
  const hash = createHash('sha256')
  if (urls.length === 0) return hash.update(bytes).digest('hex')
  hash.update(urls.join('\n'))
  if (nonce !== '' && urls.some((url) => correlationIdOf(url) === null)) hash.update(`\n${nonce}`)
  return hash.digest('hex')
}

/** Some relays write the line break after the XML declaration, or at the end, as a backslash and an n. */
function withoutLoggedNewlines(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x5c)) return bytes
  const text = Buffer.from(bytes).toString('latin1')
  return Buffer.from(
    text.replace(/^(\s*<\?xml[^>]*\?>)(?:\\[nr]|\s)+/, '$1\n').replace(/(?:\\[nr]|\s)+$/, '\n'),
    'latin1',
  )
}
