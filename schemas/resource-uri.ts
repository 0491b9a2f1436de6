/**
 * ESPI resource URIs: one codec that parses and formats. Segments are kept byte for byte as they stand in the href
 * (`=` and `,` occur unescaped, `%3D` too): an identifier is text, never a number, never decoded.
 *
 * A URI is an optional prefix (scheme, host, base path), then alternating resource names and ids. A trailing name without
 * an id is a collection: `…/UsagePoint/1/MeterReading`.
 */
const resourceNames = new Set([
  'ApplicationInformation',
  'Authorization',
  'Batch',
  'Bulk',
  'BulkRetailCustomerInfo',
  'BulkRetailDRPrgInfo',
  'Customer',
  'CustomerAccount',
  'CustomerAgreement',
  'DemandResponseProgram',
  'ElectricPowerQualitySummary',
  'ElectricPowerUsageSummary',
  'EndDevice',
  'IntervalBlock',
  'LocalTimeParameters',
  'Meter',
  'MeterReading',
  'ProgramDateIdMapping',
  'ProgramDateIdMappings',
  'ProgramIdMapping',
  'ReadingType',
  'ReadServiceStatus',
  'RetailCustomer',
  'ServiceLocation',
  'ServiceSupplier',
  'Subscription',
  'UsagePoint',
  'UsageSummary',
  'User',
])

export interface ResourceSegment {
  readonly name: string
  /** Absent for a collection, which can only be last. */
  readonly id?: string
}

export interface ResourceUri {
  /** All before the first resource name, with its trailing slash if it had one; `''` for a relative href. */
  readonly prefix: string
  readonly segments: readonly ResourceSegment[]
  /** With its `?`; `''` if there is none. */
  readonly query: string
}

/** Parses an href. Returns undefined where it names no ESPI resource. */
export function parseResourceUri(href: string): ResourceUri | undefined {
  const queryAt = href.indexOf('?')
  const path = queryAt < 0 ? href : href.slice(0, queryAt)
  const parts = path.split('/')
  const first = parts.findIndex((part) => resourceNames.has(part))
  if (first < 0) return undefined
  const segments: ResourceSegment[] = []
  for (let at = first; at < parts.length; at += 2) {
    const name = parts[at] as string
    const id = parts[at + 1]
    segments.push(id === undefined ? { name } : { name, id })
  }
  return {
    prefix: parts
      .slice(0, first)
      .map((part) => `${part}/`)
      .join(''),
    segments,
    query: queryAt < 0 ? '' : href.slice(queryAt),
  }
}

/** The inverse of {@link parseResourceUri}: `formatResourceUri(parseResourceUri(x)) === x`. */
export function formatResourceUri(uri: ResourceUri): string {
  const path = uri.segments.map(({ name, id }) => (id === undefined ? name : `${name}/${id}`)).join('/')
  return `${uri.prefix}${path}${uri.query}`
}

/** The id of the last segment called `name`, e.g. the UsagePoint id of an IntervalBlock's href. */
export function resourceId(uri: ResourceUri, name: string): string | undefined {
  return uri.segments.findLast((segment) => segment.name === name)?.id
}

/** The path up to and including `name/id`, without prefix and query: an identity within one custodian. */
export function resourcePath(uri: ResourceUri, name: string): string | undefined {
  const at = uri.segments.findLastIndex((segment) => segment.name === name)
  if (at < 0 || uri.segments[at]?.id === undefined) return undefined
  return formatResourceUri({ prefix: '', segments: uri.segments.slice(0, at + 1), query: '' })
}
