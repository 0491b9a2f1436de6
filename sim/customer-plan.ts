/** Personal data of a fleet as data: invented, seeded, a pure function of usage point and day. */
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { localDayOf, startOfDay_s } from './pacific-day.ts'
import { base64 } from './reading-type-plan.ts'
import { hash } from './seeded.ts'

const givenNames = 'ADA BRUNO CELIA DMITRI ESTHER FELIX GRETA HUGO INES JONAS KIRI LEO'.split(' ')
const familyNames = 'AMBERLEY BRACKWATER COLDSTREAM DUNMORE EVERHART FENWICK GALLOWAY HOLLINS'.split(' ')
const firms = [
  'MERIDIAN BAKERY',
  'OAK & ANCHOR FOUNDRY',
  'SALTGRASS FARMS',
  'BLUE HERON COLD STORAGE',
  'TIDEWATER DEPOT',
]
const streets = ['EXAMPLE RD', 'SPECIMEN AVE', 'SAMPLE ST', 'INVENTED WAY', 'PLACEHOLDER CT']
const towns = [
  { name: 'EUREKA', zip: '95501' },
  { name: 'ARCATA', zip: '95521' },
  { name: 'FORTUNA', zip: '95540' },
] as const
const programs = ['PEAK DAY SAVER', 'COOL HOURS', 'BASE INTERRUPTIBLE'] as const

/** Enrolment of an agreement in a demand-response program; dates in seconds of Unix time. */
export interface ProgramPlan {
  readonly name: string
  readonly status: 'enrolled' | 'unenrolled' | 'enrolledPending'
  readonly enrolled_s: number
  readonly unenrolled_s: number | undefined
  readonly endRegardless_s: number
  readonly endWithout_s: number
  /** Watts. */
  readonly nomination_w: number
}

interface MeterPlan {
  readonly serial: string
  readonly utcNumber: string
  readonly intervalLength_s: number
  readonly ctRatio: number | undefined
}

/** What a customer feed says of one usage point on a day. */
export interface CustomerPlan {
  readonly customerId: string
  readonly name: string
  readonly accountId: string
  readonly accountName: string
  readonly phone: string
  readonly email: string
  /** Where bills go: changes from time to time. */
  readonly billingAddress: string
  /** The SAID; the agreement's id is the UsagePoint's id. */
  readonly agreementName: string
  readonly locationId: string
  readonly address: string
  readonly town: string
  readonly zip: string
  readonly outageBlock: string
  readonly signDate_s: number
  readonly tariff: string
  /** As sent; CARE and the like among them. */
  readonly rateOptions: readonly string[]
  readonly hasGeneration: boolean
  readonly voltage: string
  /** Pending change. */
  readonly closing: { readonly at_s: number; readonly reason: string } | undefined
  readonly meters: readonly MeterPlan[]
  readonly programs: readonly ProgramPlan[]
}

/** Facts of customers change from this local day on (2020-01-01), each a week after the last. */
const firstChange = 18_262

/** How often what is known of a usage point's customer has changed by that time. */
function changesUntil(chance: number, generatedAt_ms: number): number {
  const day = localDayOf(generatedAt_ms / 1000)
  return day < firstChange ? 0 : 1 + Math.floor((day - firstChange + (chance % 7)) / 7)
}

/** The customer behind a usage point, as a feed generated at that time says. Gas is on the account of the usage point before it. */
export function customerPlan(fleet: Fleet, usagePoint: UsagePointPlan, generatedAt_ms: number): CustomerPlan {
  const owner =
    usagePoint.service === 'gas' && usagePoint.index > 0 ? fleet.usagePoint(usagePoint.index - 1) : usagePoint
  const chance = (topic: number, of = usagePoint): number => hash(fleet.seed, of.index, 200 + topic)
  const pick = <T>(list: readonly T[], topic: number, of = usagePoint): T => list[chance(topic, of) % list.length] as T
  const digits = (topic: number, of = usagePoint): string => String(1_000_000_000 + (chance(topic, of) % 900_000_000))
  const town = pick(towns, 5)
  const changes = changesUntil(chance(11), generatedAt_ms)
  const ownerChanges = changesUntil(chance(11, owner), generatedAt_ms)
  const name =
    owner.customerClass === 'RES'
      ? `${pick(givenNames, 1, owner)} ${pick(familyNames, 2, owner)}`
      : `${pick(firms, 1, owner)} ${1 + (owner.index % 97)}`
  const { customerClass } = usagePoint
  const isResidential = customerClass === 'RES'
  return {
    customerId: base64(digits(0, owner)),
    name,
    accountId: digits(3, owner),
    accountName: digits(4, owner),
    phone: `555-01${String((chance(12, owner) + ownerChanges) % 100).padStart(2, '0')}`,
    email: `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '.')}@mail.example`,
    billingAddress: `${1 + ((chance(13, owner) + ownerChanges) % 4900)} ${pick(streets, 14, owner)} # ${1 + (owner.index % 40)}`,
    agreementName: digits(6),
    locationId: base64(digits(7)),
    address: `${1 + (chance(8) % 4900)} ${pick(streets, 9)}`,
    town: town.name,
    zip: town.zip,
    outageBlock: `${1 + (chance(15) % 14)}${'ABCD'.charAt(chance(15) % 4)}`,
    signDate_s: startOfDay_s(15_000 + (chance(10) % 4000)),
    // some move from schedule to schedule
    tariff: chance(16) % 5 === 0 && changes % 2 === 1 ? 'HETOUD' : usagePoint.tariff,
    rateOptions: [
      'CCA_TBS',
      ...(isResidential && chance(17) % 4 === 0 ? ['CARE'] : []),
      ...(isResidential && chance(17) % 4 === 1 ? ['FERA'] : []),
      ...(isResidential && chance(18) % 5 === 0 ? ['Medical%20Baseline'] : []),
      ...(usagePoint.solar_w > 0 ? ['NEM2'] : []),
      ...(customerClass === 'COM/IND' && chance(19) % 3 === 0 ? ['STANDBY'] : []),
    ],
    hasGeneration: usagePoint.solar_w > 0,
    voltage: usagePoint.tariff.endsWith('T')
      ? 'Transmission'
      : usagePoint.tariff.endsWith('P')
        ? 'Primary'
        : 'Secondary',
    closing: chance(20) % 6 === 0 ? { at_s: startOfDay_s(20_500 + (chance(20) % 90)), reason: 'MOVE OUT' } : undefined,
    meters: [...new Map(usagePoint.series.map((series) => [series.meter, series.readingType.intervalLength_s]))].map(
      ([serial, intervalLength_s]) => ({
        serial,
        utcNumber: `U${serial}`,
        intervalLength_s,
        ctRatio: customerClass === 'COM/IND' ? 40 : undefined,
      }),
    ),
    programs: usagePoint.service === 'gas' ? [] : planPrograms(chance(21), changes),
  }
}

function planPrograms(chance: number, changes: number): readonly ProgramPlan[] {
  return programs.slice(0, chance % 4 === 0 ? 0 : chance % 3).map((name, index) => {
    const enrolled = 18_500 + ((chance + index) % 1000)
    const isGone = (chance + index + changes) % 5 === 0
    return {
      name,
      status: isGone ? 'unenrolled' : (chance + index) % 11 === 0 ? 'enrolledPending' : 'enrolled',
      enrolled_s: startOfDay_s(enrolled),
      unenrolled_s: isGone ? startOfDay_s(enrolled + 365) : undefined,
      endRegardless_s: startOfDay_s(enrolled + 30),
      endWithout_s: startOfDay_s(enrolled + 400),
      nomination_w: 1000 * (1 + (chance % 90)),
    }
  })
}
