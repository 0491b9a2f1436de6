/**
 * Every table of the lake as an Arrow schema. DuckDB columns, view comments and the data dictionary derive from these; so
 * the name, type, unit and meaning of a column are said once, here.
 */
import type { Schema } from 'apache-arrow'
import { usagePointAgreement, usagePointPlace } from './tables-attribute.ts'
import {
  confirmation,
  meterReading,
  readingType,
  touCode,
  usagePoint,
  usageSummary,
  usageSummaryLine,
} from './tables-dimension.ts'
import { channel, current, history, overlay, parked, receipt } from './tables-interval.ts'
import { authorization, drift, load, notification, quarantine, request } from './tables-operation.ts'

/** Tables the lake keeps as Parquet, by name. `satisfies` keeps the names literal. */
export const tables = {
  current,
  overlay,
  history,
  receipt,
  parked,
  usage_point: usagePoint,
  meter_reading: meterReading,
  reading_type: readingType,
  tou_code: touCode,
  usage_summary: usageSummary,
  usage_summary_line: usageSummaryLine,
  usage_point_agreement: usagePointAgreement,
  usage_point_place: usagePointPlace,
  channel,
  confirmation,
  quarantine,
  drift,
  load,
  notification,
  authorization,
  request,
} as const satisfies Record<string, Schema>

export type TableName = keyof typeof tables
