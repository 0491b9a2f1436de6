/** Authorizations: what a customer (or, for a CCA, the tariff) lets us fetch, and until when. Their tokens are never read. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { AuthorizationRow } from '../schemas/stage.ts'
import { readXmlElements, type XmlElement } from './xml-elements.ts'

const espi = 'http://naesb.org/espi'
const atom = 'http://www.w3.org/2005/Atom'

/** Above this an instant or a length is in milliseconds (domain.md 0.5): 1e11 s is the year 5138. */
const largestSeconds = 100_000_000_000n
/** What a timestamp of the lake can hold, in ms: the year 9999. */
const latest_ms = 253_402_300_799_999n

export interface Authorization extends AuthorizationRow {
  /** `resourceURI` as sent: what it opens. */
  readonly resourceUri: string | null
}

/**
 * Authorizations of an Atom feed or entry, in its order. Periods come in ms from PG&E, in s from others; `expires_at` in s.
 * Throws FEED_NOT_XML where the answer is neither.
 */
export function readAuthorizations(bytes: Uint8Array): readonly Authorization[] {
  const elements = parse(bytes)
  return elements.flatMap((element, at) =>
    element.name === 'Authorization' && element.namespace === espi ? readOne(elements, at) : [],
  )
}

function parse(bytes: Uint8Array): readonly XmlElement[] {
  try {
    return readXmlElements(bytes)
  } catch (error) {
    throw new MeterlakeError('FEED_NOT_XML', `the list of authorizations: ${(error as Error).message}`)
  }
}

function readOne(elements: readonly XmlElement[], at: number): readonly Authorization[] {
  const under = (parent: number, name: string): number =>
    elements.findIndex((element) => element.parent === parent && element.name === name && element.namespace === espi)
  const textOf = (index: number): string | null => elements[index]?.text.trim() || null
  const leaf = (name: string): string | null => textOf(under(at, name))
  const period = (name: string) => {
    const parent = under(at, name)
    if (parent < 0) return { start: null, end: null }
    return periodOf(textOf(under(parent, 'start')), textOf(under(parent, 'duration')))
  }
  const entry = ancestor(elements, at, 'entry')
  const ofEntry = (name: string): string | null =>
    textOf(elements.findIndex((one) => one.parent === entry && one.name === name && one.namespace === atom))
  const self = elements.find(({ parent, name, attributes }) => {
    return parent === entry && entry >= 0 && name === 'link' && attributes['rel'] === 'self'
  })?.attributes['href']
  const id = authorizationIdOf(self ?? '') ?? authorizationIdOf(leaf('authorizationURI') ?? '')
  if (id === undefined) return []
  const authorized = period('authorizedPeriod')
  const published = period('publishedPeriod')
  return [
    {
      authorizationId: id,
      gone: false,
      status: whole(leaf('status')),
      authorizedStartAt: authorized.start,
      authorizedEndAt: authorized.end,
      publishedStartAt: published.start,
      publishedEndAt: published.end,
      expiresAt: instantOf(leaf('expires_at')),
      scope: leaf('scope'),
      resource: pathOf(leaf('resourceURI')),
      customerResource: pathOf(leaf('customerResourceURI')),
      publishedAt: dateOf(ofEntry('published')),
      updatedAt: dateOf(ofEntry('updated')),
      resourceUri: leaf('resourceURI'),
    },
  ]
}

function ancestor(elements: readonly XmlElement[], from: number, name: string): number {
  let at = elements[from]?.parent ?? -1
  while (at >= 0 && elements[at]?.name !== name) at = elements[at]?.parent ?? -1
  return at
}

/** The id of an Authorization's URL; undefined for the collection and for what is none. */
export const authorizationIdOf = (url: string): string | undefined =>
  /\/Authorization\/([^/?#]+)(?:[?#].*)?$/.exec(url)?.[1]

/** Path without host and query: a URL's query may hold a token. */
const pathOf = (url: string | null): string | null =>
  url === null ? null : url.replace(/[?#].*$/, '').replace(/^[a-z]+:\/\/[^/]*/i, '')

const whole = (text: string | null): number | null => (text !== null && /^-?\d{1,6}$/.test(text) ? Number(text) : null)

const integer = (text: string | null): bigint | null =>
  text !== null && /^-?\d{1,18}$/.test(text) ? BigInt(text) : null

const toMs = (value: bigint): bigint => (value > largestSeconds ? value : value * 1000n)

function iso(ms: bigint): string | null {
  return ms > 0n && ms <= latest_ms ? new Date(Number(ms)).toISOString() : null
}

const instantOf = (text: string | null): string | null => {
  const value = integer(text)
  return value === null ? null : iso(toMs(value))
}

/** Start and length are in one unit: the start's, since a short length in ms looks like a long one in s. */
function periodOf(startText: string | null, durationText: string | null) {
  const start = integer(startText)
  const duration = integer(durationText)
  if (start === null) return { start: null, end: null }
  const unit = start > largestSeconds || (start <= 0n && (duration ?? 0n) > largestSeconds) ? 1n : 1000n
  return { start: iso(start * unit), end: duration === null ? null : iso((start + duration) * unit) }
}

function dateOf(text: string | null): string | null {
  // A date without zone is UTC: nothing else is known of it.
  const ms = text === null ? Number.NaN : Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
