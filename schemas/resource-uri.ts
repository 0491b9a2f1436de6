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

/** What stood before the first resource name last time: hrefs of a feed share it. Ends with a slash. */
let lastPrefix = ''

/** Parses an href. Returns undefined where it names no ESPI resource. */
export function parseResourceUri(href: string): ResourceUri | undefined {
  const queryAt = href.indexOf('?')
  const path = queryAt < 0 ? href : href.slice(0, queryAt)
  const isShared = path.startsWith(lastPrefix)
  let from = isShared ? lastPrefix.length : 0
  // the first part that is a resource name: what comes before it is the prefix
  let to = partEnd(path, from)
  while (!resourceNames.has(path.slice(from, to))) {
    if (to === path.length) return undefined
    from = to + 1
    to = partEnd(path, from)
  }
  if (!isShared || from !== lastPrefix.length) lastPrefix = path.slice(0, from)
  const segments: ResourceSegment[] = []
  for (let at = from; at <= path.length;) {
    const nameEnd = partEnd(path, at)
    const name = path.slice(at, nameEnd)
    const idEnd = nameEnd === path.length ? nameEnd : partEnd(path, nameEnd + 1)
    segments.push(nameEnd === path.length ? { name } : { name, id: path.slice(nameEnd + 1, idEnd) })
    at = idEnd + 1
  }
  return { prefix: lastPrefix, segments, query: queryAt < 0 ? '' : href.slice(queryAt) }
}

function partEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash < 0 ? path.length : slash
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
