/** One request for one Authorization or the list of them, and what it told into staging. */
import { activityInfo, cancellationSignal, log } from '@temporalio/activity'
import { authorizationIdOf } from '../custodian/authorization.ts'
import { isMeterlakeError } from '../schemas/errors.ts'
import type { IngestResourceInput } from '../schemas/ingest.ts'
import type { AuthorizationRow } from '../schemas/stage.ts'
import type { Deps } from './deps.ts'
import { startHeartbeat } from './heartbeat.ts'

/**
 * Answers how many rows it staged; the publish keeps those that changed. 404 for one means that it is gone: it is staged as such.
 * Fails with TOKEN_EXPIRED (403: also "not entitled"), REQUEST_REFUSED, FEED_NOT_XML, CUSTODIAN_UNAVAILABLE, ….
 */
export const fetchAuthorization =
  (deps: Deps) =>
  async ({ resource }: IngestResourceInput): Promise<{ readonly staged: number }> => {
    using _heartbeat = startHeartbeat(null)
    const id = authorizationIdOf(resource.url)
    const observedAt = new Date().toISOString()
    const rows = await fetchRows(deps, id)
    if (rows.length > 0) await deps.lake.stageAuthorizations(observedAt, rows)
    log.info('authorizations were told', { staged: rows.length, attempt: activityInfo().attempt })
    return { staged: rows.length }
  }

async function fetchRows(deps: Deps, id: string | undefined): Promise<readonly AuthorizationRow[]> {
  try {
    const told = await deps.custodian.authorizations({ ...(id !== undefined && { id }), signal: cancellationSignal() })
    return told.map(({ resourceUri: _withHost, ...row }) => row)
  } catch (error) {
    const isGone = isMeterlakeError(error) && (error.code === 'RESOURCE_GONE' || error.code === 'NO_DATA')
    if (!isGone || id === undefined) throw error
    return [goneAuthorization(id)]
  }
}

const goneAuthorization = (authorizationId: string): AuthorizationRow => ({
  authorizationId,
  gone: true,
  status: null,
  authorizedStartAt: null,
  authorizedEndAt: null,
  publishedStartAt: null,
  publishedEndAt: null,
  expiresAt: null,
  scope: null,
  resource: null,
  customerResource: null,
  publishedAt: null,
  updatedAt: null,
})
