/** A seeded fleet of a Community Choice Aggregator as data: every usage point is a pure function of seed and index. */
import { hash } from './seeded.ts'
import { type ReadingTypePlan, readingTypes } from './reading-type-plan.ts'

export type Service = 'electricity' | 'gas'
type CustomerClass = 'RES' | 'AGR' | 'COM/IND' | 'Other'

/** One series: a MeterReading. What it measures is in `readingType`; how it behaves in the rest. */
export interface SeriesPlan {
  /** Ordinal in its usage point. */
  readonly index: number
  readonly readingType: ReadingTypePlan
  /** Serial number of the meter; several meters may stand on one usage point. */
  readonly meter: string
  readonly meterOrdinal: number
  /** Which part of the load this channel sees. */
  readonly channel: 'delivered' | 'received' | 'net' | 'reactive' | 'gas'
  /** `shared`: the id all customers of one ReadingType share; `meter`: carries the meter (since 2024-06-20 re-encoded). */
  readonly idForm: 'shared' | 'meter'
  /** False: readings say no quality until they are billed; the default of the ReadingType (17) holds. */
  readonly statesQuality: boolean
}

export interface UsagePointPlan {
  readonly index: number
  readonly service: Service
  /** 10 digits, unique in the fleet. */
  readonly usagePointId: string
  /** 7 digits, unique in the fleet. */
  readonly subscriptionId: string
  readonly customerClass: CustomerClass
  readonly tariff: string
  readonly readCycle: string
  /** Scale of the load, watts on average. */
  readonly average_w: number
  /** Generation on site, peak watts; 0 without. */
  readonly solar_w: number
  /** MV-90: two days late as a rule, quality 14 is final. */
  readonly mv90: boolean
  /** Corrected days of it change their interval length (900 s ↔ 3600 s). */
  readonly changesInterval: boolean
  /** Empty: a customer without interval meter, who has bills only. */
  readonly series: readonly SeriesPlan[]
}

export interface FleetOptions {
  /** Default 1. */
  readonly seed?: number
  /** Usage points; default 200. From 20 on every kind occurs. */
  readonly meters?: number
  /** First operating day ever sent, `YYYY-MM-DD`: from the day after, packages may hold blocks without their parents. Default 2023-01-01. */
  readonly firstPackage?: string
  readonly bulkId?: string
  /** One day of a series in so many is corrected once more 200 to 1,090 days later; default 60. */
  readonly correctsOneIn?: number
}

export interface Fleet {
  readonly seed: number
  readonly meters: number
  readonly firstPackage: string
  readonly bulkId: string
  readonly correctsOneIn: number
  /** Throws RangeError outside 0…meters−1. */
  usagePoint(index: number): UsagePointPlan
  usagePoints(): Iterable<UsagePointPlan>
}

type Kind =
  | 'hourly'
  | 'nem'
  | 'quarter'
  | 'gas'
  | 'whole'
  | 'net'
  | 'twoMeters'
  | 'quarterNem'
  | 'mega'
  | 'reactive'
  | 'billsOnly'
  | 'quarterNet'
  | 'mv90'
  | 'unstated'
  | 'farm'

/** The kinds in the order of usage points, repeating: 20 usage points show every one. */
const kinds: readonly Kind[] = [
  'hourly',
  'nem',
  'quarter',
  'gas',
  'whole',
  'net',
  'twoMeters',
  'quarterNem',
  'mega',
  'reactive',
  'billsOnly',
  'hourly',
  'gas',
  'quarterNet',
  'mv90',
  'nem',
  'hourly',
  'unstated',
  'farm',
  'hourly',
]

interface KindFacts {
  readonly customerClass: CustomerClass
  readonly tariff: string
  readonly average_w: number
  readonly solar?: true
  readonly step_s?: 900 | 3600
  readonly powerOfTen?: -3 | 0 | 3
}

const facts: Readonly<Record<Kind, KindFacts>> = {
  hourly: { customerClass: 'RES', tariff: 'HETOUC', average_w: 700 },
  nem: { customerClass: 'RES', tariff: 'HNEM2EV2A', average_w: 900, solar: true },
  quarter: { customerClass: 'COM/IND', tariff: 'HB10S', average_w: 6000, step_s: 900 },
  gas: { customerClass: 'RES', tariff: 'HG1', average_w: 600 },
  whole: { customerClass: 'RES', tariff: 'HE1', average_w: 650, powerOfTen: 0 },
  net: { customerClass: 'RES', tariff: 'HETOUC', average_w: 800, solar: true },
  twoMeters: { customerClass: 'Other', tariff: 'HB1', average_w: 2500 },
  quarterNem: { customerClass: 'COM/IND', tariff: 'HNEM2B19S', average_w: 30_000, solar: true, step_s: 900 },
  mega: { customerClass: 'COM/IND', tariff: 'HE20P', average_w: 2_400_000, step_s: 900, powerOfTen: 3 },
  reactive: { customerClass: 'COM/IND', tariff: 'HB19S', average_w: 80_000, step_s: 900 },
  billsOnly: { customerClass: 'RES', tariff: 'HE1', average_w: 500 },
  quarterNet: { customerClass: 'Other', tariff: 'HB6', average_w: 1500, solar: true, step_s: 900 },
  mv90: { customerClass: 'COM/IND', tariff: 'HB20T', average_w: 400_000, step_s: 900 },
  unstated: { customerClass: 'RES', tariff: 'HETOUD', average_w: 750 },
  farm: { customerClass: 'AGR', tariff: 'HAG5A', average_w: 12_000, step_s: 900 },
}

/** The fleet of these options: lazy, so that a million meters cost nothing until they are asked for. */
export function createFleet(options: FleetOptions = {}): Fleet {
  const { seed = 1, meters = 200, firstPackage = '2023-01-01', bulkId = '50916', correctsOneIn = 60 } = options
  const usagePoint = (index: number): UsagePointPlan => {
    if (!Number.isInteger(index) || index < 0 || index >= meters) throw new RangeError(`no usage point ${index}`)
    return planUsagePoint(seed, index)
  }
  return {
    seed,
    meters,
    firstPackage,
    bulkId,
    correctsOneIn,
    usagePoint,
    *usagePoints() {
      for (let index = 0; index < meters; index += 1) yield planUsagePoint(seed, index)
    },
  }
}

function planUsagePoint(seed: number, index: number): UsagePointPlan {
  const kind = kinds[index % kinds.length] as Kind
  const { customerClass, tariff, average_w, solar } = facts[kind]
  const spread = 0.5 + hash(seed, index, 1) / 2 ** 32
  return {
    index,
    service: kind === 'gas' ? 'gas' : 'electricity',
    // Multiplying by a number prime to the range scatters ids without a collision.
    usagePointId: String(1_000_000_000 + ((index * 1_000_003 + (seed % 9973) * 7) % 8_999_999_993)),
    subscriptionId: String(4_000_000 + index),
    customerClass,
    tariff,
    readCycle: String.fromCharCode(65 + (index % 21)),
    average_w: Math.round(average_w * spread),
    solar_w: solar ? Math.round(average_w * spread * 5) : 0,
    mv90: kind === 'mv90',
    changesInterval: index % 20 === 16 || index % 20 === 18,
    series: planSeries(seed, index, kind),
  }
}

function planSeries(seed: number, index: number, kind: Kind): readonly SeriesPlan[] {
  const { step_s = 3600, powerOfTen = -3 } = facts[kind]
  const meters = kind === 'twoMeters' ? 2 : 1
  const shared = meters === 1 && index % 2 === 0
  const types: { readonly readingType: ReadingTypePlan; readonly channel: SeriesPlan['channel'] }[] = []
  if (kind === 'billsOnly') return []
  if (kind === 'gas') types.push({ readingType: readingTypes.gas, channel: 'gas' })
  else if (kind === 'net' || kind === 'quarterNet')
    types.push({ readingType: readingTypes.electric(72, step_s, 4, powerOfTen), channel: 'net' })
  else types.push({ readingType: readingTypes.electric(72, step_s, 1, powerOfTen), channel: 'delivered' })
  if (kind === 'nem' || kind === 'quarterNem')
    types.push({ readingType: readingTypes.electric(72, step_s, 19, powerOfTen), channel: 'received' })
  if (kind === 'reactive')
    types.push({ readingType: readingTypes.electric(73, step_s, 1, powerOfTen), channel: 'reactive' })
  const plans: SeriesPlan[] = []
  for (let meter = 0; meter < meters; meter += 1) {
    for (const { readingType, channel } of types) {
      plans.push({
        index: plans.length,
        readingType,
        channel,
        meterOrdinal: meter,
        meter: String(1_000_000_000 + (hash(seed, index, 2, meter) % 900_000_000)),
        idForm: shared ? 'shared' : 'meter',
        statesQuality: kind !== 'unstated',
      })
    }
  }
  return plans
}
