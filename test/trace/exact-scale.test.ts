/** The arithmetic that is shown loses no digit. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { int48 } from '../../schemas/espi-codes.ts'
import { arithmeticOf, isExact, scaled } from '../../warehouse/exact-scale.ts'

/** A decimal text as numerator and power of ten. */
function fractionOf(text: string): [numerator: bigint, power: number] {
  const [mantissa = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return [BigInt(whole + fraction), Number(exponent) - fraction.length]
}

test('scaled is value × 10^power for all Int48 values and Int16 powers', () => {
  const value = fc.bigInt({ min: BigInt(int48.min), max: BigInt(int48.max) })
  const power = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -32_768, max: 32_767 }))
  fc.assert(
    fc.property(value, power, (number, at) => {
      const [numerator, found] = fractionOf(scaled(String(number), at))
      const least = Math.min(found, at)
      // both at the lower of the two powers
      expect(numerator * 10n ** BigInt(found - least)).toBe(number * 10n ** BigInt(at - least))
    }),
    { numRuns: 500 },
  )
})

test('energy, other units and what cannot be an energy', () => {
  const wattHours = { value: '980500', powerOfTen: -3, unit: 'Wh', energyKwh: '0.980500000', energyNullReason: null }
  expect(arithmeticOf(wattHours)).toBe('980500 × 10^(-3 − 3) = 0.9805 kWh')
  expect(isExact(wattHours)).toBe(true)
  expect(isExact({ ...wattHours, energyKwh: '0.980500001' })).toBe(false)
  const gas = { value: '17', powerOfTen: -3, unit: 'therm', energyKwh: null, energyNullReason: 'not an energy in Wh' }
  expect(arithmeticOf(gas)).toBe('17 × 10^-3 = 0.017 therm; no energy: not an energy in Wh')
  expect(isExact(gas)).toBe(true)
})
