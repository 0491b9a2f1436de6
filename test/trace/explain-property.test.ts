/** Explanations of readings that were corrected, repeated, withdrawn, late and contradicted, from real feed files. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import { explainMoment } from '../../warehouse/explain.ts'
import type { Row } from '../support/lake-rows.ts'
import { createLake } from '../support/lake.ts'
import { againThenLate, feedGroups, loadGroups, origin_s } from './colliding-feeds.ts'
import { compareAllRows, saidBy } from './received-fragments.ts'

const startsOf = (rows: readonly Row[]) =>
  rows.map((row) => `${row['start_at']} ${row['value']} ${row['load_id']}`).sort()

test('current, replaced and withdrawn versions are told apart, and each leads back to its bytes', async () => {
  let withdrawals = 0
  let repeats = 0
  await fc.assert(
    fc.asyncProperty(feedGroups, async (sets) => {
      await using lake = await createLake()
      await loadGroups(lake, sets)
      const compared = await compareAllRows(lake.roots)
      expect(compared.filter(({ said, row }) => JSON.stringify(said) !== JSON.stringify(row))).toEqual([])
      const currents = new Set<string>()
      for (let at = origin_s; at < origin_s + 14_400; at += 900) {
        const intervals = await explainMoment({
          roots: lake.roots,
          usagePointId: 'U1',
          at: new Date(at * 1000 + 1000),
          findReading,
        }).catch((error: unknown) => {
          if (isMeterlakeError(error) && error.code === 'NOT_IN_LAKE') return []
          throw error
        })
        for (const { startAt, versions, confirmations } of intervals) {
          repeats += confirmations.length
          expect(versions.filter(({ state }) => state === 'current').length).toBeLessThanOrEqual(1)
          for (const { state, value, load, received, isExact } of versions) {
            if (received.state !== 'shown') throw new Error(`${load.loadId}: ${received.reason}`)
            const said = saidBy(received.xml)
            if (state === 'current') currents.add(`${startAt} ${value} ${load.loadId}`)
            expect(value ?? said.value).toBe(said.value)
            expect(isExact).toBe(value !== null || state === 'withdrawal' || state === 'repeated')
            if (state !== 'withdrawal') continue
            // what withdrew it covers it
            withdrawals += 1
            const [from, length] = [Number(said.start_s), Number(said.duration_s)]
            const start_s = Date.parse(startAt) / 1000
            expect(from < start_s && from + length > start_s).toBe(true)
          }
        }
      }
      expect([...currents].sort()).toEqual(
        startsOf(await lake.query('SELECT start_at, value, load_id FROM core.interval')),
      )
    }),
    { numRuns: 3, seed: 5, examples: [[againThenLate]] },
  )
  expect(withdrawals).toBeGreaterThan(0)
  expect(repeats).toBeGreaterThan(0)
})
