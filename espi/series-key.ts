/** Identities out of hrefs, and the key of a series. */
import { hash } from 'node:crypto'
import { parseResourceUri, type ResourceUri, resourceId, resourcePath } from '../schemas/resource-uri.ts'

/** `id`: the UsagePoint id alone identifies it (PG&E); `path`: the whole path does. */
export type Identity = 'id' | 'path'

/** What identifies a MeterReading within a custodian. */
export interface SeriesIdentity {
  readonly usagePointId: string
  readonly meterReadingId: string
  /** Prefix and path up to the MeterReading id. */
  readonly href: string
}

const identityOf = (uri: ResourceUri, name: string, identity: Identity): string | undefined => {
  const id = resourceId(uri, name)
  if (id === undefined || id === '') return undefined
  return identity === 'id' ? id : resourcePath(uri, name)
}

/** The identity of a resource called `name` in an href; undefined where the href names none. */
export function resourceIdentity(href: string, name: string, identity: Identity): string | undefined {
  const uri = parseResourceUri(href)
  return uri === undefined ? undefined : identityOf(uri, name, identity)
}

/**
 * The MeterReading an href names or lies under: `…/UsagePoint/1/MeterReading/2[/IntervalBlock[/3]]`. Undefined where it names no
 * MeterReading with an id, or no UsagePoint.
 */
export function seriesIdentity(href: string, identity: Identity): SeriesIdentity | undefined {
  const uri = parseResourceUri(href)
  if (uri === undefined) return undefined
  let usagePointId: string | undefined
  let meterReadingId: string | undefined
  let meterReadingEnd = 0
  const { length } = uri.prefix
  let end = length
  for (const { name, id } of uri.segments) {
    if (id === undefined) break
    end += name.length + 1 + id.length
    if (name === 'UsagePoint') usagePointId = id === '' ? undefined : identity === 'id' ? id : href.slice(length, end)
    else if (name === 'MeterReading') {
      meterReadingId = id
      meterReadingEnd = end
    }
    end += 1
  }
  // a trailing collection has no id: `…/UsagePoint/1/MeterReading` names no MeterReading
  const last = uri.segments.at(-1)
  if (last?.id === undefined && (last?.name === 'UsagePoint' || last?.name === 'MeterReading')) return undefined
  if (usagePointId === undefined || meterReadingId === undefined || meterReadingId === '') return undefined
  return { usagePointId, meterReadingId, href: href.slice(0, meterReadingEnd) }
}

/** Id of the Subscription, or of what stands in its place (RetailCustomer, User). */
export function subscriptionId(href: string): string | null {
  const uri = parseResourceUri(href)
  if (uri === undefined) return null
  for (const name of ['Subscription', 'RetailCustomer', 'User']) {
    const id = resourceId(uri, name)
    if (id !== undefined && id !== '') return id
  }
  return null
}

/**
 * Key of a series: the last 63 bits of SHA-256 of `usagePointId \0 meterReadingId`, and `\0 readingTypeId` where one feed gives
 * one MeterReading several ReadingTypes; as a decimal string, 0…2^63−1.
 */
export function seriesKey(usagePointId: string, meterReadingId: string, readingTypeId?: string | null): string {
  const tail = readingTypeId === undefined || readingTypeId === null ? '' : `\0${readingTypeId}`
  const digest = hash('sha256', `${usagePointId}\0${meterReadingId}${tail}`, 'buffer')
  return String(digest.readBigUInt64BE(24) & 0x7fff_ffff_ffff_ffffn)
}
