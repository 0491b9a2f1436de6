/** Stages described feeds as a load would leave them: for tests of publishing that need no XML. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { StagedLoadRecord } from '../../schemas/stage.ts'
import { stagingTables, type StagingTableName } from '../../schemas/staging.ts'
import { duckdbType, identifier, literal } from '../../warehouse/columns.ts'
import { Database } from '../../warehouse/database.ts'
import { formatPath, loadIdOf } from '../../warehouse/paths.ts'
import { openRoots } from '../../warehouse/storage.ts'

export const timeZone = 'America/Los_Angeles'

export interface FeedReading {
  /** Unix time, s. */
  readonly start: number
  readonly duration?: number
  readonly value: number
  readonly quality?: number | null
  readonly codes?: string
  readonly tou?: number
}

export interface FeedBlock {
  readonly usagePoint: string
  readonly meterReading: string
  /** ISO time, null: not sent. */
  readonly published: string | null
  readonly readings: readonly FeedReading[]
  readonly rejected?: boolean
}

export interface FeedReadingType {
  readonly id: string
  readonly flow?: number | null
  readonly powerOfTen?: number | null
  readonly uom?: number | null
  readonly kind?: number | null
  readonly accumulation?: number | null
  readonly defaultQuality?: number | null
  readonly commodity?: number | null
  readonly conflict?: boolean
}

type Cell = string | number | boolean | null
type Rows = readonly Readonly<Record<string, Cell>>[]

export interface Feed {
  readonly blocks?: readonly FeedBlock[]
  readonly readingTypes?: readonly FeedReadingType[]
  /** MeterReading id → usage point and ReadingType id. */
  readonly meterReadings?: readonly {
    readonly usagePoint: string
    readonly id: string
    readonly readingType: string | null
  }[]
  /** `published` of the dimension entries. */
  readonly published?: string
  /** Further staged rows, complete. */
  readonly rows?: Partial<Record<StagingTableName, Rows>>
  readonly failed?: { readonly code: string; readonly message: string }
  readonly receivedAt?: string
  readonly notificationId?: string
  /** Makes the bytes, and so the load_id, another. */
  readonly salt?: string
}

export const seriesKey = (usagePoint: string, meterReading: string): bigint =>
  createHash('sha256').update(`${usagePoint}\0${meterReading}`).digest().readBigUInt64BE(24) & (2n ** 63n - 1n)

const dayFormat = new Intl.DateTimeFormat('en-CA', {
  timeZone,
  hourCycle: 'h23',
  dateStyle: 'short',
  timeStyle: 'short',
})
const localParts = (s: number): { dt: string; hour: number } => {
  const [dt = '', time = ''] = dayFormat.format(s * 1000).split(', ')
  return { dt, hour: Number(time.slice(0, 2)) }
}

/** Local day and both hours ending of an instant. */
export function localHour(s: number): { dt: string; heSeq: number; heClock: number } {
  const { dt, hour } = localParts(s)
  let elapsed = 0
  while (localParts(s - 3600 * (elapsed + 1)).dt === dt) elapsed += 1
  return { dt, heSeq: elapsed + 1, heClock: hour + 1 }
}

const hours = new Map<number, ReturnType<typeof localHour>>()
const hourOf = (s: number) => {
  const hour = Math.floor(s / 3600)
  const known = hours.get(hour) ?? localHour(hour * 3600)
  hours.set(hour, known)
  return known
}

/** Stages a feed; answers its load_id. */
export async function stageFeed(roots: LakeRoots, feed: Feed): Promise<string> {
  const { lake } = openRoots(roots)
  const sha256 = createHash('sha256').update(JSON.stringify(feed)).digest('hex')
  const loadId = loadIdOf(sha256)
  const tables = rowsOf(feed)
  const files: StagedLoadRecord['files'] = {}
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: scratch.path })
  for (const name of Object.keys(stagingTables) as StagingTableName[]) {
    const rows = tables[name] ?? []
    if (rows.length === 0) continue
    const path = formatPath({ kind: 'staged', id: loadId, attempt: 'test', table: name })
    await mkdir(dirname(lake.locate(path)), { recursive: true })
    const written = await db.copy(rowsSelect(name, rows), lake.locate(path), { rowGroupRows: 122_880 })
    files[name] = { root: 'lake', path, rows: written.rows, bytes: written.bytes }
  }
  const readings = (tables.readings ?? []).length
  const days = (tables.readings ?? []).map((row) => String(row['local_date'])).sort()
  const record: StagedLoadRecord = {
    stage: 'load',
    format: 1,
    loadId,
    sha256,
    status: feed.failed ? 'failed' : 'loaded',
    error: (feed.failed as StagedLoadRecord['error']) ?? null,
    kind: 'usage',
    source: 'file',
    sourceName: 'feed.xml',
    notificationId: feed.notificationId ?? null,
    correlationId: null,
    profile: 'pge',
    timeZone,
    receivedAt: feed.receivedAt ?? '2026-01-01T00:00:00.000Z',
    feedUpdatedAt: null,
    bytes: 1,
    raw: { root: 'lake', path: formatPath({ kind: 'raw', sha256 }), bytes: 1 },
    counts: {
      entries: 0,
      entriesByKind: {},
      usagePoints: 0,
      blocks: feed.blocks?.length ?? 0,
      readings,
      quarantined: 0,
      drift: 0,
      markupRuns: 0,
      slowBytes: 0,
    },
    localDateMin: days[0] ?? null,
    localDateMax: days.at(-1) ?? null,
    parser: 'test',
    loadS: 0.001,
    files,
  }
  await lake.putIfAbsent(formatPath({ kind: 'stage', id: loadId }), JSON.stringify(record))
  return loadId
}

const cell = (value: Cell | undefined) =>
  value === null || value === undefined ? 'NULL' : typeof value === 'string' ? literal(value) : String(value)

function rowsSelect(name: StagingTableName, rows: Rows): string {
  const { fields } = stagingTables[name]
  const values = rows.map((row) => `(${fields.map((field) => cell(row[field.name])).join(', ')})`).join(', ')
  const casts = fields.map((field, at) => `col${at}::${duckdbType(field.type)} AS ${identifier(field.name)}`)
  return `SELECT ${casts.join(', ')} FROM (VALUES ${values})`
}

function rowsOf(feed: Feed): Partial<Record<StagingTableName, Rows>> {
  const published = feed.published ?? '2026-01-01T00:00:00Z'
  let offset = 1000
  const next = () => (offset += 100)
  const block: Record<string, Cell>[] = []
  const run: Record<string, Cell>[] = []
  const readings: Record<string, Cell>[] = []
  const codes: Record<string, Cell>[] = []
  const readingTypes = (feed.readingTypes ?? []).map((type) => ({
    reading_type_id: type.id,
    href: `/ReadingType/${type.id}`,
    accumulation_behaviour: type.accumulation === undefined ? 4 : type.accumulation,
    commodity: type.commodity === undefined ? 1 : type.commodity,
    default_quality: type.defaultQuality ?? null,
    flow_direction: type.flow === undefined ? 1 : type.flow,
    kind: type.kind === undefined ? 12 : type.kind,
    power_of_ten: type.powerOfTen === undefined ? 0 : type.powerOfTen,
    uom: type.uom === undefined ? 72 : type.uom,
    conflict: type.conflict ?? false,
    published_at: published,
    byte_offset: next(),
  }))
  const meterReadings = (feed.meterReadings ?? []).map(({ usagePoint, id, readingType }) => ({
    series_key: String(seriesKey(usagePoint, id)),
    usage_point_id: usagePoint,
    meter_reading_id: id,
    href: `/UsagePoint/${usagePoint}/MeterReading/${id}`,
    reading_type_id: readingType,
    reused: false,
    published_at: published,
    byte_offset: next(),
  }))
  for (const [seq, sent] of (feed.blocks ?? []).entries()) {
    block.push({
      block_seq: seq,
      series_key: String(seriesKey(sent.usagePoint, sent.meterReading)),
      meter_reading_href: `/UsagePoint/${sent.usagePoint}/MeterReading/${sent.meterReading}`,
      usage_point_id: sent.usagePoint,
      meter_reading_id: sent.meterReading,
      published_at: sent.published,
      n_readings: sent.readings.length,
      rejected: sent.rejected ?? false,
      byte_offset: next(),
    })
    for (const { start, duration = 3600, value, quality = null, codes: list, tou } of sent.readings) {
      const { dt, heSeq, heClock } = hourOf(start)
      const at = next()
      readings.push({
        block_seq: seq,
        start_at: new Date(start * 1000).toISOString(),
        duration_s: duration,
        local_date: dt,
        he_seq: heSeq,
        he_clock: heClock,
        value,
        quality,
        quality_source: quality === null ? 0 : 1,
        tou: tou ?? null,
        byte_offset: at,
      })
      if (list !== undefined) codes.push({ block_seq: seq, byte_offset: at, codes: list })
      const last = run.at(-1)
      if (
        last?.['block_seq'] === seq &&
        last['duration_s'] === duration &&
        Number(last['start_s']) + Number(last['n_readings']) * duration === start
      )
        last['n_readings'] = Number(last['n_readings']) + 1
      else run.push({ block_seq: seq, start_s: start, duration_s: duration, n_readings: 1 })
    }
  }
  return {
    ...feed.rows,
    block,
    block_run: run,
    readings,
    reading_codes: codes,
    reading_type: readingTypes,
    meter_reading: meterReadings,
  }
}
