/** A short, harmless piece of an answer's body: enough to see what the gateway meant, nothing to leak. */

const maxCharacters = 160

const masks: readonly (readonly [RegExp, string])[] = [
  // query strings hold dates at best and tokens at worst
  [/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, '$1?[…]'],
  [/\b(bearer|basic)\s+\S+/gi, '$1 […]'],
  [/((?:token|secret|password|assertion)\w*["']?\s*[:=>]\s*["']?)[^\s"'<>,&}]+/gi, '$1[…]'],
  [/[^\s"'<>]+@[^\s"'<>]+/g, '[…]'],
  // keys, tokens, UUIDs, account numbers
  [/[\w+/=-]*\d[\w+/=-]{11,}|[\w+/=-]{28,}|\d{5,}/g, '[…]'],
]

/**
 * The first characters of a body as one line: markup, control characters and whatever looks like a secret, an address or an
 * identifier removed, as well as `secrets` verbatim.
 */
export function excerptOf(body: Uint8Array, secrets: readonly string[] = []): string {
  let text = new TextDecoder().decode(body.subarray(0, 4096))
  for (const secret of secrets) if (secret.length > 0) text = text.replaceAll(secret, '[…]')
  for (const [pattern, replacement] of masks) text = text.replace(pattern, replacement)
  text = text
    .replaceAll(/<(script|style)\b[\s\S]*?<\/\1>|<[^>]*>?/gi, ' ')
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`
}
