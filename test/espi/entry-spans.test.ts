/** Entries of feeds as byte ranges, however the bytes come. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scanEntries } from '../../espi/entry-spans.ts'
import type { EntrySpan } from '../../schemas/entry-span.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { sharedPath } from '../support/shared.ts'

function spansOf(bytes: Buffer, sizes: readonly number[] = []): EntrySpan[] {
  const spans: EntrySpan[] = []
  const chunks: Buffer[] = []
  let at = 0
  for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)))
  scanEntries([...chunks, bytes.subarray(at)], (span) => spans.push(span))
  return spans
}

const fleet = createFleet({ seed: 3, meters: 4, firstPackage: '2025-11-02' })
const feed = Buffer.concat([...renderFeed(dailyPackage(fleet, '2025-11-02'), 'electricity')])

test('each entry from its first byte to its last, its readings in it, in chunks of any size', () => {
  const text = feed.toString('latin1')
  const spans = spansOf(feed)
  expect(spans.length).toBe(text.match(/<\/(?:\w+:)?entry>/g)?.length)
  expect(spans.flatMap(({ readings }) => readings).length).toBe(text.match(/<\/(?:\w+:)?IntervalReading>/g)?.length)
  for (const { from, to, hrefs, readings, isWhole, published } of spans) {
    const entry = text.slice(from, to)
    expect(entry).toMatch(/^<(?:\w+:)?entry[\s>][\s\S]*<\/(?:\w+:)?entry>$/)
    expect(entry.match(/<\/(?:\w+:)?entry>/g)).toHaveLength(1)
    expect([isWhole, hrefs.length > 0]).toEqual([true, true])
    expect(entry).toContain(published)
    for (const reading of readings) {
      const xml = text.slice(reading.from, reading.to)
      expect(xml).toMatch(/^<(?:\w+:)?IntervalReading[\s>][\s\S]*<\/(?:\w+:)?IntervalReading>$/)
      expect(xml).toContain(`start>${reading.startS}<`)
    }
  }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 30 }), (sizes) => {
      expect(spansOf(feed, sizes)).toEqual(spans)
    }),
    { numRuns: 20 },
  )
})

test('where a feed breaks off, or is no XML any more, all from there on is one span with what it refers to', () => {
  const cut = feed.subarray(0, Math.floor(feed.length * 0.6))
  const [last] = spansOf(cut).slice(-1)
  expect(last).toMatchObject({ to: cut.length, isWhole: false })
  const second = spansOf(feed)[1]
  const bad = Buffer.from(feed)
  bad.write('<<', (second?.to ?? 0) - 20, 'latin1')
  const spans = spansOf(bad, [10_000, 10_000])
  expect(spans).toHaveLength(2)
  expect(spans[1]).toMatchObject({ from: second?.from, to: bad.length, isWhole: false })
  for (const { usagePointId } of fleet.usagePoints())
    expect(spans[1]?.hrefs.some((href) => href.includes(`/${usagePointId}`))).toBe(feed.includes(usagePointId))
  expect(spansOf(Buffer.from('no XML, but UsagePoint/17/MeterReading/2'))).toMatchObject([
    { from: 0, to: 40, hrefs: ['UsagePoint/17/MeterReading/2'], isWhole: false },
  ])
  expect(spansOf(Buffer.alloc(0))).toEqual([])
})

test('the samples', () => {
  const samples = sharedPath('espi/samples')
  if (samples === undefined) return
  const entries = readdirSync(samples).flatMap((name) => {
    if (!name.endsWith('.xml')) return []
    const bytes = readFileSync(join(samples, name))
    return spansOf(bytes).flatMap(({ from, to, isWhole }) => (isWhole ? [bytes.toString('latin1', from, to)] : []))
  })
  expect(entries.length).toBeGreaterThan(100)
  expect(entries.filter((entry) => !/^<(?:\w+:)?entry[\s>][\s\S]*<\/(?:\w+:)?entry\s*>$/.test(entry))).toEqual([])
})
