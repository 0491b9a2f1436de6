/** Every row of the real samples leads back to its bytes: the XML at its offset says what the row says. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { explainMoment } from '../../warehouse/explain.ts'
import { plainDecimal } from '../support/lake-rows.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import { sharedPath } from '../support/shared.ts'
import { compareAllRows, saidBy } from './received-fragments.ts'

const samples = sharedPath('espi/samples')
const feeds = samples === undefined ? [] : readdirSync(samples).filter((name) => name.endsWith('.xml'))
const profiles = {
  pge: feeds.filter((name) => name.startsWith('pge-')),
  espi: feeds.filter((name) => !name.startsWith('pge-')),
} as const

describe.skipIf(samples === undefined).each(Object.keys(profiles) as (keyof typeof profiles)[])(
  '%s samples',
  (profile) => {
    let lake: TestLake
    beforeAll(async () => {
      lake = await createLake(profile)
      await lake.load(profiles[profile].map((name) => join(samples ?? '', name)))
    })
    afterAll(() => lake[Symbol.asyncDispose]())

    test('all rows: start, duration, value, quality, cost and TOU as the bytes have them', async () => {
      const compared = await compareAllRows(lake.roots)
      expect(compared.length).toBeGreaterThan(profile === 'pge' ? 90 : 2000)
      expect(compared.filter(({ said, row }) => JSON.stringify(said) !== JSON.stringify(row))).toEqual([])
    })

    test('of every series, an interval explained: its current version is that of core.interval', async () => {
      const rows = await lake.query(
        `SELECT * FROM core.interval QUALIFY row_number() OVER (PARTITION BY series_key ORDER BY hash(start_at)) <= 2`,
      )
      for (const row of rows) {
        const intervals = await explainMoment({
          roots: lake.roots,
          usagePointId: row['usage_point_id'] ?? '',
          meterReadingId: row['meter_reading_id'] ?? '',
          at: new Date(row['start_at'] ?? ''),
          findReading,
        })
        const interval = intervals.find(
          ({ seriesKey, startAt }) => seriesKey === row['series_key'] && startAt === row['start_at'],
        )
        const current = interval?.versions.find(({ state }) => state === 'current')
        expect(current).toMatchObject({
          value: row['value'],
          durationS: Number(row['duration_s']),
          isExact: true,
          qualityCodes: row['quality_codes'],
          qualityClass: row['quality_class'],
          load: { loadId: row['load_id'], sha256: expect.stringMatching(/^[0-9a-f]{64}$/), parser: 'meterlake test' },
        })
        expect(current?.energyKwh === null ? null : plainDecimal(current?.energyKwh ?? '')).toBe(row['energy_kwh'])
        expect(current?.received.state).toBe('shown')
        const xml = current?.received.state === 'shown' ? current.received.xml : ''
        expect(saidBy(xml).value).toBe(row['value'])
      }
      expect(rows.length).toBeGreaterThan(profile === 'pge' ? 2 : 8)
    })
  },
)
