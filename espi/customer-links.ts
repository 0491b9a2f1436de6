/** Who and what the links of an entry of a customer feed name. */
import { parseResourceUri, type ResourceUri, resourceId, resourcePath } from '../schemas/resource-uri.ts'
import type { Entry } from './entry.ts'
import { type Identity, resourceIdentity, subscriptionId } from './series-key.ts'

export interface CustomerLinks {
  /** Self link as sent. */
  readonly href: string
  /** The identity of a resource the self link, else the up link, names; null where neither does. */
  of(name: string): string | null
  /** The agreement is of the UsagePoint with its id (PG&E); elsewhere nothing is known of that. */
  readonly usagePointId: string | null
  /** Columns that every entry below a customer has. */
  readonly columns: Readonly<Record<'customer_id' | 'retail_customer_id' | 'href', string | null>>
}

/** Null where the entry has no self link that names a resource. */
export function customerLinks(entry: Entry, identity: Identity): CustomerLinks | null {
  const href = entry.self
  if (href === undefined) return null
  const uris = [entry.self, entry.up].flatMap((link) => (link === undefined ? [] : (parseResourceUri(link) ?? [])))
  if (uris.length === 0) return null
  const of = (name: string): string | null => {
    for (const uri of uris) {
      const id = identityIn(uri, name, identity)
      if (id !== null) return id
    }
    return null
  }
  return {
    href,
    of,
    usagePointId: identity === 'id' ? of('CustomerAgreement') : null,
    columns: { customer_id: of('Customer'), retail_customer_id: subscriptionId(href), href },
  }
}

/** The identity of the UsagePoint an href of a ServiceLocation names. */
export const usagePointOf = (href: string, identity: Identity): string | null =>
  resourceIdentity(href, 'UsagePoint', identity) ?? null

function identityIn(uri: ResourceUri, name: string, identity: Identity): string | null {
  const id = resourceId(uri, name)
  if (id === undefined || id === '') return null
  return identity === 'id' ? id : (resourcePath(uri, name) ?? null)
}
