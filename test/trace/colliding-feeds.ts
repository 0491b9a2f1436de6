/** Feeds of one meter as files, made to collide: lengths that differ, repeats, corrections, late ones, contradictions. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import type { TestLake } from '../support/lake.ts'
import {
  blockEntry,
  feedOf,
  meterReadingEntry,
  readingTypeEntry,
  readingXml,
  usagePointEntry,
} from '../support/small-feed.ts'

// 22:00 local: spans of several hours reach into the next day
export const origin_s = Date.parse('2026-03-02T06:00:00Z') / 1000
const reading = fc
  .tuple(fc.constantFrom(900, 3600, 14_400), fc.nat(15), fc.integer({ min: 1, max: 2 }))
  .map(([duration, slot, value]) => ({ duration, start: origin_s + (slot % (14_400 / duration)) * duration, value }))
const feed = fc.record({
  published: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
  readings: fc.array(reading, { minLength: 1, maxLength: 8 }),
  isGzip: fc.boolean(),
})
export type CollidingFeed = ReturnType<typeof feed.generate> extends { value: infer V } ? V : never

/** A feed of the one meter. */
export const xmlOf = ({ published, readings }: Pick<CollidingFeed, 'published' | 'readings'>, salt: number): string => {
  const at = published === null ? null : `2026-03-05T00:0${published}:00Z`
  return `${feedOf(readingTypeEntry('T1'), usagePointEntry(), meterReadingEntry(), blockEntry(readings.map(readingXml), undefined, at))}<!-- ${salt} -->`
}

/** Loads the groups one after the other, each as one commit. */
export async function loadGroups(lake: TestLake, groups: readonly (readonly CollidingFeed[])[]): Promise<void> {
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
export const againThenLate: CollidingFeed[][] = [
  [{ published: 1, readings: [{ start: origin_s, duration: 900, value: 1 }], isGzip: false }],
  [{ published: 3, readings: [0, 900].map((s) => ({ start: origin_s + s, duration: 900, value: 1 })), isGzip: false }],
  [{ published: 2, readings: [{ start: origin_s, duration: 900, value: 2 }], isGzip: true }],
  [{ published: 4, readings: [{ start: origin_s, duration: 900, value: 1 }], isGzip: false }],
  [{ published: 5, readings: [{ start: origin_s, duration: 3600, value: 2 }], isGzip: false }],
  // sent again: what it withdraws late is withdrawn by a block
  [{ published: 6, readings: [{ start: origin_s, duration: 3600, value: 2 }], isGzip: false }],
  [{ published: 5, readings: [{ start: origin_s + 1800, duration: 900, value: 1 }], isGzip: false }],
]

/** Groups of feeds: each is a commit. */
export const feedGroups = fc.array(fc.array(feed, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 4 })
