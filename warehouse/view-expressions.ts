/** SQL expressions of the views that come from code lists. */
import { energyRules, qualities, qualityOrder, qualitySources, unitSymbols } from '../schemas/espi-codes.ts'
import { literal } from './columns.ts'

/** `CASE x WHEN code THEN 'name' … END` over a code list, one common code first. */
function decoded(column: string, list: Readonly<Record<number, string>>, otherwise = 'NULL', first?: number): string {
  const codes = Object.keys(list).map(Number)
  const ordered = first === undefined ? codes : [first, ...codes.filter((code) => code !== first)]
  const cases = ordered.map((code) => `WHEN ${code} THEN ${literal(list[code] ?? '')}`)
  return `CASE ${column} ${cases.join(' ')} ELSE ${otherwise} END`
}

/** Name of a unit symbol; `uom <n>` where the standard's list lacks it. */
export const unitName = (column: string): string =>
  decoded(column, unitSymbols, `CASE WHEN ${column} IS NULL THEN NULL ELSE 'uom ' || ${column} END`, 72)

export const qualitySourceName = (column: string): string => decoded(column, qualitySources)

/** Class of a quality code: UNKNOWN where none is in force, OTHER for an unlisted code. */
export const qualityClassName = (column: string): string => {
  const classes = Object.fromEntries(Object.entries(qualities).map(([code, { class: name }]) => [code, name]))
  return decoded(column, classes, `CASE WHEN ${column} IS NULL THEN 'UNKNOWN' ELSE 'OTHER' END`, 19)
}

/** Why energy_kwh is NULL, NULL where it is not. */
export const energyNullReason = (column: string): string => {
  const { 0: _exact, ...rules } = energyRules
  return decoded(column, rules)
}

/** Codes of revenue quality, as a list. */
export const revenueCodes = Object.entries(qualities)
  .flatMap(([code, { class: name }]) => (name === 'REVENUE' ? [code] : []))
  .join(', ')

const classOf = (code: (typeof qualityOrder)[number]): string => qualities[code].class

// no code at all ranks after RAW: not known to be estimated, not known to be good
const ranked: (number | null)[] = qualityOrder.flatMap((code) => (code === 14 ? [code, null] : [code]))

const classNames = [...new Set(Object.values(qualities).map(({ class: name }) => name)), 'UNKNOWN'] as const

/** `n_revenue`, `n_estimated` …: the column that counts intervals of a class. */
export const classColumn = (name: string): string => `n_${name.toLowerCase()}`
export const classColumns: readonly string[] = classNames.map(classColumn)

/** A count for each of {@link classColumns}, of a quality code. */
export const classCounts = (column: string): string =>
  classNames
    .map((name) => `count(*) FILTER (WHERE ${qualityClassName(column)} = ${literal(name)}) AS ${classColumn(name)}`)
    .join(', ')

/** Rank of a quality code, 0 = best; {@link rankClass} names it again. */
export const qualityRank = (column: string): string =>
  `CASE ${ranked.map((code, rank) => (code === null ? `WHEN ${column} IS NULL THEN ${rank}` : `WHEN ${column} = ${code} THEN ${rank}`)).join(' ')} ELSE ${ranked.length} END`

/** Class of a rank of {@link qualityRank}. */
export const rankClass = (column: string): string =>
  decoded(
    column,
    Object.fromEntries(
      ranked.map((code, rank) => [rank, code === null ? 'UNKNOWN' : classOf(code as (typeof qualityOrder)[number])]),
    ),
    `'OTHER'`,
  )

/** First rank that makes an hour grade B (validated but maybe estimated, edited, raw, unknown) and C (estimated, suspect, other). */
const gradeRanks = { b: ranked.indexOf(17), c: ranked.indexOf(null) + 1 } as const

/** `quality_grade`: D something is missing, else by the worst {@link qualityRank}; NULL ranks (nothing came) are A. */
export const qualityGrade = (isIncomplete: string, rank: string): string =>
  `CASE WHEN ${isIncomplete} THEN 'D' WHEN ${rank} >= ${gradeRanks.c} THEN 'C' WHEN ${rank} >= ${gradeRanks.b} THEN 'B' ELSE 'A' END`

/**
 * `net_basis` of an hour in the columns of models/view-hour.sql. `both` 1 − 19, `net_channel` 4, `delivered_only`: no such channel
 * then; `received_missing` and `partial` have no net: a missing export is never taken for zero.
 */
export const netBasis = `CASE
  WHEN has_received AND n_received = 0 THEN 'received_missing'
  WHEN has_received AND (n_delivered = 0 OR n_delivered < expect_delivered OR n_received < expect_received) THEN 'partial'
  WHEN has_received THEN 'both'
  WHEN has_net AND (n_net = 0 OR n_net < expect_net) THEN 'partial'
  WHEN has_net THEN 'net_channel'
  WHEN n_delivered = 0 OR n_delivered < expect_delivered THEN 'partial'
  ELSE 'delivered_only' END`

/** Net of an hour: NULL where {@link netBasis} is `received_missing` or `partial`. */
export const netKwh = `CASE (${netBasis})
  WHEN 'both' THEN delivered_kwh - received_kwh WHEN 'net_channel' THEN net_channel_kwh WHEN 'delivered_only' THEN delivered_kwh END`
