/** ApplicationInformation: what the custodian has registered of us. Its secrets are read by nobody. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { ApplicationFacts } from '../schemas/application.ts'
import { readXmlElements } from './xml-elements.ts'

const espi = 'http://naesb.org/espi'

/**
 * The facts of an ApplicationInformation entry (or bare element). `client_secret` and `registration_access_token` are left
 * in the bytes, which the caller drops. Throws FEED_NOT_XML, FEED_WRONG_ROOT.
 */
export function readApplicationInformation(bytes: Uint8Array): ApplicationFacts {
  let elements: ReturnType<typeof readXmlElements>
  try {
    elements = readXmlElements(bytes)
  } catch (error) {
    throw new MeterlakeError('FEED_NOT_XML', `ApplicationInformation: ${(error as Error).message}`)
  }
  const at = elements.findIndex(({ name, namespace }) => name === 'ApplicationInformation' && namespace === espi)
  if (at < 0) throw new MeterlakeError('FEED_WRONG_ROOT', 'ApplicationInformation: the answer holds none')
  const leaf = (name: string): string | null =>
    elements.find((element) => element.parent === at && element.name === name)?.text.trim() || null
  const status = leaf('dataCustodianApplicationStatus')
  return {
    status: status !== null && /^\d{1,3}$/.test(status) ? Number(status) : null,
    clientId: leaf('client_id'),
    notifyUri: leaf('thirdPartyNotifyUri'),
    bulkRequestUri: leaf('dataCustodianBulkRequestURI'),
    resourceEndpoint: leaf('dataCustodianResourceEndpoint'),
    tokenEndpoint: leaf('authorizationServerTokenEndpoint'),
    clientSecretExpiresAt: expiry(leaf('client_secret_expires_at')),
  }
}

/** 0 means never (RFC 7591); seconds by the standard, milliseconds seen beside it. */
function expiry(text: string | null): string | null {
  if (text === null || !/^\d{1,15}$/.test(text) || Number(text) === 0) return null
  const value = Number(text)
  return new Date(value > 1e11 ? value : value * 1000).toISOString()
}

/** The last segment of `…/Batch/Bulk/{id}`: the bulk id as it is told, never derived from the client id. */
export const bulkIdOf = (uri: string): string | undefined => {
  const segment = /\/Batch\/Bulk\/([^/?#]+)/.exec(uri)?.[1]
  if (segment === undefined) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The id of our ApplicationInformation as a resourceURI names it. */
export const applicationIdOf = (uri: string): string | undefined => /\/ApplicationInformation\/([^/?#]+)/.exec(uri)?.[1]
