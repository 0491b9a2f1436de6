/** What a body is, told by its first bytes: gateways answer 200 with text, HTML or nothing at all. */

export type BodyKind = 'usage' | 'customer' | 'xml' | 'html' | 'json' | 'text' | 'gzip' | 'zip' | 'empty'

/** Enough to reach the namespaces of the first entry, however long the head of the feed. */
export const sniffBytes = 65_536

const customerNamespace = /["']http:\/\/naesb\.org\/espi\/customer["']/
const usageNamespace = /["']http:\/\/naesb\.org\/espi["']/

/**
 * Kind of a body from its first {@link sniffBytes}. `customer` wherever the customer namespace is declared, even beside the
 * usage one: doubt goes to the private side. `xml`: neither namespace is in sight (an empty feed, another document).
 */
export function sniff(head: Uint8Array): BodyKind {
  const [first, second] = head
  if (first === 0x1f && second === 0x8b) return 'gzip'
  if (first === 0x50 && second === 0x4b && (head[2] === 3 || head[2] === 5)) return 'zip'
  // UTF-16: the reader refuses it by name
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return 'xml'
  const text = new TextDecoder().decode(head.subarray(0, sniffBytes)).trimStart()
  if (text === '') return 'empty'
  if (/^<(!doctype\s+html|html)\b/i.test(text) || /^<\?xml[^>]*\?>\s*<(!doctype\s+html|html)\b/i.test(text))
    return 'html'
  if (/^<[?!A-Za-z_:]/.test(text)) {
    if (customerNamespace.test(text)) return 'customer'
    return usageNamespace.test(text) ? 'usage' : 'xml'
  }
  return /^[{[]/.test(text) ? 'json' : 'text'
}
