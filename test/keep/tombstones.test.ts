/** Which bytes of a feed tombstones are about, by when it came and what it is dated. */
import * as fc from 'fast-check'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EntrySpan, ScanEntries } from '../../schemas/entry-span.ts'
import type { Tombstone } from '../../schemas/manifest.ts'
import { blankRaw } from '../../warehouse/blank-raw.ts'
import { type CustomerKey, openCustomerKey } from '../../warehouse/customer-key.ts'
import { archiveRaw, readIndex } from '../../warehouse/raw-archive.ts'
import { readRawRange } from '../../warehouse/raw-reader.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { type ByteRange, tombstonesOf, usagePointMark } from '../../warehouse/tombstones.ts'
import { formatPath } from '../../warehouse/paths.ts'

let dir: string
let key: CustomerKey
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-tombstones-'))
  key = await openCustomerKey(openRoots({ lake: join(dir, 'lake'), pii: join(dir, 'pii') }).pii, null)
})
afterAll(() => rm(dir, { recursive: true }))

const at = '2026-01-01T00:00:00Z'
const at_s = Date.parse(at) / 1000
const span = (more: Partial<EntrySpan>): EntrySpan => ({
  from: 10,
  to: 90,
  published: null,
  hrefs: ['https://a/espi/1_1/resource/Subscription/9/UsagePoint/U1/MeterReading/M/IntervalBlock/1'],
  readings: [],
  billedToS: Number.NaN,
  isWhole: true,
  ...more,
})
const stone = (more: Partial<Tombstone>): Tombstone => ({
  order: 'o',
  at,
  mark: usagePointMark(key, 'U1'),
  until: at,
  except: [],
  ...more,
})
const all = [{ from: 10, to: 90 }]
const [before, after] = [
  { from: 20, to: 30, startS: at_s - 3600 },
  { from: 30, to: 40, startS: at_s },
]
const ranges = (more: Partial<Tombstone>, entry: Partial<EntrySpan>, receivedAt: string): readonly ByteRange[] =>
  tombstonesOf(key, [stone(more)]).rangesOf(span(entry), receivedAt)

test('an order: all that came before it, and of what comes later what is dated before; forever: everything', () => {
  expect(ranges({}, { readings: [after] }, '2025-12-31T00:00:00Z')).toEqual(all)
  const later = '2026-02-01T00:00:00Z'
  expect(ranges({}, { readings: [before] }, later)).toEqual(all)
  expect(ranges({}, { readings: [before, after] }, later)).toEqual([before])
  expect(ranges({}, { readings: [after] }, later)).toEqual([])
  expect(ranges({ until: null }, { readings: [after] }, later)).toEqual(all)
  expect(ranges({}, { published: '2025-12-01T00:00:00Z' }, later)).toEqual(all)
  expect(ranges({}, { published: '2026-01-15T00:00:00Z' }, later)).toEqual([])
  const other = ['https://a/espi/1_1/resource/Subscription/9/UsagePoint/U10/MeterReading/M']
  expect(ranges({}, { readings: [before], hrefs: other }, '2025-12-31T00:00:00Z')).toEqual([])
})

test('retention: readings and bills before the day, of all but those on hold', () => {
  const later = '2026-02-01T00:00:00Z'
  const cut = { mark: null }
  expect(ranges(cut, { readings: [before, after] }, later)).toEqual([before])
  expect(ranges(cut, { readings: [before] }, later)).toEqual(all)
  expect(ranges(cut, { billedToS: at_s }, later)).toEqual(all)
  expect(ranges(cut, { billedToS: at_s + 1 }, later)).toEqual([])
  expect(ranges(cut, {}, later)).toEqual([])
  expect(ranges({ ...cut, except: [usagePointMark(key, 'U1')] }, { readings: [before] }, later)).toEqual([])
})

test('blanked bytes: any ranges, plain or gzip; all others stay where they are', async () => {
  const roots = openRoots({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 200_000 })), { maxLength: 40 }),
      fc.boolean(),
      fc.integer(),
      async (parts, isGzip, salt) => {
        const chosen: ByteRange[] = []
        let length = 60
        for (const [gap, size] of parts) {
          chosen.push({ from: length + gap, to: length + gap + size })
          length += gap + size
        }
        const head = `<feed xmlns="http://www.w3.org/2005/Atom"><!-- ${salt} -->`
        const text = Buffer.concat([Buffer.from(head), Buffer.alloc(length + 100, 'abcdefg')])
        const file = join(dir, 'feed.xml')
        await writeFile(file, isGzip ? gzipSync(text) : text)
        const origin = { receivedAt: at, source: 'file', sourceName: 'feed.xml', correlationId: null } as const
        const { sha256, root } = await archiveRaw({ ...roots, file, ...origin })
        const index = await readIndex(roots[root], sha256)
        if (!index) throw new Error('it was not archived')
        const path = roots[root].locate(formatPath({ kind: 'raw', sha256 }))
        await using scratch = await roots.lake.scratch()
        const scan: ScanEntries = (chunks, onSpan) => {
          expect([...chunks].reduce((sum, chunk) => sum + chunk.length, 0)).toBe(text.length)
          onSpan(span({}))
        }
        const blanked = await blankRaw({ path, index, scan, rangesOf: () => chosen, scratch, at })
        expect(blanked === undefined).toBe(chosen.length === 0)
        if (!blanked) return
        const bytes = await readRawRange(blanked.body, blanked.index, 0, text.length)
        const expected = Buffer.from(text)
        for (const { from, to } of chosen) {
          expected.fill(' ', from, to)
          expect(bytes.toString('latin1', from, to).replaceAll('<!---->', '')).toMatch(/^ *$/)
          bytes.fill(' ', from, to)
        }
        expect(bytes.equals(expected)).toBe(true)
      },
    ),
    { numRuns: 12 },
  )
})
