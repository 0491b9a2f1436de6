/** Markup memory on and off: equal rows, offsets, quarantine, drift and errors for every input. `npm run fuzz` goes on where this ends. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage, historyPackage } from '../../sim/package.ts'
import { renderCustomerFeed } from '../../sim/render-customer.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { readBothWays } from '../support/both-ways.ts'
import { spoiledFeed } from '../support/mutated-feeds.ts'
import { sharedPath } from '../support/shared.ts'

const chunkings = [[1 << 20], [1 << 16], [4099], [97], [1]] as const

describe('whole feeds', () => {
  const samples = sharedPath('espi/samples')
  const names = samples === undefined ? [] : readdirSync(samples).filter((name) => name.endsWith('.xml'))
  test.skipIf(samples === undefined)('the real samples', () => {
    const different = names.flatMap((name) =>
      chunkings
        .filter(([size]) => !readBothWays(readFileSync(`${samples}/${name}`), [size]).equal)
        .map(([size]) => [name, size]),
    )
    expect(different).toEqual([])
  })

  test('generated feeds, most of them the fast way', () => {
    const fleet = createFleet({ seed: 5, meters: 20 })
    const feeds = [
      ...renderAll(dailyPackage(fleet, '2025-11-03')),
      ...renderAll(historyPackage(fleet, '2025-11-01', '2025-11-03')),
      Buffer.concat([...renderCustomerFeed(fleet, 0)]),
    ]
    for (const feed of feeds)
      for (const [size] of chunkings.slice(0, 4)) {
        const { on, equal } = readBothWays(feed, [size])
        expect(equal).toBe(true)
        expect(on.error).toBeUndefined()
        const most = size === 1 << 20 && feed.length > 100_000 ? feed.length / 4 : feed.length
        expect(on.slowBytes).toBeLessThanOrEqual(most)
      }
  })
})

function firstDifference(on: string, off: string): string {
  const lines = off.split('\n')
  const at = on.split('\n').findIndex((line, index) => line !== lines[index])
  return `with memory ${on.split('\n')[at] ?? 'nothing'}, without ${lines[at] ?? 'nothing'}`
}

const renderAll = (feedPackage: ReturnType<typeof dailyPackage>) =>
  (['electricity', 'gas'] as const).map((service) => Buffer.concat([...renderFeed(feedPackage, service)]))

describe('spoiled feeds', () => {
  /** Vitest runs these four side by side with other files; together they take about a minute of a core. */
  const cases = 5000
  test.each([0, 1, 2, 3])(
    'quarter %i of the seeds',
    (quarter) => {
      let fast = 0
      let read = 0
      const ends = new Set<string | undefined>()
      for (let seed = quarter * cases; seed < (quarter + 1) * cases; seed++) {
        const { feed, chunkSizes, what } = spoiledFeed(seed)
        const { on, off, equal } = readBothWays(feed, chunkSizes)
        if (!equal) throw new Error(`seed ${seed} (${what}): ${firstDifference(on.told, off.told)}`)
        ends.add(on.error)
        if (on.error !== undefined) continue
        read += feed.length
        fast += feed.length - on.slowBytes
      }
      // the cases are worth something: much is read, by what was learned, and refused in several ways
      expect(fast / read).toBeGreaterThan(0.4)
      expect(ends.size).toBeGreaterThan(4)
    },
    120_000,
  )

  test('what failed once', () => {
    const folder = join(import.meta.dirname, '../fuzz/failures')
    const kept = existsSync(folder) ? readdirSync(folder) : []
    for (const name of kept) {
      const feed = readFileSync(join(folder, name))
      for (const [size] of chunkings) {
        const { on, off } = readBothWays(feed, [size])
        expect({ name, told: on.told }).toEqual({ name, told: off.told })
      }
    }
  })
})
