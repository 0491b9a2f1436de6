/** Every path of the lake and of the pii root: one codec, format ⇄ parse. Paths are relative to their root, with `/`. */
import type { GrowingTable } from '../schemas/manifest.ts'
import { type RequestStatus, requestStatuses } from '../schemas/pull.ts'
import { stagedTableNames } from '../schemas/stage.ts'
import type { StagingTableName } from '../schemas/staging.ts'
import { type PersonalTable, personalTables } from '../schemas/tables-personal.ts'

/**
 * What a path stands for. `part` names a file within its commit and must be unique to the attempt that writes it
 * (`^[0-9a-z]{1,32}$`, e.g. 8 random hex digits and an ordinal): two publishers may both try to become commit N.
 */
export type LakePath =
  | { readonly kind: 'raw' | 'raw_index'; readonly sha256: string }
  | { readonly kind: 'stage'; readonly id: string }
  | { readonly kind: 'staged'; readonly id: string; readonly attempt: string; readonly table: StagingTableName }
  | { readonly kind: 'history' | 'receipts' | 'parked' | 'overlay'; readonly commit: number; readonly part: string }
  | { readonly kind: 'current'; readonly dt: string; readonly commit: number; readonly part: string }
  | { readonly kind: 'table'; readonly table: GrowingTable; readonly commit: number; readonly part: string }
  | { readonly kind: 'personal_table'; readonly table: PersonalTable; readonly commit: number; readonly part: string }
  | { readonly kind: 'manifest'; readonly n: number }
  | { readonly kind: 'views' | 'personal_views' }
  | { readonly kind: 'state'; readonly name: string }

/** Folders that are listed as a whole. */
export const folders = {
  raw: 'raw',
  staging: 'staging',
  history: 'history',
  receipts: 'receipts',
  parked: 'parked',
  current: 'current',
  overlay: 'overlay',
  dims: 'dims',
  ledger: 'ledger',
  manifests: 'manifests',
  state: 'state',
  /** Work in progress; nothing in it outlives its process. */
  scratch: 'state/scratch',
  /** Downloads that are not complete, mode 0700. */
  incoming: 'state/incoming',
} as const

/** Where each growing table lies: what describes the feed in `dims`, what describes our work in `ledger`. */
const tableFolders = {
  usage_point: 'dims',
  meter_reading: 'dims',
  reading_type: 'dims',
  tou_code: 'dims',
  usage_summary: 'dims',
  usage_summary_line: 'dims',
  usage_point_agreement: 'dims',
  usage_point_place: 'dims',
  channel: 'dims',
  confirmation: 'dims',
  quarantine: 'ledger',
  drift: 'ledger',
  load: 'ledger',
  notification: 'ledger',
  authorization: 'dims',
  request: 'ledger',
} as const satisfies Record<GrowingTable, 'dims' | 'ledger'>

const isGrowingTable = (name: string): name is GrowingTable => Object.hasOwn(tableFolders, name)
const isStagedTable = (name: string): name is StagingTableName => (stagedTableNames as readonly string[]).includes(name)

const isPersonalTable = (name: string): name is PersonalTable => Object.hasOwn(personalTables, name)

/** The relative path of a thing of the lake. */
export function formatPath(path: LakePath): string {
  switch (path.kind) {
    case 'raw':
      return `raw/${path.sha256.slice(0, 2)}/${path.sha256}.xml.zst`
    case 'raw_index':
      return `raw/${path.sha256.slice(0, 2)}/${path.sha256}.json`
    case 'stage':
      return `staging/${path.id}/stage.json`
    case 'staged':
      return `staging/${path.id}/${path.attempt}/${path.table}.parquet`
    case 'history':
    case 'receipts':
    case 'parked':
    case 'overlay':
      return `${path.kind}/${path.commit}-${path.part}.parquet`
    case 'current':
      return `current/dt=${path.dt}/${path.commit}-${path.part}.parquet`
    case 'table':
      return `${tableFolders[path.table]}/${path.table}/${path.commit}-${path.part}.parquet`
    case 'personal_table':
      return `tables/${path.table}/${path.commit}-${path.part}.parquet`
    case 'manifest':
      return `manifests/${String(path.n).padStart(12, '0')}.json`
    case 'views':
      return 'views.duckdb'
    case 'personal_views':
      return 'pii.duckdb'
    case 'state':
      return `state/${path.name}`
    default:
      return path satisfies never
  }
}

const id = '([0-9a-z][0-9a-z-]*)'
const file = '([1-9][0-9]*)-([0-9a-z]{1,32})\\.parquet'
const forms: readonly (readonly [RegExp, (...groups: string[]) => LakePath | undefined])[] = [
  [/^raw\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.xml\.zst$/, (_, sha256 = '') => ({ kind: 'raw', sha256 })],
  [/^raw\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.json$/, (_, sha256 = '') => ({ kind: 'raw_index', sha256 })],
  [new RegExp(`^staging/${id}/stage\\.json$`), (stage = '') => ({ kind: 'stage', id: stage })],
  [
    new RegExp(`^staging/${id}/${id}/([a-z_]+)\\.parquet$`),
    (stage = '', attempt = '', table = '') =>
      isStagedTable(table) ? { kind: 'staged', id: stage, attempt, table } : undefined,
  ],
  [
    new RegExp(`^(history|receipts|parked|overlay)/${file}$`),
    (kind, commit, part = '') => ({
      kind: kind as 'history' | 'receipts' | 'parked' | 'overlay',
      commit: Number(commit),
      part,
    }),
  ],
  [
    new RegExp(`^current/dt=(\\d{4}-\\d\\d-\\d\\d)/${file}$`),
    (dt = '', commit, part = '') => ({ kind: 'current', dt, commit: Number(commit), part }),
  ],
  [
    new RegExp(`^(dims|ledger)/([a-z_]+)/${file}$`),
    (folder, table = '', commit, part = '') =>
      isGrowingTable(table) && tableFolders[table] === folder
        ? { kind: 'table', table, commit: Number(commit), part }
        : undefined,
  ],
  [
    new RegExp(`^tables/([a-z_]+)/${file}$`),
    (table = '', commit, part = '') =>
      isPersonalTable(table) ? { kind: 'personal_table', table, commit: Number(commit), part } : undefined,
  ],
  [/^manifests\/(\d{12})\.json$/, (n) => ({ kind: 'manifest', n: Number(n) })],
  [/^views\.duckdb$/, () => ({ kind: 'views' })],
  [/^pii\.duckdb$/, () => ({ kind: 'personal_views' })],
  [/^state\/([^/].*)$/, (name = '') => ({ kind: 'state', name })],
]

/** What a relative path stands for; undefined where it is none of ours. */
export function parsePath(path: string): LakePath | undefined {
  for (const [form, build] of forms) {
    const match = form.exec(path)
    if (match) return build(...match.slice(1))
  }
  return undefined
}

/** First 16 hex digits of the SHA-256 of the raw bytes. */
export const loadIdOf = (sha256: string): string => sha256.slice(0, 16)

/** Staging folder of a notification: one per receipt. */
export const notificationStageId = (notificationId: string, receivedAt: string): string =>
  `notification-${notificationId.slice(0, 16)}-${Date.parse(receivedAt)}`

/** Staging folder of authorizations seen at one moment. */
export const authorizationStageId = (observedAt: string, rowsSha256: string): string =>
  `authorization-${Date.parse(observedAt)}-${rowsSha256.slice(0, 16)}`

/** Staging folder of a request: one per status it reaches. */
export const requestStageId = (requestId: string, status: RequestStatus): string =>
  `request-${requestId}-${requestStatuses.indexOf(status)}`
