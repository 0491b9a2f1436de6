import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { readGapFacts } from '../../warehouse/ledger-facts.ts'
import { readManifest, readNewestManifest } from '../../warehouse/manifest.ts'
import { unitLimits } from '../../warehouse/plan-units.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from '../support/query-rows.ts'
import { stageNotification } from '../../warehouse/stage-notification.ts'
import { textOf } from '../../warehouse/row-values.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { type Feed, type FeedReading, stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-publish-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

const midnight = Date.parse('2026-03-01T08:00:00Z') / 1000
const dims = {
  readingTypes: [{ id: 'rt' }],
  meterReadings: [{ usagePoint: 'U', id: 'M', readingType: 'rt' }],
} as const
const blocks = (published: string | null, readings: readonly FeedReading[]) => ({
  blocks: [{ usagePoint: 'U', meterReading: 'M', published, readings }],
})
const hour = (value: number, at = 0): FeedReading => ({ start: midnight + at * 3600, value })
const p = (n: number) => `2026-03-02T0${n}:00:00Z`

async function publish(...feeds: readonly Feed[]) {
  const ids: string[] = []
  for (const feed of feeds) ids.push(await stageFeed(roots, feed))
  return { ids, ...(await publishStaged({ roots, timeZone })) }
}
const query = (sql: string) => queryRows({ roots, sql })
/** The first column as text. */
const column = async (sql: string): Promise<string[]> =>
  (await query(sql)).map((row) => textOf({ value: Object.values(row)[0] ?? null }, 'value'))
const current = () => column('SELECT value FROM core.interval ORDER BY start_at')

const asPublished = (at: string) => column(`SELECT value FROM core.interval_as_published('${at}')`)
const quarters = (value: number) => [0, 1, 2, 3].map((at) => ({ start: midnight + at * 900, duration: 900, value }))
const shape = (source: string) =>
  query(`SELECT duration_s, count(*)::INTEGER AS n, sum(value)::INTEGER AS wh FROM ${source} GROUP BY 1`)
const fleetFeed = (published: string, value: number): Feed => ({
  readingTypes: dims.readingTypes,
  meterReadings: [1, 2, 3, 4, 5].map((n) => ({ usagePoint: `U${n}`, id: 'M', readingType: 'rt' })),
  blocks: [1, 2, 3, 4, 5].map((n) => ({
    usagePoint: `U${n}`,
    meterReading: 'M',
    published,
    readings: Array.from({ length: 60 }, (_, at) => hour(value + n, at)),
  })),
})

const pairs = async () =>
  (
    await column(
      `SELECT regexp_extract(message, 'has (\\d+) pair', 1) FROM ops.quarantine WHERE rule = 'READING_OVERLAP'`,
    )
  ).sort()

describe('winner', () => {
  test('A at 1, A again at 3, then a late B of 2 leaves A, and history has both as published', async () => {
    const [a] = (await publish({ ...dims, ...blocks(p(1), [hour(100)]) })).ids
    const [again] = (await publish({ ...dims, ...blocks(p(3), [hour(100)]) })).ids
    const [late] = (await publish({ ...dims, ...blocks(p(2), [hour(200)]) })).ids
    expect(await current()).toEqual(['100'])
    expect(
      await query(
        `SELECT value, load_id, strftime(published_at, '%H') AS hour FROM core.interval_version ORDER BY published_at`,
      ),
    ).toEqual([
      { value: '100', load_id: a, hour: '01' },
      { value: '200', load_id: late, hour: '02' },
      { value: '100', load_id: again, hour: '03' },
    ])
    expect(await asPublished(p(1))).toEqual(['100'])
    expect(await asPublished('2026-03-02T02:30:00Z')).toEqual(['200'])
    expect(await asPublished(p(3))).toEqual(['100'])
    expect(await asPublished('2026-03-02T00:59:59Z')).toEqual([])
    expect(await query('SELECT n_new, n_revised, n_unchanged, n_late FROM ops.load ORDER BY known_at')).toEqual([
      { n_new: '1', n_revised: '0', n_unchanged: '0', n_late: '0' },
      { n_new: '0', n_revised: '0', n_unchanged: '1', n_late: '0' },
      { n_new: '0', n_revised: '0', n_unchanged: '0', n_late: '1' },
    ])
  })

  test('a reading without published is older than all that carry one', async () => {
    await publish({ ...dims, ...blocks(p(1), [hour(1)]) })
    await publish({ ...dims, ...blocks(null, [hour(2)]) })
    expect(await current()).toEqual(['1'])
    expect(await column('SELECT value FROM core.interval_version ORDER BY published_at NULLS FIRST')).toEqual([
      '2',
      '1',
    ])
  })

  test('known_at grows with every commit, and as-of answers follow it', async () => {
    await publish({ ...dims, ...blocks(p(1), [hour(1)]) })
    await publish({ ...dims, ...blocks(p(2), [hour(2)]) })
    const [first, second] = await column(`SELECT known_at FROM ops.load ORDER BY known_at`)
    expect(`${first}` < `${second}`).toBe(true)
    expect(await column(`SELECT value FROM core.interval_asof('${first}')`)).toEqual(['1'])
    expect(await column(`SELECT value FROM core.interval_asof('${second}')`)).toEqual(['2'])
  })
})

describe('supersession', () => {
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 2, 1],
  ] as const
  test.each(orders)('900 s, 3600 s, 900 s never count twice, in order %i %i %i', async (...order) => {
    const feeds = [
      { ...dims, ...blocks(p(1), quarters(1)) },
      { ...dims, ...blocks(p(2), [hour(4)]) },
      { ...dims, ...blocks(p(3), quarters(2)) },
    ]
    for (const at of order) await publish(feeds[at] ?? {})
    expect(await shape('core.interval')).toEqual([{ duration_s: 900, n: 4, wh: 8 }])
    expect(await shape(`core.interval_as_published('${p(2)}')`)).toEqual([{ duration_s: 3600, n: 1, wh: 4 }])
    expect(await shape(`core.interval_as_published('${p(1)}')`)).toEqual([{ duration_s: 900, n: 4, wh: 4 }])
  })

  test('intervals that overlap in part both stay, and are flagged', async () => {
    await publish({ ...dims, ...blocks(p(1), [hour(1)]) })
    await publish({ ...dims, ...blocks(p(2), [{ start: midnight + 1800, duration: 5400, value: 2 }]) })
    expect(await current()).toEqual(['1', '2'])
    expect(await column(`SELECT rule FROM ops.quarantine`)).toEqual(['READING_OVERLAP'])
  })

  test.each([
    ['a newer hour inside an older one of two', [[{ start: midnight, duration: 7200, value: 1 }], [hour(2, 1)]], ['1']],
    ['equal lengths, starts shifted', [[hour(1), hour(2, 1)], [{ start: midnight + 1800, value: 3 }]], ['2']],
    ['equal lengths, starts shifted, in one feed', [[hour(1), { start: midnight + 1800, value: 3 }]], ['1']],
    ['starts shifted without overlap', [[hour(1)], [{ start: midnight + 5400, value: 3 }]], []],
    ['withdrawn ones do not count', [[hour(1), hour(2, 1)], [{ start: midnight, duration: 7200, value: 3 }]], []],
    [
      'said once, not again with every repetition',
      [[{ start: midnight, duration: 7200, value: 1 }], [hour(2, 1)], [hour(2, 1)], [hour(4, 1)]],
      ['1'],
    ],
  ])('current intervals that overlap are flagged: %s', async (_, sent, expected) => {
    for (const [at, readings] of sent.entries()) await publish({ ...dims, ...blocks(p(1 + at), readings) })
    expect(await pairs()).toEqual(expected)
  })
})

describe('one feed', () => {
  test('the same interval twice with different values: both are versions, the last wins, flagged once', async () => {
    await publish({ ...dims, ...blocks(p(1), [hour(1), hour(2), hour(5, 1)]) })
    expect(await current()).toEqual(['2', '5'])
    expect(await column('SELECT value FROM core.interval_version ORDER BY start_at, byte_offset')).toEqual([
      '1',
      '2',
      '5',
    ])
    expect(await query('SELECT rule, severity FROM ops.quarantine')).toEqual([
      { rule: 'READING_CONFLICT', severity: 'warn' },
    ])
  })

  test('what a rejected entry holds does not count', async () => {
    const sent = { usagePoint: 'U', meterReading: 'M', published: p(1), readings: [hour(1)] }
    await publish({
      ...dims,
      blocks: [
        { ...sent, rejected: true },
        { ...sent, readings: [hour(2, 1)] },
      ],
    })
    expect(await current()).toEqual(['2'])
  })

  test('staged twice is published once', async () => {
    const feed = { ...dims, ...blocks(p(1), [hour(1)]) }
    await publish(feed)
    const again = await publish(feed)
    expect(again.commit).toBeNull()
    expect(await query('SELECT load_id FROM ops.load')).toHaveLength(1)
    expect((await readdir(join(roots.lake, 'staging'))).length).toBe(0)
  })
})

test('several loads in one commit give the same current as one at a time', async () => {
  const feeds = [
    { ...dims, ...blocks(p(2), [hour(1), hour(2, 1)]) },
    { ...dims, ...blocks(p(1), [hour(9), hour(8, 2)]) },
    { ...dims, ...blocks(p(3), [hour(7, 1)]) },
  ]
  const together = await publish(...feeds)
  expect(together.loads).toHaveLength(3)
  expect(await query('SELECT DISTINCT commit_id FROM ops.load')).toHaveLength(1)
  const expected = await query('SELECT start_at, value, load_id FROM core.interval ORDER BY 1')
  await rm(roots.lake, { recursive: true })
  for (const feed of feeds) await publish(feed)
  expect(await query('SELECT start_at, value, load_id FROM core.interval ORDER BY 1')).toEqual(expected)
})

describe('parked', () => {
  test('a block without MeterReading waits, and is attached when it comes', async () => {
    const [orphan] = (await publish({ ...blocks(p(1), [hour(1), hour(2, 1)]) })).ids
    expect(await current()).toEqual([])
    expect(await column('SELECT n_parked FROM ops.load')).toEqual(['2'])
    await publish({ meterReadings: dims.meterReadings })
    expect(await current()).toEqual([])
    await publish({ readingTypes: dims.readingTypes })
    expect(await query('SELECT value, load_id FROM core.interval ORDER BY start_at')).toEqual([
      { value: '1', load_id: orphan },
      { value: '2', load_id: orphan },
    ])
    const { lake } = openRoots(roots)
    expect((await readNewestManifest(lake))?.parked).toEqual([])
  })

  test('blocks alone are resolved by what earlier feeds said', async () => {
    await publish(dims)
    await publish(blocks(p(1), [hour(1)]))
    expect(await current()).toEqual(['1'])
  })
})

test('only changed days get new files', async () => {
  const { lake } = openRoots(roots)
  const day = (value: number) => [hour(value), hour(value, 30)]
  await publish({ ...dims, ...blocks(p(1), day(1)) })
  const before = (await readManifest(lake, 1))?.current.files ?? []
  expect(before.map((file) => file.dt)).toEqual(['2026-03-01', '2026-03-02'])
  await publish({ ...dims, ...blocks(p(2), [hour(1), hour(3, 30)]) })
  const after = (await readManifest(lake, 2))?.current.files ?? []
  expect(after[0]?.path).toBe(before[0]?.path)
  expect(after[0]?.publishedMax).toBe('2026-03-02T02:00:00.000000Z')
  expect(after[1]?.path).not.toBe(before[1]?.path)
  expect(await current()).toEqual(['1', '3'])
})

test('a failed load leaves a ledger row and nothing else, and its bytes may come again', async () => {
  const failed = { code: 'FEED_TRUNCATED', message: 'the file ends inside an element' }
  const first = await publish({ failed })
  expect(first.loads[0]).toMatchObject({ status: 'failed', commit: 1 })
  expect(await query('SELECT status, error_code FROM ops.load')).toEqual([
    { status: 'failed', error_code: 'FEED_TRUNCATED' },
  ])
  const [sha] = await column('SELECT sha256 FROM ops.load')
  expect(await isKnownLoad(roots, sha ?? '')).toBe(false)
  await publish({ ...dims, ...blocks(p(1), [hour(1)]) })
  const [good] = await column(`SELECT sha256 FROM ops.load WHERE status = 'loaded'`)
  expect(await isKnownLoad(roots, good ?? '')).toBe(true)
})

test('a notification is a commit of its own, once', async () => {
  const record = {
    notificationId: 'a'.repeat(64),
    receivedAt: '2026-03-01T00:00:00.000Z',
    status: 'ingested',
    resources: 2,
    refused: 1,
    loaded: 1,
    message: null,
  } as const
  await stageNotification(roots, record)
  expect((await publishStaged({ roots, timeZone })).commit).toBe(1)
  await stageNotification(roots, record)
  expect((await publishStaged({ roots, timeZone })).commit).toBeNull()
  expect(await query('SELECT status, n_resources, n_refused, n_loaded FROM ops.notification')).toEqual([
    { status: 'ingested', n_resources: 2, n_refused: 1, n_loaded: 1 },
  ])
})

test('a package that an operator had fetched later is lacking no more', async () => {
  const notificationId = 'b'.repeat(64)
  const receivedAt = '2026-03-02T00:00:00.000Z'
  const counts = { resources: 2, refused: 0, loaded: 0 }
  await stageNotification(roots, { notificationId, receivedAt, status: 'failed', ...counts, message: null })
  const lacking = async () => (await readGapFacts(roots, receivedAt)).notifications.map((its) => its.lacking)
  await publish({ failed: { code: 'FEED_TRUNCATED', message: 'cut' }, notificationId })
  expect(await lacking()).toEqual([2])
  await publish({ ...dims, ...blocks(p(1), [hour(1)]), notificationId })
  expect(await lacking()).toEqual([1])
})

test('days are split and batched without a difference', async () => {
  const limits = { ...unitLimits, batchRows: 50, fileRows: 40 }
  for (const sent of [fleetFeed(p(1), 1), fleetFeed(p(3), 2), fleetFeed(p(2), 9)]) {
    await stageFeed(roots, sent)
    await publishStaged({ roots, timeZone, limits })
  }
  const files = (await readNewestManifest(openRoots(roots).lake))?.current.files ?? []
  expect(files.length).toBeGreaterThan(6)
  expect(await query('SELECT count(*)::INTEGER AS n, sum(value)::INTEGER AS wh FROM core.interval')).toEqual([
    { n: 300, wh: 60 * (3 + 4 + 5 + 6 + 7) },
  ])
  expect(await query(`SELECT sum(value)::INTEGER AS wh FROM core.interval_as_published('${p(2)}')`)).toEqual([
    { wh: 60 * (10 + 11 + 12 + 13 + 14) },
  ])
  for (const { path, rows } of files) {
    const [found] = await query(
      `SELECT count(*)::INTEGER AS n,
         coalesce(list(series_key || ' ' || start_at) = list(series_key || ' ' || start_at ORDER BY series_key, start_at), true) AS sorted
       FROM read_parquet('${join(roots.lake, path)}')`,
    )
    expect(found).toEqual({ n: rows, sorted: true })
  }
})

test('hundreds of loads are one commit, whose memory does not follow their number', async () => {
  const loads = Array.from({ length: 300 }, (_, at) => at)
  for (const at of loads) await stageFeed(roots, { ...dims, ...blocks(p((at % 5) + 1), [hour(at)]), salt: String(at) })
  const { commit, loads: published } = await publishStaged({ roots, timeZone, memoryLimitMb: 256 })
  expect([commit, published.length]).toEqual([1, loads.length])
  // of those published last, the one whose bytes come last in their order
  expect(
    published.reduce((sum, { newReadings, revised, unchanged }) => sum + newReadings + revised + unchanged, 0),
  ).toBe(loads.length)
  expect(await current()).toHaveLength(1)
})

test('two publishers that pay no heed to the lock both end right', async () => {
  await stageFeed(roots, { ...dims, ...blocks(p(1), [hour(1)]) })
  const outcomes = await Promise.all([0, 1, 2].map(() => publishStaged({ roots, timeZone, waitForLockMs: 0 })))
  await stageFeed(roots, { ...dims, ...blocks(p(2), [hour(2)]) })
  outcomes.push(...(await Promise.all([0, 1].map(() => publishStaged({ roots, timeZone, waitForLockMs: 0 })))))
  expect(outcomes.filter(({ commit }) => commit !== null).map(({ commit }) => commit)).toEqual([1, 2])
  expect(await current()).toEqual(['2'])
  expect(await ensureViews(roots)).toBe(2)
})
