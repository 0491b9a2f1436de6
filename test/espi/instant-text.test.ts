/** Dates straight from bytes are the dates of the text, or none. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readInstant, readPlainInstant } from '../../espi/instant-text.ts'

test('what is read from bytes is what is read from the text', () => {
  const date = fc.date({ min: new Date('0050-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  const text = fc
    .tuple(
      date,
      fc.constantFrom('', '.5', '.25', '.006', '.000001', '.1234567', '.'),
      fc.constantFrom('Z', '+01:00', ''),
    )
    .map(([at, fraction, zone]) => at.toISOString().replace(/\.\d+Z/, fraction + zone))
  const broken = fc
    .tuple(text, fc.nat(26), fc.constantFrom('0', '3', '9', '-', ':', 'T', ' '))
    .map(([whole, at, other]) => {
      return whole.slice(0, at) + other + whole.slice(at + 1)
    })
  let plain = 0
  fc.assert(
    fc.property(fc.oneof(text, broken), (sent) => {
      const bytes = Buffer.from(`<${sent}<`)
      const us = readPlainInstant(bytes, 1, bytes.length - 1)
      if (Number.isNaN(us)) return
      plain += 1
      expect(readInstant(sent)).toEqual({ us, zoned: true })
    }),
    { numRuns: 20_000 },
  )
  expect(plain).toBeGreaterThan(2000)
  const leap = Buffer.from('2024-02-29T00:00:00Z2023-02-29T00:00:00Z')
  expect([readInstant('2024-02-29T00:00:00Z')?.us, readPlainInstant(leap, 20, 40)]).toEqual([
    1_709_164_800_000_000,
    Number.NaN,
  ])
})
