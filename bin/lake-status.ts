/** What runs for a lake, what was loaded last, what waits to be fetched: asked of those who know, nothing is guessed. */
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { withInterceptors } from './client-interceptors.ts'
import { openSpool } from '../custodian/spool.ts'
import type { Config } from '../schemas/config.ts'
import type { DailyFeed } from '../schemas/gaps.ts'
import { taskQueues, workflowNames } from '../schemas/orchestration.ts'
import type { Value } from '../warehouse/database.ts'
import { folders } from '../warehouse/paths.ts'
import { readRows, tryOpenViews } from '../warehouse/query.ts'
import { type ParkedPackage, readOperatorWork } from './parked-packages.ts'
import { readGaps } from './read-gaps.ts'
import { readRosterStatus, type RosterStatus } from './roster-status.ts'
import type { OutputColumn } from './row-format.ts'
import { temporalConnection } from '../temporal.config.ts'
import { runningTemporalAddress } from './temporal-server.ts'
import { spoolFolder } from './webhook.ts'

export interface RoleStatus {
  readonly role: 'temporal' | 'worker' | 'webhook' | 'ingest'
  readonly state: 'up' | 'down' | 'idle' | 'not configured'
  readonly detail: string
}

export interface LakeStatus {
  readonly lake: string
  readonly roles: readonly RoleStatus[]
  /** Latest first, columns as in `ops.load`. */
  readonly loads: { readonly columns: readonly OutputColumn[]; readonly rows: readonly (readonly Value[])[] }
  /** Packages that wait for an operator; oldest first. */
  readonly parked: readonly ParkedPackage[]
  /** When the oldest notification came whose packages are not all fetched; null: none waits. */
  readonly oldestUnfetchedAt: Date | null
  /** Notifications whose packages were never all fetched, and are gone. */
  readonly lost: number
  /** Operating days that are due and have not come. */
  readonly missingDays: Readonly<Record<DailyFeed, number>>
  /** Null: no roster was ever imported. */
  readonly roster: RosterStatus | null
}

interface TemporalStatus {
  readonly parked: readonly ParkedPackage[]
  readonly roles: readonly RoleStatus[]
  readonly waitingSince: readonly Date[]
}

/** A server that does not answer in this time is not there. */
const probeTimeoutMs = 3_000

/** The status of a lake with its last `loadCount` loads. */
export async function readStatus(config: Config, loadCount: number): Promise<LakeStatus> {
  const [temporal, webhook, spooled, ledger] = await Promise.all([
    readTemporal(config),
    readWebhook(config),
    spooledSince(config),
    readLedger(config, loadCount),
  ])
  const waiting = [...temporal.waitingSince, ...spooled, ...ledger.waitingSince].map(Number)
  return {
    lake: config.lake.dir,
    roles: [...temporal.roles, webhook],
    parked: temporal.parked,
    loads: ledger.loads,
    oldestUnfetchedAt: waiting.length === 0 ? null : new Date(Math.min(...waiting)),
    lost: ledger.lost,
    missingDays: ledger.missingDays,
    roster: ledger.roster,
  }
}

const down = (detail: string): TemporalStatus => ({
  parked: [],
  roles: [
    { role: 'temporal', state: 'down', detail },
    { role: 'worker', state: 'down', detail: 'no Temporal server to ask' },
  ],
  waitingSince: [],
})

async function readTemporal(config: Config): Promise<TemporalStatus> {
  const address = config.temporal.address ?? (await runningTemporalAddress(join(config.lake.dir, folders.state)))
  if (address === undefined) return down('no embedded server runs for this lake')
  const settings = config.temporal.address === undefined ? { address } : temporalConnection(config)
  const connection = await Connection.connect(
    withInterceptors({
      ...settings,
      connectTimeout: probeTimeoutMs,
    }),
  ).catch(() => undefined)
  if (connection === undefined) return down(`${address} does not answer`)
  try {
    const { namespace } = config.temporal
    const client = new Client({ connection, namespace })
    return await connection.withDeadline(Date.now() + probeTimeoutMs, async () => {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: taskQueues.orchestrate },
      })
      const waitingSince: Date[] = []
      const query = `WorkflowType = '${workflowNames.ingestNotification}' AND ExecutionStatus = 'Running'`
      for await (const { startTime } of client.workflow.list({ query })) waitingSince.push(startTime)
      const workers = pollers?.length ?? 0
      const parked = await readOperatorWork(client, workers > 0)
      return {
        roles: [
          { role: 'temporal', state: 'up', detail: `${address}, namespace ${namespace}` },
          { role: 'worker', state: workers > 0 ? 'up' : 'down', detail: `polled by ${workers} in the last minutes` },
          {
            role: 'ingest',
            state: waitingSince.length > 0 ? 'up' : 'idle',
            detail: `${waitingSince.length} under way`,
          },
        ],
        waitingSince,
        parked,
      }
    })
  } catch {
    return down(`${address} does not answer`)
  } finally {
    await connection.close()
  }
}

async function readWebhook({ webhook }: Config): Promise<RoleStatus> {
  if (webhook === undefined) return { role: 'webhook', state: 'not configured', detail: 'no [webhook] section' }
  const [host = '', port = ''] = webhook.listen.split(':')
  const listens = await new Promise<boolean>((resolve) => {
    const socket = connect({
      host: host === '0.0.0.0' ? '127.0.0.1' : host,
      port: Number(port),
      timeout: probeTimeoutMs,
    })
    const answer = (open: boolean) => () => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false))
  })
  return { role: 'webhook', state: listens ? 'up' : 'down', detail: `${webhook.listen}${webhook.path}` }
}

/** When the notifications came that wait in the spool because Temporal was away. */
async function spooledSince(config: Config): Promise<Date[]> {
  if (!existsSync(spoolFolder(config))) return []
  await using spool = await openSpool(spoolFolder(config))
  return (await spool.list('new')).map(({ receivedAt }) => new Date(receivedAt))
}

const loadColumns =
  'load_id, known_at, status, source_name, bytes, n_readings, n_revised, n_quarantined, local_date_min, local_date_max'

interface Lacking extends Pick<LakeStatus, 'lost' | 'missingDays'> {
  readonly waitingSince: readonly Date[]
}

const nothingLacking: Lacking = { waitingSince: [], lost: 0, missingDays: { usage: 0, customer: 0 } }

/** Packages of the last days that are known and not in the lake, nor made up for by a later request; days that never came. */
async function readLacking(config: Config): Promise<Lacking> {
  if (config.custodian === undefined) return nothingLacking
  const { packages, days } = await readGaps(config)
  const missing = (feed: DailyFeed): number =>
    days.filter((day) => day.feed === feed && day.status === 'missing').length
  const waiting = packages.filter(({ severity }) => severity !== 'lost')
  return {
    waitingSince: waiting.map(({ receivedAt }) => new Date(receivedAt)),
    lost: packages.length - waiting.length,
    missingDays: { usage: missing('usage'), customer: missing('customer') },
  }
}

async function readLedger(config: Config, loadCount: number) {
  const { lake } = config
  const roots = { lake: lake.dir, pii: lake.pii }
  await using views = await tryOpenViews(roots)
  if (!views) return { loads: { columns: [], rows: [] }, roster: null, ...nothingLacking }
  const loads = await readRows(
    views.database,
    `SELECT ${loadColumns} FROM ops.load ORDER BY known_at DESC LIMIT ${loadCount}`,
  )
  return { loads, roster: await readRosterStatus(views.database), ...(await readLacking(config)) }
}
