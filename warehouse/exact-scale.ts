/** Integers at a power of ten as decimal text: how a number was made, for people to check. */

/** Beyond so many digits an exponent says it better. */
const longest = 40

/** `value` × 10^`power`, exact, without trailing zeros: `scaled('-1240', -6)` is `-0.00124`. */
export function scaled(value: string, power: number): string {
  const isNegative = value.startsWith('-')
  const digits = value.replace('-', '')
  if (/^0+$/.test(digits)) return '0'
  if (Math.abs(power) > longest) return `${value}e${power}`
  const sign = isNegative ? '-' : ''
  if (power >= 0) return `${sign}${digits}${'0'.repeat(power)}`
  const padded = digits.padStart(1 - power, '0')
  const fraction = padded.slice(power).replace(/0+$/, '')
  return `${sign}${padded.slice(0, power)}${fraction === '' ? '' : `.${fraction}`}`
}

/** What a row says of its measure; texts are exact numbers. */
export interface Measure {
  readonly value: string | null
  readonly powerOfTen: number | null
  readonly unit: string | null
  readonly energyKwh: string | null
  readonly energyNullReason: string | null
}

/** From the integer as sent to kWh, or to the amount in its own unit and why that is no energy. */
export function arithmeticOf({ value, powerOfTen, unit, energyKwh, energyNullReason }: Measure): string {
  if (value === null) return 'no value: the row withdraws one'
  if (energyKwh !== null && powerOfTen !== null)
    return `${value} × 10^(${powerOfTen} − 3) = ${scaled(value, powerOfTen - 3)} kWh`
  const amount =
    powerOfTen === null
      ? `${value}, power of ten unknown`
      : `${value} × 10^${powerOfTen} = ${scaled(value, powerOfTen)} ${unit ?? '(unit unknown)'}`
  return `${amount}; no energy: ${energyNullReason ?? 'no reason given'}`
}

/** Whether the stored energy is what the arithmetic gives; true where none is stored. */
export function isExact({ value, powerOfTen, energyKwh }: Measure): boolean {
  if (energyKwh === null) return true
  if (value === null || powerOfTen === null) return false
  const plain = energyKwh.includes('.') ? energyKwh.replace(/\.?0+$/, '') : energyKwh
  return scaled(value, powerOfTen - 3) === (plain === '-0' ? '0' : plain)
}
