/** The rules an IntervalReading must keep, and what is said of one that does not. */
import { qualityOrder } from '../schemas/espi-codes.ts'

export const readingRules = {
  READING_VALUE_MISSING: 'an IntervalReading without value',
  READING_VALUE_MALFORMED: 'not an integer where ESPI demands one',
  READING_VALUE_RANGE: 'value is beyond Int48',
  READING_START_MISSING: 'an IntervalReading without start',
  READING_DURATION_MISSING: 'an IntervalReading without duration',
  READING_TIME_RANGE: 'start is not between 1970 and 2100',
  READING_TIME_FRACTIONAL: 'start is in milliseconds and not a whole second',
  READING_DURATION_RANGE: 'duration is negative or beyond 2^31 seconds',
  READING_DURATION_AMBIGUOUS: 'start is in milliseconds, and duration may be either',
  READING_COST_RANGE: 'cost is beyond Int48',
  READING_CODE_RANGE: 'a code beyond Int16',
  READING_CODE_MALFORMED: 'quality is not a code',
  READING_FIELD_REPEATED: 'an element that may stand once stands twice',
} as const

export type ReadingRule = keyof typeof readingRules

/** Instants beyond are milliseconds: no sender has reached the year 5138. */
export const milliseconds = 1e11
/** 2100-01-01, in seconds. */
export const lastStart_s = 4_102_444_800
export const maxDuration_s = 2_147_483_647
/** Beside a start in milliseconds, a duration from here on may be 5 minutes or 3½ days. */
export const ambiguousDuration = 300_000

const badness = new Map<number, number>(qualityOrder.map((code, index) => [code, index]))

/** How bad a quality is: the higher the worse; a code that is not listed is worse than all. */
export const badnessOf = (code: number): number => badness.get(code) ?? qualityOrder.length
