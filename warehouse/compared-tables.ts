/** The tables of a lake as they are compared with those of another: what tells rows apart, and what says when rather than what. */
import type { Schema } from 'apache-arrow'
import type { FileRef, GrowingTable, Manifest } from '../schemas/manifest.ts'
import { type PersonalTable, personalTables } from '../schemas/tables-personal.ts'
import { tables } from '../schemas/tables.ts'
import { currentSource } from './current-source.ts'
import { dimensionKeys } from './dimension-content.ts'
import { versionKeys } from './versioned-table.ts'

export interface ComparedTable {
  /** `current`, `history` … or `pii.customer` … */
  readonly name: string
  readonly root: 'lake' | 'pii'
  readonly schema: Schema
  readonly key: readonly string[]
  /** Columns that are not compared. */
  readonly ignored: readonly string[]
  /** True: in files by local_date, compared days at a time. */
  readonly byDay: boolean
  files(manifest: Manifest): readonly FileRef[]
  /** Its rows as a table expression, where they are not simply those of the files. */
  readonly source?: (manifest: Manifest, locate: (path: string) => string) => string
}

const sent = ['published_at', 'load_id', 'commit_id', 'byte_offset']
const keys: Readonly<Record<GrowingTable, readonly string[]>> = {
  usage_point: [...dimensionKeys.usage_point, ...sent],
  meter_reading: [...dimensionKeys.meter_reading, ...sent],
  reading_type: [...dimensionKeys.reading_type, ...sent],
  tou_code: [...dimensionKeys.tou_code, ...sent],
  usage_summary: [...dimensionKeys.usage_summary, ...sent],
  usage_summary_line: ['summary_id', 'line', ...sent],
  usage_point_agreement: [...versionKeys.usage_point_agreement, ...sent],
  usage_point_place: [...versionKeys.usage_point_place, ...sent],
  channel: ['series_key', 'flow_direction', 'commit_id'],
  confirmation: ['of_table', 'key', ...sent],
  quarantine: ['load_id', 'rule', 'byte_from', 'byte_to', 'commit_id'],
  drift: ['load_id', 'kind', 'name', 'commit_id'],
  load: ['load_id', 'commit_id'],
  notification: ['notification_id', 'received_at'],
  authorization: ['authorization_id', 'observed_at'],
  request: ['request_id', 'status'],
}

/** By which reader, how fast, and with how much learned: not what was read. */
const circumstances = ['parser', 'load_s', 'n_markup_runs', 'slow_bytes']

const lake = { root: 'lake', ignored: [] } as const

export const comparedTables: readonly ComparedTable[] = [
  {
    ...lake,
    name: 'current',
    schema: tables.current,
    key: ['series_key', 'start_at'],
    byDay: true,
    files: (m) => m.current.files,
    // what is current, however it is laid out
    source: currentSource,
  },
  {
    ...lake,
    name: 'history',
    schema: tables.history,
    key: ['series_key', 'start_at', 'superseded', ...sent],
    byDay: true,
    files: (m) => m.history,
  },
  {
    ...lake,
    name: 'receipts',
    schema: tables.receipt,
    key: ['series_key', 'start_at', ...sent],
    byDay: true,
    files: (m) => m.receipts,
  },
  {
    ...lake,
    name: 'parked',
    schema: tables.parked,
    key: ['series_key', 'start_at', 'load_id', 'byte_offset'],
    byDay: true,
    files: (m) => m.parked,
  },
  ...(Object.keys(keys) as GrowingTable[]).map((table) => ({
    ...lake,
    name: table,
    schema: tables[table],
    key: keys[table],
    ignored: table === 'load' ? circumstances : [],
    byDay: false,
    files: (m: Manifest) => m.tables[table],
  })),
  ...(Object.keys(personalTables) as PersonalTable[]).map((table) => ({
    name: `pii.${table}`,
    root: 'pii' as const,
    schema: personalTables[table],
    key: [...versionKeys[table], ...sent],
    ignored: [],
    byDay: false,
    files: (m: Manifest) => m.pii.tables[table],
  })),
  {
    name: 'pii.quarantine',
    root: 'pii',
    schema: tables.quarantine,
    key: keys.quarantine,
    ignored: [],
    byDay: false,
    files: (m) => m.pii.quarantine,
  },
]
