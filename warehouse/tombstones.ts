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
}

/** A usage point as a tombstone knows it, by its id as the lake has it. */
export const usagePointMark = (key: CustomerKey, usagePointId: string): string =>
  key.of('erased', 'usage_point', usagePointId)

/** The tombstones of a manifest; undefined where it has none. Raises LAKE_CORRUPT where the secret is gone or another. */
export async function openTombstones(
  pii: Storage,
  manifest: Pick<Manifest, 'tombstones' | 'pii'> | undefined,
): Promise<Tombstones | undefined> {
  if (!manifest || manifest.tombstones.length === 0) return undefined
  return tombstonesOf(await openCustomerKey(pii, manifest.pii.keyCheck), manifest.tombstones)
}

export function tombstonesOf(key: CustomerKey, tombstones: readonly Tombstone[]): Tombstones {
  const byMark = Map.groupBy(tombstones, ({ mark }) => mark)
  const known = new Map<string, readonly Tombstone[]>()
  const ofHref = (href: string): readonly Tombstone[] => {
    const found = new Set(
      usagePointsOf(href).flatMap((id) => {
        let marked = known.get(id)
        if (!marked) {
          marked = byMark.get(usagePointMark(key, id)) ?? []
          if (known.size > 100_000) known.clear()
          known.set(id, marked)
        }
        return marked
      }),
    )
    return [...found]
  }
  return {
    rangesOf: (span, receivedAt) => {
      const orders = span.hrefs.flatMap(ofHref)
      if (orders.some((order) => isWhollyErased(span, order, receivedAt))) return [{ from: span.from, to: span.to }]
      if (orders.length === 0) return []
      const until_ms = Math.max(...orders.map(({ until }) => Date.parse(until ?? '')))
      return span.readings.filter(({ startS }) => !(startS * 1000 >= until_ms))
    },
  }
}

/** Both ways in which a lake may know the usage point an href leads to: its id, and its path. */
function usagePointsOf(href: string): string[] {
  const uri = parseResourceUri(href)
  if (!uri) return []
  const ids = [resourceId(uri, 'UsagePoint'), resourcePath(uri, 'UsagePoint'), resourceId(uri, 'CustomerAgreement')]
  return ids.filter((id): id is string => id !== undefined && id !== '')
}

/** What was received before the order goes; of what comes later that which is dated before it. */
function isWhollyErased(span: EntrySpan, { at, until }: Tombstone, receivedAt: string): boolean {
  if (until === null || Date.parse(receivedAt) <= Date.parse(at) || !span.isWhole) return true
  const until_ms = Date.parse(until)
  if (span.readings.length > 0) return span.readings.every(({ startS }) => !(startS * 1000 >= until_ms))
  return span.published === null || !(Date.parse(span.published) > until_ms)
}
