/** Payloads that are not made of readings → their rows, when their entry has ended. */
import type { FeedReaderOptions, FeedRow, FeedSink } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { type ContentPayload, LeafError } from './leaf-record.ts'
import type { LocalTime } from './local-time.ts'
import { checkLocalTimeParameters } from './local-time-parameters.ts'
import type { MeterReadings } from './meter-reading.ts'
import { readProgramIdMappings } from './program-id-mappings.ts'
import { ReadingTypes } from './reading-type.ts'
import { readUsagePoint, SeenRows } from './usage-point.ts'
import { readUsageSummary } from './usage-summary.ts'

export class RecordRows {
  readonly #sink: FeedSink
  readonly #options: FeedReaderOptions
  readonly #drift: Drift
  readonly #local: LocalTime
  readonly #meterReadings: MeterReadings
  readonly #readingTypes: ReadingTypes
  readonly #usagePoints = new SeenRows()

  constructor(
    sink: FeedSink,
    options: FeedReaderOptions,
    drift: Drift,
    local: LocalTime,
    meterReadings: MeterReadings,
  ) {
    this.#sink = sink
    this.#options = options
    this.#drift = drift
    this.#local = local
    this.#meterReadings = meterReadings
    this.#readingTypes = new ReadingTypes(options.usagePointIdentity, drift)
  }

  /** Emits the rows of a payload, or rejects its entry; `content` is the path of atom:content. */
  read(entry: Entry, payload: ContentPayload, content: string): void {
    const path = `${content}/${payload.kind}`
    try {
      for (const row of this.#rowsOf(entry, payload, path)) this.#sink.row(row)
    } catch (error) {
      if (!(error instanceof LeafError)) throw error
      entry.rejectWhole(error.rule, `${path}/${error.leaf}`, error.message)
    }
  }

  /** The feed has ended: what could only be said now. */
  emit(): void {
    this.#readingTypes.emit(this.#sink)
  }

  #rowsOf(entry: Entry, payload: ContentPayload, path: string): readonly FeedRow[] {
    const { usagePointIdentity: identity, timeZone } = this.#options
    switch (payload.kind) {
      case 'MeterReading':
        this.#meterReadings.meterReading(entry, path)
        return []
      case 'ReadingType':
        this.#readingTypes.add(entry, payload, path)
        return []
      case 'UsagePoint': {
        const row = readUsagePoint(entry, payload, identity, this.#drift, path)
        return row === undefined || !this.#usagePoints.isNew(row) ? [] : [row]
      }
      case 'UsageSummary':
      case 'ElectricPowerUsageSummary':
      case 'ElectricPowerQualitySummary':
        return readUsageSummary(entry, payload, identity, this.#drift, path)
      case 'ProgramIdMappings':
        return readProgramIdMappings(entry, payload, this.#drift)
      case 'LocalTimeParameters':
        checkLocalTimeParameters(entry, payload, this.#local, timeZone, path)
        return []
      default:
        return []
    }
  }
}
