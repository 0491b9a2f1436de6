/** ReadingTypes as PG&E sends them: id = base64(`uom:null:intervalLength:flowDirection`), eleven codes. */

export interface ReadingTypePlan {
  readonly id: string
  readonly accumulationBehaviour: number
  readonly commodity: number
  readonly dataQualifier: number
  readonly defaultQuality: number
  readonly flowDirection: number
  readonly intervalLength_s: number
  readonly kind: number
  readonly powerOfTen: number
  readonly timeAttribute: number
  readonly uom: number
  readonly measuringPeriod: number
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64')

const cache = new Map<string, ReadingTypePlan>()

/**
 * The second field is always `null` on the wire, and the multiplier with it −3; another multiplier needs another ReadingType,
 * so the field tells them apart (`m0`, `m3`).
 */
function electric(uom: 72 | 73, step_s: 900 | 3600, flow: 1 | 4 | 19, powerOfTen: -3 | 0 | 3): ReadingTypePlan {
  const id = base64(`${uom}:${powerOfTen === -3 ? 'null' : `m${powerOfTen}`}:${step_s}:${flow}`)
  let plan = cache.get(id)
  if (!plan) {
    plan = {
      id,
      accumulationBehaviour: 4,
      commodity: 1,
      dataQualifier: 12,
      defaultQuality: 17,
      flowDirection: flow,
      intervalLength_s: step_s,
      kind: 12,
      powerOfTen,
      timeAttribute: 0,
      uom,
      measuringPeriod: step_s === 3600 ? 7 : 2,
    }
    cache.set(id, plan)
  }
  return plan
}

const gas: ReadingTypePlan = {
  id: base64('169:null:86400:1'),
  accumulationBehaviour: 4,
  commodity: 7,
  dataQualifier: 12,
  defaultQuality: 17,
  flowDirection: 1,
  intervalLength_s: 86_400,
  kind: 12,
  powerOfTen: -8,
  timeAttribute: 11,
  uom: 169,
  measuringPeriod: 4,
}

export const readingTypes = { electric, gas } as const
