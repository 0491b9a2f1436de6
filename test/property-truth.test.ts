/** The generator knows what it sent; the lake must hold just that, to the last digit, whatever the order and however often it comes. */
import * as fc from 'fast-check'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFleet } from '../sim/fleet.ts'
import { changesPackage, dailyPackage, type FeedPackage, historyPackage } from '../sim/package.ts'
import { renderFeed } from '../sim/render-feed.ts'
import { createLake, type TestLake } from './support/lake.ts'
import { countedRows, intervalLinesSql, truthLines } from './support/truth-lines.ts'

/** 20 usage points show every kind: NEM, net, quarters, two meters, gas, registers of reactive energy, MV-90, bills only. */
const meters = 20

function* daysFrom(first: string, count: number): Generator<string> {
  for (let day = 0; day < count; day++) {
    yield new Date(Date.parse(`${first}T00:00:00Z`) + day * 86_400_000).toISOString().slice(0, 10)
  }
}

/** Packages over a change of the clock, with corrections and bills of the days before, a history and a list of changes. */
function packagesOf(seed: number, first: string): FeedPackage[] {
  const fleet = createFleet({ seed, meters, firstPackage: first })
  const days = [...daysFrom(first, 6)]
  const last = days[5] ?? first
  const noon = Date.parse(`${last}T23:30:00Z`) + 2 * 86_400_000
  return [
    historyPackage(fleet, days[0] ?? first, days[2] ?? first),
    ...days.map((day) => dailyPackage(fleet, day)),
    changesPackage(fleet, days[1] ?? first, last, noon),
  ]
}

async function writeFeeds(lake: TestLake, packages: readonly FeedPackage[]): Promise<string[]> {
  const files: string[] = []
  for (const [at, feedPackage] of packages.entries()) {
    for (const service of ['electricity', 'gas'] as const) {
      const file = join(lake.dir, `${at}-${service}.xml`)
      await writeFile(file, [...renderFeed(feedPackage, service)])
      files.push(file)
    }
  }
  return files
}

async function expectTruth(lake: TestLake, packages: readonly FeedPackage[], when: string): Promise<void> {
  const found = (await lake.query(intervalLinesSql)).map((row) => row['line'] ?? '').sort()
  expect({ when, rows: found }).toEqual({ when, rows: truthLines(packages) })
  // sums from the truth's integers, in 10^-9 kWh
  const sums = new Map<number, bigint>()
  for (const { energy_kwh, flow_direction } of countedRows(packages)) {
    if (energy_kwh === null) continue
    sums.set(flow_direction, (sums.get(flow_direction) ?? 0n) + BigInt(energy_kwh.replace('.', '')))
  }
  const [hourly] = await lake.query(
    'SELECT (sum(delivered_kwh) * 1000000000)::HUGEINT AS d, (sum(received_kwh) * 1000000000)::HUGEINT AS r FROM mart.load_hourly',
  )
  expect({ when, ...hourly }).toEqual({ when, d: String(sums.get(1) ?? 0n), r: String(sums.get(19) ?? 0n) })
}

const delivery = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  first: fc.constantFrom('2025-10-30', '2025-03-06', '2024-06-18'),
  /** Sort keys: the order of delivery. */
  order: fc.array(fc.nat(), { minLength: 16, maxLength: 16 }),
  /** How many files go into each commit. */
  groups: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 16, maxLength: 16 }),
})

test(
  'the lake equals the truth after any order of delivery, and after everything came twice',
  { timeout: 900_000 },
  async () => {
    expect.hasAssertions()
    await fc.assert(
      fc.asyncProperty(delivery, async ({ seed, first, order, groups }) => {
        const packages = packagesOf(seed, first)
        await using lake = await createLake()
        const files = await writeFeeds(lake, packages)
        const shuffled = files
          .map((file, at) => ({ file, key: order[at] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ file }) => file)
        for (let at = 0, group = 0; at < shuffled.length; group++) {
          const size = groups[group] ?? 1
          await lake.load(shuffled.slice(at, at + size))
          at += size
        }
        await expectTruth(lake, packages, `seed ${seed}, once`)
        await lake.load(files)
        await expectTruth(lake, packages, `seed ${seed}, twice`)
      }),
      { numRuns: 5, endOnFailure: true },
    )
  },
)

test('the state after each day is what was known then, also later', { timeout: 300_000 }, async () => {
  const fleet = createFleet({ seed: 7, meters, firstPackage: '2025-10-31' })
  const packages = [...daysFrom('2025-10-31', 4)].map((day) => dailyPackage(fleet, day))
  await using lake = await createLake()
  const moments: string[] = []
  for (const feedPackage of packages) {
    await lake.load(await writeFeeds(lake, [feedPackage]))
    const [row] = await lake.query('SELECT max(known_at) AS at FROM ops.load')
    moments.push(row?.['at'] ?? '')
  }
  for (const [at, moment] of moments.entries()) {
    const known = await lake.query(
      intervalLinesSql.replace('core.interval', `core.interval_asof(TIMESTAMPTZ '${moment}')`),
    )
    const expected = truthLines(packages.slice(0, at + 1))
    expect({ moment, rows: known.map((row) => row['line'] ?? '').sort() }).toEqual({ moment, rows: expected })
  }
})
