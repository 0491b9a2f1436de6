/** From an interval back to its bytes: every version of it, why one is in force, and what each came from. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { Database, type Row } from './database.ts'
import { arithmeticOf, isExact, type Measure } from './exact-scale.ts'
import {
  type AskedInterval,
  intervalKey,
  meaningKey,
  readConfirmations,
  readReadingTypes,
  readSeries,
  readVersions,
} from './explained-rows.ts'
import { type LoadLineage, readLineage } from './load-lineage.ts'
import { openLocalScratch } from './local-scratch.ts'
import { readNewestManifest } from './manifest.ts'
import { formatPath } from './paths.ts'
import { readIndex } from './raw-archive.ts'
import type { RawIndex } from './raw-index.ts'
import { type FindReading, readReceived, type ReceivedReading } from './received-reading.ts'
import { instantOf, integerOf, numberOrNull, textOf, textOrNull } from './row-values.ts'
import { openRoots, type Storage } from './storage.ts'
import { type OrderedVersion, type Standing, standingsOf } from './version-standing.ts'

export interface ExplainOptions extends AskedInterval {
  readonly roots: LakeRoots
  readonly findReading: FindReading
}

/** The bytes a version came from; withheld where they may hold names, gone where the archive has them no more. */
export type Received =
  | (ReceivedReading & { readonly state: 'shown' })
  | { readonly state: 'withheld' | 'gone'; readonly reason: string }

export interface ExplainedVersion extends Measure, Standing {
  readonly durationS: number
  readonly uom: number | null
  readonly flowDirection: number | null
  readonly commodity: number | null
  readonly quality: number | null
  readonly qualityCodes: string | null
  readonly qualitySource: string
  readonly qualityClass: string
  readonly tou: number | null
  readonly cpp: number | null
  readonly consumptionTier: number | null
  /** 1e-5 of the currency. */
  readonly cost: string | null
  readonly publishedAt: string | null
  readonly knownAt: string | null
  readonly commitId: number
  readonly arithmetic: string
  /** Where unit and power of ten are from; null: no ReadingType of the lake says so alone. */
  readonly readingType: { readonly id: string; readonly loadId: string; readonly byteOffset: number } | null
  /** False: the stored energy is not what the arithmetic gives. */
  readonly isExact: boolean
  readonly load: LoadLineage
  /** What the archive itself says of the file; undefined: it is not there, or not whole. */
  readonly archived: RawIndex | undefined
  readonly received: Received
}

/** A block received later that said again what was in force. */
export interface Confirmation {
  readonly loadId: string
  readonly publishedAt: string | null
  readonly knownAt: string | null
  /** Offset of the block's entry in the raw file. */
  readonly byteOffset: number
}

export interface ExplainedInterval {
  readonly usagePointId: string
  readonly meterReadingId: string
  readonly seriesKey: string
  readonly startAt: string
  readonly localDate: string
  /** In the order in which they count, the last word last. */
  readonly versions: readonly ExplainedVersion[]
  readonly confirmations: readonly Confirmation[]
}

/**
 * Explains the intervals of a usage point or MeterReading that cover a moment, or once did. Raises LAKE_MISSING, LAKE_CORRUPT, NOT_IN_LAKE where
 * the usage point or MeterReading is not known, or none of its intervals ever covered the moment.
 */
export async function explainMoment(options: ExplainOptions): Promise<readonly ExplainedInterval[]> {
  try {
    return await explain(options)
  } catch (error) {
    if (!isMeterlakeError(error) || error.code !== 'SQL_FAILED') throw error
    const message = `a file of the lake ${options.roots.lake} cannot be read: ${error.message.split('\n')[0] ?? ''}`
    throw new MeterlakeError('LAKE_CORRUPT', message, {}, { cause: error })
  }
}

async function explain(options: ExplainOptions): Promise<readonly ExplainedInterval[]> {
  const { lake, pii } = openRoots(options.roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest) throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${lake.root}`)
  await using scratch = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 256, scratch: scratch.path })
  const series = await readSeries(db, lake, manifest, options)
  const versions = await readVersions(db, lake, manifest, [...series.keys()], options)
  const lineage = await readLineage(db, lake, manifest, [...new Set(versions.map((row) => textOf(row, 'load_id')))])
  const confirmations = await readConfirmations(db, lake, manifest, versions)
  const readingTypes = await readReadingTypes(db, lake, manifest, versions)
  const sources: Sources = { lake, pii, lineage, readingTypes, indexes: new Map(), findReading: options.findReading }
  const intervals: ExplainedInterval[] = []
  for (const [key, rows] of Map.groupBy(versions, intervalKey)) {
    const standings = standingsOf(rows.map(orderedOf))
    const explained: ExplainedVersion[] = []
    for (const [at, row] of rows.entries())
      explained.push(await explainVersion(row, standings[at] as Standing, sources))
    const [first] = rows
    const { usagePointId = '', meterReadingId = '' } = series.get(textOf(first, 'series_key')) ?? {}
    intervals.push({
      usagePointId,
      meterReadingId,
      seriesKey: textOf(first, 'series_key'),
      startAt: (first && instantOf(first, 'start_at')) ?? '',
      localDate: textOf(first, 'local_date'),
      versions: explained,
      confirmations: (confirmations.get(key) ?? []).map((row) => ({
        loadId: textOf(row, 'load_id'),
        publishedAt: instantOf(row, 'published_at'),
        knownAt: instantOf(row, 'known_at'),
        byteOffset: integerOf(row, 'byte_offset'),
      })),
    })
  }
  return intervals
}

const orderedOf = (row: Row): OrderedVersion => ({
  publishedAt: instantOf(row, 'published_at'),
  commitId: integerOf(row, 'commit_id'),
  loadId: textOf(row, 'load_id'),
  byteOffset: integerOf(row, 'byte_offset'),
  superseded: row['superseded'] === true,
  content: textOf(row, 'content'),
})

interface Sources {
  readonly lake: Storage
  readonly pii: Storage
  readonly lineage: ReadonlyMap<string, LoadLineage>
  readonly readingTypes: ReadonlyMap<string, Row>
  readonly indexes: Map<string, RawIndex | undefined>
  readonly findReading: FindReading
}

async function explainVersion(row: Row, standing: Standing, sources: Sources): Promise<ExplainedVersion> {
  const load = sources.lineage.get(textOf(row, 'load_id'))
  if (!load)
    throw new MeterlakeError(
      'LAKE_CORRUPT',
      `load ${textOf(row, 'load_id')} has readings, but is not in the ledger`,
      {},
    )
  const measure: Measure = {
    value: textOrNull(row, 'value'),
    powerOfTen: numberOrNull(row, 'power_of_ten'),
    unit: textOrNull(row, 'unit'),
    energyKwh: textOrNull(row, 'energy_kwh'),
    energyNullReason: row['superseded'] === true ? null : textOrNull(row, 'energy_null_reason'),
  }
  const { sha256 } = load
  const meaning = sources.readingTypes.get(meaningKey(row))
  if (!sources.indexes.has(sha256)) sources.indexes.set(sha256, await readIndex(sources.lake, sha256))
  const archived = sources.indexes.get(sha256)
  return {
    ...standing,
    ...measure,
    durationS: integerOf(row, 'duration_s'),
    uom: numberOrNull(row, 'uom'),
    flowDirection: numberOrNull(row, 'flow_direction'),
    commodity: numberOrNull(row, 'commodity'),
    quality: numberOrNull(row, 'quality'),
    qualityCodes: textOrNull(row, 'quality_codes'),
    qualitySource: textOf(row, 'quality_source'),
    qualityClass: textOf(row, 'quality_class'),
    tou: numberOrNull(row, 'tou'),
    cpp: numberOrNull(row, 'cpp'),
    consumptionTier: numberOrNull(row, 'consumption_tier'),
    cost: textOrNull(row, 'cost'),
    publishedAt: instantOf(row, 'published_at'),
    knownAt: instantOf(row, 'known_at'),
    commitId: integerOf(row, 'commit_id'),
    arithmetic: arithmeticOf(measure),
    readingType: meaning
      ? {
          id: textOf(meaning, 'reading_type_id'),
          loadId: textOf(meaning, 'said_by'),
          byteOffset: integerOf(meaning, 'byte_offset'),
        }
      : null,
    isExact: isExact(measure),
    load,
    archived,
    received: await receivedOf(row, load, archived, sources),
  }
}

async function receivedOf(
  row: Row,
  load: LoadLineage,
  archived: RawIndex | undefined,
  { lake, pii, findReading }: Sources,
): Promise<Received> {
  if (!archived)
    return (await pii.get(formatPath({ kind: 'raw_index', sha256: load.sha256 })).catch(() => undefined))
      ? { state: 'withheld', reason: 'the file lies under the pii root: its bytes may hold names' }
      : { state: 'gone', reason: 'the file is not in the archive, or not whole: see `meterlake verify`' }
  const startS = Number(row['start_s'])
  const durationS = integerOf(row, 'duration_s')
  // a row that withdraws names the reading that covers it
  const isWanted =
    row['superseded'] === true
      ? (start: number, duration: number) => start < startS && start + duration > startS
      : (start: number, duration: number) => start === startS && duration === durationS
  try {
    const reading = await readReceived(lake, archived, integerOf(row, 'byte_offset'), findReading, isWanted)
    return { state: 'shown', ...reading }
  } catch (error) {
    if (isMeterlakeError(error) && error.code === 'LAKE_CORRUPT') return { state: 'gone', reason: error.message }
    throw error
  }
}
