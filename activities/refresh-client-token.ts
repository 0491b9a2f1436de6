import { cancellationSignal } from '@temporalio/activity'
import type { TokenHandle } from '../schemas/ingest.ts'
import type { Deps } from './deps.ts'
import { startHeartbeat } from './heartbeat.ts'

/** One token request; the token goes into the store, its handle to the caller. Fails with TOKEN_REFUSED, CERTIFICATE_REFUSED, …. */
export const refreshClientToken = (deps: Deps) => async (): Promise<TokenHandle> => {
  using _heartbeat = startHeartbeat(null)
  return await deps.custodian.refreshToken({ signal: cancellationSignal() })
}
