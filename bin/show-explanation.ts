/** `meterlake explain`: what an explanation looks like, for people and as rows. */
import { findReading } from '../espi/reading-range.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { explainMoment, type ExplainedInterval, type ExplainedVersion } from '../warehouse/explain.ts'
import type { Format } from './command-context.ts'
import { explanationText } from './explanation-text.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, type OutputColumn, writeAll } from './row-format.ts'

export type ExplainFormat = Format | 'text'

export interface ExplainRequest {
  readonly format: ExplainFormat
  readonly usagePoint?: string | undefined
  readonly meterReading?: string | undefined
  readonly at: Date
  readonly flow?: number | undefined
}

/** Prints it; answers 3 where the bytes of a version cannot be shown because they are gone, or its energy is not exact. Throws USAGE, NOT_IN_LAKE, LAKE_*. */
export async function showExplanation(roots: LakeRoots, request: ExplainRequest): Promise<number> {
  const { format, usagePoint, meterReading, at, flow } = request
  if (usagePoint === undefined && meterReading === undefined)
    throw new MeterlakeError('USAGE', 'give --usage-point, --meter-reading or both')
  const intervals = await explainMoment({
    roots,
    usagePointId: usagePoint,
    meterReadingId: meterReading,
    at,
    flowDirection: flow,
    findReading,
  })
  if (format === 'text') process.stdout.write(explanationText(intervals))
  else await writeAll(process.stdout, formatRows(format, columns, [intervals.flatMap(rowsOf)]))
  const isProved = intervals.every(({ versions }) =>
    versions.every((version) => version.isExact && version.received.state !== 'gone'),
  )
  return isProved ? exitCodes.done : exitCodes.incomplete
}

type Cell = string | number | boolean | null | readonly object[]

/** Names as those of columns are. */
const inSnakeCase = (facts: object): object =>
  Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      fact,
    ]),
  )

/** Columns of a row per version, in order. */
const cells: readonly (readonly [
  name: string,
  type: string,
  cell: (v: ExplainedVersion, i: ExplainedInterval) => Cell,
])[] = [
  ['usage_point_id', 'VARCHAR', (_, { usagePointId }) => usagePointId],
  ['meter_reading_id', 'VARCHAR', (_, { meterReadingId }) => meterReadingId],
  ['series_key', 'BIGINT', (_, { seriesKey }) => seriesKey],
  ['flow_direction', 'INTEGER', ({ flowDirection }) => flowDirection],
  ['start_at', 'VARCHAR', (_, { startAt }) => startAt],
  ['duration_s', 'INTEGER', ({ durationS }) => durationS],
  ['local_date', 'VARCHAR', (_, { localDate }) => localDate],
  ['state', 'VARCHAR', ({ state }) => state],
  ['why', 'VARCHAR', ({ why }) => why],
  ['value', 'BIGINT', ({ value }) => value],
  ['power_of_ten', 'INTEGER', ({ powerOfTen }) => powerOfTen],
  ['uom', 'INTEGER', ({ uom }) => uom],
  ['unit', 'VARCHAR', ({ unit }) => unit],
  ['energy_kwh', 'DECIMAL(18,9)', ({ energyKwh }) => energyKwh],
  ['energy_null_reason', 'VARCHAR', ({ energyNullReason }) => energyNullReason],
  ['arithmetic', 'VARCHAR', ({ arithmetic }) => arithmetic],
  ['reading_type_id', 'VARCHAR', ({ readingType }) => readingType?.id ?? null],
  ['reading_type_load_id', 'VARCHAR', ({ readingType }) => readingType?.loadId ?? null],
  ['reading_type_byte', 'BIGINT', ({ readingType }) => readingType?.byteOffset ?? null],
  ['is_exact', 'BOOLEAN', ({ isExact }) => isExact],
  ['quality', 'INTEGER', ({ quality }) => quality],
  ['quality_codes', 'VARCHAR', ({ qualityCodes }) => qualityCodes],
  ['quality_source', 'VARCHAR', ({ qualitySource }) => qualitySource],
  ['quality_class', 'VARCHAR', ({ qualityClass }) => qualityClass],
  ['tou', 'INTEGER', ({ tou }) => tou],
  ['cpp', 'INTEGER', ({ cpp }) => cpp],
  ['consumption_tier', 'INTEGER', ({ consumptionTier }) => consumptionTier],
  ['cost', 'BIGINT', ({ cost }) => cost],
  ['published_at', 'VARCHAR', ({ publishedAt }) => publishedAt],
  ['known_at', 'VARCHAR', ({ knownAt }) => knownAt],
  ['commit_id', 'BIGINT', ({ commitId }) => commitId],
  ['load_id', 'VARCHAR', ({ load }) => load.loadId],
  ['sha256', 'VARCHAR', ({ load }) => load.sha256],
  ['byte_from', 'BIGINT', ({ received }) => (received.state === 'shown' ? received.byteFrom : null)],
  ['byte_to', 'BIGINT', ({ received }) => (received.state === 'shown' ? received.byteTo : null)],
  ['fragment', 'VARCHAR', ({ received }) => (received.state === 'shown' ? received.xml : null)],
  ['fragment_missing', 'VARCHAR', ({ received }) => (received.state === 'shown' ? null : received.reason)],
  ['parser', 'VARCHAR', ({ load }) => load.parser],
  ['profile', 'VARCHAR', ({ load }) => load.profile],
  ['received_at', 'VARCHAR', ({ load }) => load.receivedAt],
  ['source', 'VARCHAR', ({ load }) => load.source],
  ['source_name', 'VARCHAR', ({ load }) => load.sourceName],
  ['correlation_id', 'VARCHAR', ({ load }) => load.correlationId],
  ['notification_id', 'VARCHAR', ({ load }) => load.notificationId],
  ['notifications', 'JSON', ({ load }) => load.notifications.map(inSnakeCase)],
  ['requests', 'JSON', ({ load }) => load.requests.map(inSnakeCase)],
  ['confirmed_by', 'JSON', (_, { confirmations }) => confirmations.map(inSnakeCase)],
]
const columns: readonly OutputColumn[] = cells.map(([name, type]) => ({ name, type }))

const rowsOf = (interval: ExplainedInterval): Cell[][] =>
  interval.versions.map((version) => cells.map(([, , cell]) => cell(version, interval)))
