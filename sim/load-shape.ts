/** How much a usage point takes and gives in a quarter of an hour: integers in the unit its ReadingType can say. */
import type { UsagePointPlan } from './fleet.ts'
import { lengthOfDay_s, weekdayOf } from './pacific-day.ts'
import { hash } from './seeded.ts'

/** Percent of the average by clock hour. */
const homeShape = [
  55, 48, 44, 42, 43, 52, 78, 95, 88, 80, 78, 80, 84, 86, 90, 102, 128, 158, 178, 172, 152, 126, 98, 72,
] as const
const workShape = [
  58, 56, 55, 55, 58, 68, 88, 112, 132, 142, 146, 148, 146, 148, 148, 142, 130, 112, 96, 86, 78, 72, 66, 60,
] as const
/** Percent of the peak by clock hour. */
const sunShape = [0, 0, 0, 0, 0, 0, 3, 14, 34, 56, 76, 90, 98, 100, 92, 76, 52, 26, 8, 0, 0, 0, 0, 0] as const
/** Percent by month. */
const loadSeason = [104, 98, 90, 84, 86, 102, 126, 130, 118, 92, 90, 102] as const
const sunSeason = [46, 58, 74, 88, 96, 100, 100, 96, 84, 68, 52, 42] as const

/** A smallest step of each multiplier that PG&E's meters really take: tenths of a Wh at −3, Wh at 0, kWh at 3. */
const wattHoursPerStep: Readonly<Record<number, number>> = { [-3]: 0.1, 0: 1, 3: 1000 }
const valuePerStep: Readonly<Record<number, number>> = { [-3]: 100, 0: 1, 3: 1 }

/** Clock hour (0…23) of the `elapsed`-th hour of a local day: 3 follows 1 in spring, 1 comes twice in autumn. */
export function clockHour(day: number, elapsed: number): number {
  return elapsed < 2 ? elapsed : elapsed + (86_400 - lengthOfDay_s(day)) / 3600
}

/** What a day looks like before its hours are known: computed once a block. */
interface DayShape {
  readonly day: number
  readonly month: number
  readonly weekend: boolean
  /** Percent of full sun. */
  readonly sun: number
}

export function dayShape(seed: number, usagePoint: UsagePointPlan, day: number): DayShape {
  const month = new Date(day * 86_400_000).getUTCMonth()
  const weekday = weekdayOf(day)
  const cloud = 35 + (hash(seed, usagePoint.index, day, 11) % 66)
  return {
    day,
    month,
    weekend: weekday === 0 || weekday === 6,
    sun: ((sunSeason[month] as number) * cloud) / 100,
  }
}

/** Net load of one quarter (0…99 of the day) of a meter in integer `value` units of `powerOfTen`. */
export function quarterNet(
  seed: number,
  usagePoint: UsagePointPlan,
  shape: DayShape,
  quarter: number,
  powerOfTen: number,
  meter: number,
): number {
  const hour = clockHour(shape.day, quarter >> 2)
  const home = usagePoint.customerClass === 'RES'
  const percent = (home ? homeShape : workShape)[hour] as number
  const noise = 70 + (hash(seed, usagePoint.index, shape.day * 100 + quarter, 12 + meter) % 61)
  const calm = shape.weekend && !home ? 55 : 100
  const load_w = (usagePoint.average_w * percent * noise * calm * (loadSeason[shape.month] as number)) / 1e8
  const sun_w = (usagePoint.solar_w * (sunShape[hour] as number) * shape.sun) / 1e4
  const step = wattHoursPerStep[powerOfTen] ?? 1
  return Math.trunc((load_w - sun_w) / 4 / step) * (valuePerStep[powerOfTen] ?? 1)
}

/** TOU code of the feed's dictionary for a clock hour: 1–3 summer, 4–6 and 10 winter, 7–9 spring. */
export function touCode(shape: DayShape, hour: number): number {
  const peak = hour >= 16 && hour < 21
  const shoulder = hour === 14 || hour === 15 || hour === 21 || hour === 22
  const sunny = hour >= 9 && hour < 14
  if (shape.month >= 5 && shape.month <= 8) return peak ? 1 : shoulder ? 3 : 2
  if (shape.month >= 2 && shape.month <= 4) return peak ? 7 : sunny ? 9 : 8
  if (peak) return 4
  if (sunny && shape.weekend) return 10
  return shoulder ? 5 : 6
}
