/** Complete stages that wait for their commit, and those whose commit has already happened. */
import type { Manifest } from '../schemas/manifest.ts'
import {
  stageSchema,
  type StagedAlias,
  type StagedAuthorizations,
  type StagedLoadRecord,
  type StagedNotification,
  type StagedRequest,
  type StagedRoster,
} from '../schemas/stage.ts'
import { spentDecisions } from './alias-decisions.ts'
import { type ChangedAuthorization, changedAuthorizations } from './authorizations.ts'
import { literal } from './columns.ts'
import { readTable } from './commit-session.ts'
import type { Database } from './database.ts'
import { folders, parsePath } from './paths.ts'
import { spentRosters } from './rosters.ts'
import type { Storage } from './storage.ts'
import { integerOf, textOf } from './row-values.ts'

export interface StageQueue {
  readonly loads: readonly StagedLoadRecord[]
  readonly notifications: readonly StagedNotification[]
  /** Versions of Authorizations that are new or different, in the order in which they were seen. */
  readonly authorizations: readonly ChangedAuthorization[]
  readonly requests: readonly StagedRequest[]
  /** One for a day: the last that was staged. */
  readonly rosters: readonly StagedRoster[]
  /** What operators decided of series, in the order in which they did. */
  readonly aliases: readonly StagedAlias[]
  /** Folder names of all of these. */
  readonly ids: readonly string[]
  /** Folders whose commit happened, and whose removal did not; or that hold nothing new. */
  readonly spent: readonly string[]
}

const instantsOf = (text: string): number => Date.parse(text)

/** Reads all complete stages, loads in order of load_id, and sets apart those the ledger of `parent` knows. */
export async function readStageQueue(lake: Storage, db: Database, parent: Manifest): Promise<StageQueue> {
  const loads = new Map<string, StagedLoadRecord>()
  const notifications = new Map<string, StagedNotification>()
  const authorizations = new Map<string, StagedAuthorizations>()
  const requests = new Map<string, StagedRequest>()
  const rosters = new Map<string, StagedRoster>()
  const aliases = new Map<string, StagedAlias>()
  for (const path of await lake.list(folders.staging)) {
    const parsed = parsePath(path)
    if (parsed?.kind !== 'stage') continue
    const content = await lake.get(path)
    if (!content) continue
    const stage = stageSchema.parse(JSON.parse(content.toString('utf8')))
    if (stage.stage === 'load') loads.set(parsed.id, stage)
    else if (stage.stage === 'notification') notifications.set(parsed.id, stage)
    else if (stage.stage === 'authorization') authorizations.set(parsed.id, stage)
    else if (stage.stage === 'request') requests.set(parsed.id, stage)
    else if (stage.stage === 'roster') rosters.set(parsed.id, stage)
    else aliases.set(parsed.id, stage)
  }
  const spent = new Set<string>()
  if (loads.size > 0) {
    const ids = [...loads.values()].map((load) => literal(load.loadId)).join(', ')
    const rows = await db.rows(
      `SELECT load_id, status, epoch_ms(received_at)::VARCHAR AS received_ms
       FROM (${readTable(lake, parent, 'load')}) WHERE load_id IN (${ids})`,
    )
    for (const [id, load] of loads)
      if (
        rows.some(
          (row) =>
            row['load_id'] === load.loadId &&
            ((row['status'] !== 'failed' && row['status'] !== 'archived') ||
              (load.status === 'failed' && integerOf(row, 'received_ms') === instantsOf(load.receivedAt))),
        )
      )
        spent.add(id)
  }
  if (notifications.size > 0) {
    const rows = await db.rows(
      `SELECT notification_id, epoch_ms(received_at)::VARCHAR AS received_ms
       FROM (${readTable(lake, parent, 'notification')})`,
    )
    const known = new Set(rows.map((row) => `${textOf(row, 'notification_id')} ${textOf(row, 'received_ms')}`))
    for (const [id, stage] of notifications)
      if (known.has(`${stage.notificationId} ${instantsOf(stage.receivedAt)}`)) spent.add(id)
  }
  const changed = await changedAuthorizations(lake, db, parent, authorizations)
  for (const [id, rows] of changed) if (rows.length === 0) spent.add(id)
  if (requests.size > 0) {
    const ids = [...requests.values()].map(({ requestId }) => literal(requestId)).join(', ')
    const rows = await db.rows(
      `SELECT request_id, status FROM (${readTable(lake, parent, 'request')})
       WHERE request_id IN (${ids})`,
    )
    const known = new Set(rows.map((row) => `${textOf(row, 'request_id')} ${textOf(row, 'status')}`))
    for (const [id, stage] of requests) if (known.has(`${stage.requestId} ${stage.status}`)) spent.add(id)
  }
  for (const id of await spentRosters(lake, db, parent, rosters)) spent.add(id)
  for (const id of await spentDecisions(lake, db, parent, aliases)) spent.add(id)
  const waiting = <T>(stages: Map<string, T>): [string, T][] => [...stages].filter(([id]) => !spent.has(id))
  return {
    loads: waiting(loads)
      .map(([, load]) => load)
      .sort((a, b) => (a.loadId < b.loadId ? -1 : 1)),
    notifications: waiting(notifications).map(([, stage]) => stage),
    authorizations: [...changed.values()].flat(),
    requests: waiting(requests).map(([, stage]) => stage),
    rosters: waiting(rosters).map(([, stage]) => stage),
    aliases: waiting(aliases)
      .map(([, stage]) => stage)
      .sort((a, b) => Date.parse(a.decidedAt) - Date.parse(b.decidedAt)),
    ids: [loads, notifications, authorizations, requests, rosters, aliases].flatMap((stages) =>
      waiting<unknown>(stages).map(([id]) => id),
    ),
    spent: [...spent],
  }
}
