/** A commit that is made again: what it brought. */
import type { NotificationRecord } from '../schemas/ingest.ts'
import type { RequestRecord } from '../schemas/pull.ts'
import type { AuthorizationRow } from '../schemas/stage.ts'

/** A feed as it was loaded. */
export interface ReplayLoad {
  readonly sha256: string
  readonly root: 'lake' | 'pii'
  readonly receivedAt: string
  /** Size as received. */
  readonly bytes: number
  readonly source: 'file' | 'notification'
  readonly sourceName: string
  readonly notificationId: string | null
  readonly correlationId: string | null
  /** Name of the custodian's profile; null: not known. */
  readonly profile: string | null
}

/** What became known together. */
export interface ReplayCommit {
  readonly n: number
  /** RFC 3339; null: as soon after the one before as can be. */
  readonly knownAt: string | null
  readonly loads: readonly ReplayLoad[]
  readonly notifications: readonly NotificationRecord[]
  readonly requests: readonly RequestRecord[]
  readonly authorizations: readonly { readonly observedAt: string; readonly rows: readonly AuthorizationRow[] }[]
}
