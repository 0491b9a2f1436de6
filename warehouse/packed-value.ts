/** How `current` files leave out what follows from other columns, and how it is restored. Both sides in one place. */

/** Powers of ten for which value follows exactly from energy_kwh at scale 9. */
export const packedPowers = { min: -6, max: 3 } as const

/** SQL of `value` as stored in `current`: NULL where energy_kwh says it. `row` is the alias of the row. */
export const packedValue = (row: string): string =>
  `CASE WHEN ${row}.energy_kwh IS NOT NULL AND ${row}.power_of_ten BETWEEN ${packedPowers.min} AND ${packedPowers.max} THEN NULL ELSE ${row}.value END`

/** SQL of the value as sent, exact: value = energy_kwh × 10^(3 − power_of_ten). Common powers first. */
export function restoredValue(row: string): string {
  const cases = [-3, 0, 3, -6, -5, -4, -2, -1, 1, 2].map(
    (power) =>
      `WHEN ${power} THEN (${row}.energy_kwh::DECIMAL(28,9) * 1${'0'.repeat(3 - power)}::DECIMAL(10,0))::BIGINT`,
  )
  return `CASE WHEN ${row}.value IS NULL AND ${row}.energy_kwh IS NOT NULL THEN CASE ${row}.power_of_ten ${cases.join(' ')} END ELSE ${row}.value END`
}

/** SQL of value × 10^power_of_ten as DECIMAL(38,12), NULL where that is not exact. `value` and `power` are SQL of the two. */
export function exactQuantity(value: string, power: string): string {
  const cases: string[] = []
  const scaled = (p: number): string => {
    if (p < -12)
      return `CASE WHEN ${value} % ${divisor(p)} = 0 THEN (${value} // ${divisor(p)})::DECIMAL(19,0) * 0.000000000001::DECIMAL(19,12) END`
    if (p <= 6) {
      const factor = p >= 0 ? `1${'0'.repeat(p)}` : `0.${'0'.repeat(-p - 1)}1`
      return `${value}::DECIMAL(19,0) * ${factor}::DECIMAL(19,12)`
    }
    const product = `CAST(${value}::HUGEINT * 1${'0'.repeat(p)}::HUGEINT AS DECIMAL(38,12))`
    // 26 digits stand before the point
    return p <= 11 ? product : `CASE WHEN abs(${value}) < 1${'0'.repeat(26 - p)} THEN ${product} END`
  }
  const powers = [-3, 0, 3, -8, -6]
  for (let p = -30; p <= 25; p += 1) if (!powers.includes(p)) powers.push(p)
  for (const p of powers) cases.push(`WHEN ${p} THEN ${scaled(p)}`)
  return `CASE WHEN ${value} = 0 AND ${power} IS NOT NULL THEN 0::DECIMAL(38,12) ELSE CASE ${power} ${cases.join(' ')} END END`
}

/** 10^(−12 − p), at most 10^18: beyond that no Int48 but zero divides. */
const divisor = (p: number): string => `1${'0'.repeat(Math.min(-12 - p, 18))}`
