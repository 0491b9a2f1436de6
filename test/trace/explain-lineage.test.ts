/** How the bytes of an interval came, as `meterlake explain` says it; and that it never says a name. */
import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findReading } from '../../espi/reading-range.ts'
import { explainMoment } from '../../warehouse/explain.ts'
import { formatPath } from '../../warehouse/paths.ts'
import { readIndex } from '../../warehouse/raw-archive.ts'
import { readRawRange } from '../../warehouse/raw-reader.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { personalWords } from '../support/personal-words.ts'
import type { Row } from '../support/lake-rows.ts'
import { createTracedLake, notificationOf, type TracedLake } from './traced-lake.ts'
import { saidBy, saidInRow } from './received-fragments.ts'

const launcher = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))

let lake: TracedLake
let picks: readonly Row[]
beforeAll(async () => {
  lake = await createTracedLake()
  picks = await lake.query(
    `SELECT * FROM core.interval WHERE local_date = '2025-11-02' QUALIFY row_number() OVER (PARTITION BY usage_point_id ORDER BY hash(start_at)) = 1`,
  )
})
afterAll(() => lake[Symbol.asyncDispose]())

const explain = (...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> =>
  new Promise((resolve) => {
    execFile(launcher, ['explain', ...args, '--lake', lake.roots.lake], (error, stdout, stderr) =>
      resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })
const asked = (row: Row | undefined) => [
  '--usage-point',
  row?.['usage_point_id'] ?? '',
  '--at',
  row?.['start_at'] ?? '',
]

test('load, notification and request of a version, and its arithmetic', async () => {
  const [pick] = picks
  const { stdout, code } = await explain(...asked(pick), '--format', 'json')
  expect(code).toBe(0)
  const rows = JSON.parse(stdout) as Record<string, unknown>[]
  const current = rows.find((row) => row['state'] === 'current' && String(row['series_key']) !== '')
  expect(current).toMatchObject({
    source: 'notification',
    parser: 'meterlake test',
    profile: 'pge',
    correlation_id: expect.stringMatching(/^c-2025-11-0\d-/),
    is_exact: true,
    reading_type_id: expect.any(String),
    reading_type_load_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  const first = rows.find((row) => row['notification_id'] === notificationOf('2025-11-02'))
  expect(first?.['notifications']).toEqual([{ received_at: '2025-11-03T17:50:00Z', status: 'ingested' }])
  expect(first?.['requests']).toEqual([
    {
      request_id: '5f1c9e0e-7a52-4b5e-9d3c-0a1b2c3d4e5f',
      reason: 'pull',
      window: '2025-11-01 to 2025-11-02, published',
      asked_at: '2025-11-03T17:00:00Z',
      status: 'answered',
    },
  ])
  expect(saidBy(String(current?.['fragment'])).value).toBe(String(current?.['value']))
  // the ReadingType stands where it is said to stand, with the power of ten of the arithmetic
  const loaded = await lake.query(
    `SELECT sha256 FROM ops.load WHERE load_id = '${String(current?.['reading_type_load_id'])}'`,
  )
  const { lake: storage } = openRoots(lake.roots)
  const sha256 = loaded[0]?.['sha256'] ?? ''
  const index = await readIndex(storage, sha256)
  if (!index) throw new Error(`${sha256} is not in the archive`)
  const at = Number(current?.['reading_type_byte'])
  const entry = (
    await readRawRange(storage.locate(formatPath({ kind: 'raw', sha256 })), index, at, at + 4000)
  ).toString()
  expect(entry).toMatch(/^<(?:\w+:)?entry[\s>]/)
  expect(entry).toContain(`powerOfTenMultiplier>${String(current?.['power_of_ten'])}<`)
})

test('people read the same, without a name in it', async () => {
  const words = personalWords(lake.fleet, [Date.parse('2025-11-04T12:00:00Z')])
  for (const pick of picks.slice(0, 2)) {
    const { stdout, stderr, code } = await explain(...asked(pick))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^usage point \S+, MeterReading \S+ \(series \d+\)$/m)
    expect(stdout).toMatch(/^ {3}file [0-9a-f]{64}, bytes \d+ to \d+ of [\d,]+$/m)
    expect(stdout).toMatch(/^ {3}notification [0-9a-f]{64}, received 2025-11-0\dT17:50:00Z: ingested$/m)
    expect(stdout).toContain('× 10^(')
    expect(words.filter((word) => stdout.includes(word))).toEqual([])
  }
})

test('any row of the lake: its bytes say what it says', async () => {
  const rows = await lake.query(`SELECT epoch_us(start_at) // 1000000 AS start_s, * FROM core.interval`)
  await fc.assert(
    fc.asyncProperty(fc.nat(rows.length - 1), async (at) => {
      const row = rows[at] as Row
      const intervals = await explainMoment({
        roots: lake.roots,
        usagePointId: row['usage_point_id'] ?? '',
        meterReadingId: row['meter_reading_id'] ?? '',
        // a moment within it
        at: new Date((Number(row['start_s']) + Math.floor(Number(row['duration_s']) / 2)) * 1000),
        findReading,
      })
      const current = intervals
        .filter(({ seriesKey, startAt }) => seriesKey === row['series_key'] && startAt === row['start_at'])
        .flatMap(({ versions }) => versions.find(({ state }) => state === 'current') ?? [])
      expect(current).toMatchObject([{ isExact: true, load: { loadId: row['load_id'] }, received: { state: 'shown' } }])
      const xml = current[0]?.received.state === 'shown' ? current[0].received.xml : ''
      expect(saidBy(xml)).toEqual(saidInRow(row))
    }),
    { numRuns: 40 },
  )
})

test('bytes that lie under the pii root are not shown', async () => {
  const [pick] = picks
  const sha256 =
    (await lake.query(`SELECT sha256 FROM ops.load WHERE load_id = '${pick?.['load_id']}'`))[0]?.['sha256'] ?? ''
  const moved = (['raw', 'raw_index'] as const).map((kind) => formatPath({ kind, sha256 }))
  for (const path of moved) {
    await mkdir(dirname(join(lake.roots.pii, path)), { recursive: true })
    await rename(join(lake.roots.lake, path), join(lake.roots.pii, path))
  }
  const { stdout, code } = await explain(...asked(pick), '--meter-reading', pick?.['meter_reading_id'] ?? '')
  for (const path of moved) await rename(join(lake.roots.pii, path), join(lake.roots.lake, path))
  expect(code).toBe(0)
  expect(stdout).toContain('bytes not shown: the file lies under the pii root')
})

test('what is not there, asked wrongly, or has lost its bytes', async () => {
  const [pick] = picks
  const unknown = await explain('--usage-point', 'nobody', '--at', '2025-11-02T10:00Z')
  expect({ code: unknown.code, stdout: unknown.stdout }).toEqual({ code: 1, stdout: '' })
  expect(unknown.stderr).toContain('NOT_IN_LAKE')
  expect((await explain('--at', '2025-11-02T10:00Z')).code).toBe(2)
  expect((await explain('--usage-point', 'x', '--at', '2025-11-02T10:00')).code).toBe(2)
  const sha256 =
    (await lake.query(`SELECT sha256 FROM ops.load WHERE load_id = '${pick?.['load_id']}'`))[0]?.['sha256'] ?? ''
  await rm(join(lake.roots.lake, formatPath({ kind: 'raw', sha256 })))
  const lost = await explain(...asked(pick), '--meter-reading', pick?.['meter_reading_id'] ?? '')
  expect(lost.code).toBe(3)
  expect(lost.stdout).toContain('bytes not shown: the file is not in the archive')
})
