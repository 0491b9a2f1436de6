/** Explanations of readings that were corrected, repeated, withdrawn, late and contradicted, from real feed files. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import { explainMoment } from '../../warehouse/explain.ts'
import type { Row } from '../support/lake-rows.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import {
  blockEntry,
  feedOf,
  meterReadingEntry,
  readingTypeEntry,
  readingXml,
  usagePointEntry,
} from '../support/small-feed.ts'
import { compareAllRows, saidBy } from './received-fragments.ts'

// 22:00 local: spans of several hours reach into the next day
const origin_s = Date.parse('2026-03-02T06:00:00Z') / 1000
const reading = fc
  .tuple(fc.constantFrom(900, 3600, 14_400), fc.nat(15), fc.integer({ min: 1, max: 2 }))
  .map(([duration, slot, value]) => ({ duration, start: origin_s + (slot % (14_400 / duration)) * duration, value }))
const feed = fc.record({
  published: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
  readings: fc.array(reading, { minLength: 1, maxLength: 8 }),
  isGzip: fc.boolean(),
})
type Feed = ReturnType<typeof feed.generate> extends { value: infer V } ? V : never

const xmlOf = ({ published, readings }: Pick<Feed, 'published' | 'readings'>, salt: number): string => {
  const at = published === null ? null : `2026-03-05T00:0${published}:00Z`
  return `${feedOf(readingTypeEntry('T1'), usagePointEntry(), meterReadingEntry(), blockEntry(readings.map(readingXml), undefined, at))}<!-- ${salt} -->`
}

async function loadGroups(lake: TestLake, groups: readonly (readonly Feed[])[]): Promise<void> {
  let salt = 0
  for (const group of groups) {
    const files: string[] = []
    for (const one of group) {
      const file = join(lake.dir, `${(salt += 1)}.xml`)
      const xml = Buffer.from(xmlOf(one, salt))
      await writeFile(file, one.isGzip ? gzipSync(xml) : xml)
      files.push(file)
    }
    await lake.load(files)
  }
}

/** A, then A again, then a late B between them: the second A becomes a version, whose bytes are found through its entry; a long one covers it all. */
const againThenLate: Feed[][] = [
  [{ published: 1, readings: [{ start: origin_s, duration: 900, value: 1 }], isGzip: false }],
  [{ published: 3, readings: [0, 900].map((s) => ({ start: origin_s + s, duration: 900, value: 1 })), isGzip: false }],
  [{ published: 2, readings: [{ start: origin_s, duration: 900, value: 2 }], isGzip: true }],
  [{ published: 4, readings: [{ start: origin_s, duration: 900, value: 1 }], isGzip: false }],
  [{ published: 5, readings: [{ start: origin_s, duration: 3600, value: 2 }], isGzip: false }],
  // sent again: what it withdraws late is withdrawn by a block
  [{ published: 6, readings: [{ start: origin_s, duration: 3600, value: 2 }], isGzip: false }],
  [{ published: 5, readings: [{ start: origin_s + 1800, duration: 900, value: 1 }], isGzip: false }],
]

const startsOf = (rows: readonly Row[]) =>
  rows.map((row) => `${row['start_at']} ${row['value']} ${row['load_id']}`).sort()

test('current, replaced and withdrawn versions are told apart, and each leads back to its bytes', async () => {
  let withdrawals = 0
  let repeats = 0
  const groups = fc.array(fc.array(feed, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(groups, async (sets) => {
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
