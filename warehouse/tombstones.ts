/** What was erased, and must not come back: known by keyed hashes, which say nothing without the secret under the pii root. */
import type { EntrySpan } from '../schemas/entry-span.ts'
import type { Manifest, Tombstone } from '../schemas/manifest.ts'
import { parseResourceUri, resourceId, resourcePath } from '../schemas/resource-uri.ts'
import { type CustomerKey, openCustomerKey } from './customer-key.ts'
import type { Storage } from './storage.ts'

/** Bytes of a feed, `to` exclusive. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** Which bytes of a feed are not to be kept. */
export interface Tombstones {
  /** Ranges of an entry of a feed received at this moment (RFC 3339), in order. */
  rangesOf(span: EntrySpan, receivedAt: string): readonly ByteRange[]
  /** Whether any of them is about this usage point. */
  isAbout(usagePointId: string): boolean
}

/** A usage point as a tombstone knows it, by its id as the lake has it. */
export const usagePointMark = (key: CustomerKey, usagePointId: string): string =>
  key.of('erased', 'usage_point', usagePointId)

/** A customer as a tombstone knows it, by the opaque key the lake has for it. */
export const customerMark = (key: CustomerKey, customerKey: string): string => key.of('erased', 'customer', customerKey)

/** The tombstones of a manifest; undefined where it has none. Raises LAKE_CORRUPT where the secret is gone or another. */
export async function openTombstones(
  pii: Storage,
  manifest: Pick<Manifest, 'tombstones' | 'pii'> | undefined,
): Promise<Tombstones | undefined> {
  if (!manifest || manifest.tombstones.length === 0) return undefined
  return tombstonesOf(await openCustomerKey(pii, manifest.pii.keyCheck), manifest.tombstones)
}

/** Marks are made again for each of so many hrefs. */
const rememberedHrefs = 100_000

export function tombstonesOf(key: CustomerKey, tombstones: readonly Tombstone[]): Tombstones {
  const remembered = new Map<string, readonly string[]>()
  const marksOf = (href: string): readonly string[] => {
    const known = remembered.get(href)
    if (known) return known
    if (remembered.size >= rememberedHrefs) remembered.clear()
    const marks = marksIn(href, key)
    remembered.set(href, marks)
    return marks
  }
  const ordered = Map.groupBy(tombstones, ({ mark }) => mark)
  const retained = ordered.get(null) ?? []
  return {
    isAbout: (usagePointId) => ordered.has(usagePointMark(key, usagePointId)),
    rangesOf: (span, receivedAt) => {
      const marks = span.hrefs.flatMap(marksOf)
      const orders = marks.flatMap((mark) => ordered.get(mark) ?? [])
      const cuts = retained.filter(({ except }) => !except.some((mark) => marks.includes(mark)))
      if (
        orders.some((order) => isWhollyErased(span, order, receivedAt)) ||
        cuts.some((cut) => isWhollyBefore(span, cut, receivedAt))
      )
        return [{ from: span.from, to: span.to }]
      const until_ms = Math.max(...orders.map(millisecondsOf))
      const cut_ms = Math.max(...cuts.map(millisecondsOf))
      return span.readings.filter(
        ({ startS }) => startS * 1000 < cut_ms || (orders.length > 0 && !(startS * 1000 >= until_ms)),
      )
    },
  }
}

const millisecondsOf = ({ until }: Tombstone): number => Date.parse(until ?? '')

/** Marks of all an href leads to: the lake may know a usage point, and a customer, by id or by path. */
function marksIn(href: string, key: CustomerKey): string[] {
  const uri = parseResourceUri(href)
  if (!uri) return []
  const usagePoints = [
    resourceId(uri, 'UsagePoint'),
    resourcePath(uri, 'UsagePoint'),
    resourceId(uri, 'CustomerAgreement'),
  ]
  const customers = [resourceId(uri, 'Customer'), resourcePath(uri, 'Customer')]
  return [
    ...usagePoints.filter(isId).map((id) => usagePointMark(key, id)),
    ...customers.filter(isId).map((id) => customerMark(key, key.of('customer', id))),
  ]
}

const isId = (id: string | undefined): id is string => id !== undefined && id !== ''

/** What was received before the order goes; of what comes later that which is dated before it. */
function isWhollyErased(span: EntrySpan, { at, until }: Tombstone, receivedAt: string): boolean {
  if (until === null || Date.parse(receivedAt) <= Date.parse(at) || !span.isWhole) return true
  const until_ms = Date.parse(until)
  if (span.readings.length > 0) return span.readings.every(({ startS }) => !(startS * 1000 >= until_ms))
  return span.published === null || !(Date.parse(span.published) > until_ms)
}

/** Readings and bills whose time is over; where a feed cannot be read, by when it came. */
function isWhollyBefore(span: EntrySpan, cut: Tombstone, receivedAt: string): boolean {
  const until_ms = millisecondsOf(cut)
  if (!span.isWhole) return Date.parse(receivedAt) < until_ms
  if (span.readings.length > 0) return span.readings.every(({ startS }) => startS * 1000 < until_ms)
  return span.billedToS * 1000 <= until_ms
}
