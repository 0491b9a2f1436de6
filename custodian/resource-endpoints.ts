/** The URLs of a profile: those we ask, and those a notification may name. */
import type { NotifiedResource } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'

type Feed = NotifiedResource['feed']

/** URL of a bulk resource with its id filled in, no query. */
export function bulkUrl(profile: Profile, feed: 'usage' | 'customer' | 'program', bulkId: string): string {
  const { bulk, bulkCustomer, bulkProgram } = profile.endpoints
  const template = { usage: bulk, customer: bulkCustomer, program: bulkProgram }[feed]
  return absolute(profile, template).replace('{bulkId}', encodeURIComponent(bulkId))
}

export const serviceStatusUrl = (profile: Profile): string => absolute(profile, profile.endpoints.serviceStatus)

export const sampleDataUrl = (profile: Profile): string => absolute(profile, 'DownloadSampleData')

/** One Authorization, or without id the list. `id` is a segment as it stands in an href. */
export const authorizationUrl = (profile: Profile, id?: string): string =>
  absolute(profile, id === undefined ? 'Authorization' : `Authorization/${id}`)

export const applicationUrl = (profile: Profile, id: string): string =>
  absolute(profile, `ApplicationInformation/${encodeURIComponent(id)}`)

/** Paths under the resource base that stand in notifications (ESPI REQ.21), `*` one segment, `**` the rest. */
const knownPaths: readonly (readonly [string, Feed])[] = [
  ['Batch/Bulk/*', 'usage'],
  ['Batch/BulkRetailCustomerInfo/*', 'customer'],
  ['Batch/BulkRetailDRPrgInfo/*', 'program'],
  ['Batch/Subscription/*', 'usage'],
  ['Batch/Subscription/*/**', 'usage'],
  ['Batch/RetailCustomer/*', 'customer'],
  ['Batch/RetailDRPrgInfo/*', 'program'],
  ['Subscription/*/**', 'usage'],
  ['Authorization', 'authorization'],
  ['Authorization/*', 'authorization'],
]

export interface AllowedUrl {
  /** Lower-case host and port, `:443` left out. */
  readonly authority: string
  /** Segments, `*` for any one, `**` for one or more to the end. */
  readonly path: readonly string[]
  readonly feed: Feed
}

/** The allow-list: the profile's own templates first, then the paths of the standard under its resource base. */
export function allowedUrls(profile: Profile): readonly AllowedUrl[] {
  const { bulk, bulkCustomer, bulkProgram } = profile.endpoints
  const own: readonly (readonly [string, Feed])[] = [
    [bulkCustomer, 'customer'],
    [bulkProgram, 'program'],
    [bulk, 'usage'],
  ]
  return [...own, ...knownPaths].map(([template, feed]) => {
    const url = absolute(profile, template.replace('{bulkId}', '*'))
    const [, authority = '', path = ''] = /^https:\/\/([^/]+)\/(.*)$/i.exec(url) ?? []
    return { authority: normalAuthority(authority), path: path.split('/'), feed }
  })
}

export const normalAuthority = (authority: string): string => authority.toLowerCase().replace(/:443$/, '')

function absolute(profile: Profile, template: string): string {
  return /^https:\/\//i.test(template) ? template : `${profile.endpoints.resource}/${template.replace(/^\/+/, '')}`
}
