/** Takes out of a text what must not be stored: the last line of defence, not the first. */

const longestText = 1_000

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w\-.~+/=]+/gi, '$1 …'],
  [
    /("?\b(?:client_)?(?:access_token|refresh_token|client_secret|secret|password|passphrase)"?\s*[=:]\s*"?)[^\s"&,;<}]+/gi,
    '$1…',
  ],
  [/(<(?:\w+:)?(?:client_)?(?:access_token|refresh_token|client_secret)>)[^<]*/gi, '$1…'],
  [/(\bhttps?:\/\/)[^\s/@"'<>]+@/gi, '$1'],
  [/(\bhttps?:\/\/[^\s?#"'<>]+)[?#][^\s"'<>]*/gi, '$1?…'],
  [/-----BEGIN [^-]+-----[\s\S]*?(?:-----END [^-]+-----|$)/g, '…'],
]

/** The text without tokens, secrets, credentials and URL queries, at most 1,000 characters. */
export function redact(text: string): string {
  const clean = patterns.reduce((at, [pattern, replacement]) => at.replace(pattern, replacement), text)
  return clean.length <= longestText ? clean : `${clean.slice(0, longestText)}…`
}
