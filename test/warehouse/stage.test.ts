import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LoadRequest } from '../../schemas/ingest.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { type Stage, stageSchema } from '../../schemas/stage.ts'
import { Database } from '../../warehouse/database.ts'
import { archiveRaw, type ArchiveRequest } from '../../warehouse/raw-archive.ts'
import { stageNotification } from '../../warehouse/stage-notification.ts'
import { stageLoad, type StageOptions } from '../../warehouse/stage.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { openLineReader } from './line-reader.ts'

let root: string
let roots: LakeRoots
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'meterlake-stage-'))
  roots = { lake: join(root, 'lake'), pii: join(root, 'pii') }
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const block = {
  table: 'block',
  block_seq: 0,
  series_key: '9223372036854775807',
  meter_reading_href: '/a/MeterReading/1',
  usage_point_id: 'up "1"',
  meter_reading_id: '1',
  published_at: '2026-03-02T00:00:00-07:00',
  n_readings: 2,
  rejected: false,
  byte_offset: 17,
}
const quarantine = {
  table: 'quarantine',
  rule: 'READING_VALUE_MISSING',
  severity: 'error',
  path: 'feed/entry',
  href: null,
  byte_from: 5_000_000_000,
  byte_to: 5_000_000_009,
  fragment: '<a>\u00fc\n</a>',
  message: 'no value',
}
const drift = { table: 'drift', kind: 'element', name: 'espi:New', n: 3, first_byte: 12 }
const usagePoint = {
  table: 'usage_point',
  usage_point_id: 'up 2',
  href: '/UsagePoint/2',
  subscription_id: null,
  service_kind: 0,
  status: 1,
  tariff_profile: 'E-TOU-C',
  read_cycle: null,
  customer_class: null,
  other: '{"a":"b"}',
  published_at: '2026-03-02T00:00:00.123456Z',
  byte_offset: 1,
}
const feed = (...lines: (string | object)[]) =>
  lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
const good = feed(block, 'r 0 1772352000 3600 281474976710655', 'r 0 1772355600 3600 -5', usagePoint)

async function archived(content: string, more: Partial<ArchiveRequest> = {}): Promise<LoadRequest> {
  const file = join(root, 'feed.xml')
  await writeFile(file, content)
  const raw = await archiveRaw({
    ...openRoots(roots),
    file,
    receivedAt: '2026-03-02T09:00:00Z',
    source: 'file',
    sourceName: 'feed.xml',
    correlationId: null,
    ...more,
  })
  return { raw, source: 'file', sourceName: 'feed.xml', notificationId: null, correlationId: null }
}

const stage = async (request: LoadRequest, more: Partial<StageOptions> = {}) =>
  await stageLoad({
    roots,
    profile: { name: 'pge', timeZone: 'America/Los_Angeles', usagePointIdentity: 'id' },
    request,
    openReader: openLineReader,
    parser: 'lines 1',
    isKnown: async () => false,
    signal: new AbortController().signal,
    ...more,
  })

const record = async (id: string): Promise<Stage> =>
  stageSchema.parse(JSON.parse(await readFile(join(roots.lake, `staging/${id}/stage.json`), 'utf8')))

async function loadRecord(id: string) {
  const found = await record(id)
  if (found.stage !== 'load') throw new Error('not a load')
  return found
}

const stagedFiles = async () => {
  const { lake, pii } = openRoots(roots)
  return [...(await lake.list('staging')), ...(await pii.list('staging'))]
}

describe('staging a load', () => {
  test.each(['table_function', 'appender'] as const)('rows arrive exactly, the record last (%s)', async (sink) => {
    const request = await archived(feed(good, quarantine, drift))
    const staged = await stage(request, { sink })
    const id = request.raw.sha256.slice(0, 16)
    expect(staged).toEqual({ loadId: id, sha256: request.raw.sha256, outcome: 'staged', readings: 2, quarantined: 1 })
    const facts = await loadRecord(id)
    expect(facts).toMatchObject({
      status: 'quarantined',
      error: null,
      kind: 'usage',
      receivedAt: '2026-03-02T09:00:00Z',
      feedUpdatedAt: '2026-03-02T01:02:03Z',
      raw: { root: 'lake', path: `raw/${id.slice(0, 2)}/${request.raw.sha256}.xml.zst` },
      counts: { entries: 1, usagePoints: 2, blocks: 1, readings: 2, quarantined: 1, drift: 1 },
      localDateMin: '2026-03-01',
      localDateMax: '2026-03-01',
      parser: 'lines 1',
    })
    expect(Object.keys(facts.files).sort()).toEqual(['block', 'drift', 'quarantine', 'readings', 'usage_point'])
    await using database = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: root })
    const rows = (table: keyof typeof facts.files, select = '*') =>
      database.rows(`SELECT ${select} FROM '${join(roots.lake, facts.files[table]!.path)}'`)
    expect(await rows('readings', 'start_at, value')).toEqual([
      { start_at: '2026-03-01 08:00:00+00', value: '281474976710655' },
      { start_at: '2026-03-01 09:00:00+00', value: '-5' },
    ])
    const { table: _block, ...blockRow } = block
    expect(await rows('block')).toEqual([{ ...blockRow, published_at: '2026-03-02 07:00:00+00', byte_offset: '17' }])
    const { table: _quarantine, ...quarantineRow } = quarantine
    expect(await rows('quarantine')).toEqual([{ ...quarantineRow, byte_from: '5000000000', byte_to: '5000000009' }])
    expect(await rows('usage_point', 'published_at, other')).toEqual([
      { published_at: '2026-03-02 00:00:00.123456+00', other: '{"a":"b"}' },
    ])
    expect(await openRoots(roots).lake.list('state')).toEqual([])
  })

  test('bytes the ledger knows are a no-op', async () => {
    const request = await archived(good)
    const asked: string[] = []
    const isKnown = async (sha256: string) => asked.push(sha256) > 0
    expect(await stage(request, { isKnown })).toMatchObject({ outcome: 'known', readings: 0 })
    expect(asked).toEqual([request.raw.sha256])
    expect(await stagedFiles()).toEqual([])
  })

  test('staged twice, or by two at once, is staged once', async () => {
    const request = await archived(good)
    const both = await Promise.all([stage(request), stage(request)])
    expect(both[0]).toEqual(both[1])
    const files = await stagedFiles()
    expect(await stage(request)).toEqual(both[0])
    expect(await stagedFiles()).toEqual(files)
    expect(files).toHaveLength(4)
    const named = Object.values((await loadRecord(both[0].loadId)).files).map((file) => file.path)
    expect(files).toEqual(expect.arrayContaining(named))
  })

  test('what a killed attempt left goes with the next', async () => {
    const request = await archived(good)
    const id = request.raw.sha256.slice(0, 16)
    await mkdir(join(roots.lake, `staging/${id}/1-dead`), { recursive: true })
    await writeFile(join(roots.lake, `staging/${id}/1-dead/readings.parquet`), 'half')
    await stage(request)
    expect(await stagedFiles()).not.toContain(`staging/${id}/1-dead/readings.parquet`)
  })

  test('another version of the reader stages anew', async () => {
    const request = await archived(good)
    const { loadId } = await stage(request)
    await stage(request, { parser: 'lines 2' })
    expect((await loadRecord(loadId)).parser).toBe('lines 2')
    expect(await stagedFiles()).toHaveLength(4)
  })

  test.each([
    ['FEED_TRUNCATED', feed(good, '! FEED_TRUNCATED ends in entry 7')],
    ['FEED_DOCTYPE', '! FEED_DOCTYPE no DOCTYPE in a feed'],
  ])('%s: staged as failed, without rows, and raised, each time', async (code, content) => {
    const request = await archived(content)
    for (let time = 0; time < 2; time++) await expect(stage(request)).rejects.toMatchObject({ code })
    const id = request.raw.sha256.slice(0, 16)
    expect(await stagedFiles()).toEqual([`staging/${id}/stage.json`])
    expect(await loadRecord(id)).toMatchObject({
      status: 'failed',
      error: { code },
      files: {},
      counts: { readings: 0 },
    })
  })

  test('an error that is not the feed’s stages nothing', async () => {
    const request = await archived(feed(good, '! LAKE_DISK_FULL no space'))
    await expect(stage(request)).rejects.toMatchObject({ code: 'LAKE_DISK_FULL' })
    expect(await stagedFiles()).toEqual([])
  })

  test('a cancelled load stages nothing', async () => {
    const request = await archived(good)
    const controller = new AbortController()
    const onProgress = () => controller.abort(new Error('enough'))
    await expect(stage(request, { signal: controller.signal, onProgress })).rejects.toThrow('enough')
    expect(await stagedFiles()).toEqual([])
  })

  test('a customer feed: rows and quarantine lie under pii, what names nobody in the lake; usage rows in it nowhere', async () => {
    const agreement = {
      table: 'customer_agreement',
      customer_id: 'c',
      agreement_id: '77',
      usage_point_id: '77',
      href: 'h',
    }
    const rows = [
      { table: 'customer', customer_id: 'c', href: 'h', name: 'ADA', published_at: null, byte_offset: 1 },
      { ...agreement, customer_class: 'RES', published_at: null, byte_offset: 2 },
    ]
    const request = await archived(feed('customer', good, quarantine, drift, ...rows), { isCustomer: true })
    const { loadId } = await stage(request)
    const facts = await loadRecord(loadId)
    expect(facts).toMatchObject({ kind: 'customer', raw: { root: 'pii' } })
    expect(
      Object.entries(facts.files)
        .map(([table, file]) => `${file.root} ${table}`)
        .sort(),
    ).toEqual(['lake drift', 'lake usage_point_agreement', 'pii customer', 'pii customer_agreement', 'pii quarantine'])
  })

  test('customer rows in bytes that were archived as usage are refused', async () => {
    const row = { table: 'customer', customer_id: 'c', href: 'h', published_at: null, byte_offset: 1 }
    const request = await archived(feed(row))
    expect(request.raw.root).toBe('lake')
    await expect(stage(request)).rejects.toMatchObject({ code: 'FEED_WRONG_ROOT' })
  })

  test('a feed of bills alone has no readings file', async () => {
    const facts = await loadRecord((await stage(await archived(feed(usagePoint)))).loadId)
    expect(Object.keys(facts.files)).toEqual(['usage_point'])
    expect([facts.localDateMin, facts.localDateMax]).toEqual([null, null])
  })

  test('progress ends at all bytes', async () => {
    const request = await archived(feed(good, ' '.repeat(1_000_000).replaceAll(' ', '\n')))
    const seen: [string, number, number][] = []
    await stage(request, { onProgress: (...progress) => seen.push(progress) })
    expect(seen.findLast(([phase]) => phase === 'read')).toEqual(['read', request.raw.bytes, request.raw.bytes])
    expect(seen.length).toBeGreaterThan(4)
  })
})

test('a notification is staged once', async () => {
  const notificationId = 'ab'.repeat(32)
  const row = {
    notificationId,
    receivedAt: '2026-03-02T09:00:00.123Z',
    resources: 2,
    refused: 0,
    loaded: 2,
    message: null,
  }
  await stageNotification(roots, { ...row, status: 'ingested' })
  await stageNotification(roots, { ...row, status: 'ingested' })
  const [path, ...others] = await stagedFiles()
  expect(others).toEqual([])
  expect(path).toBe(`staging/notification-${notificationId.slice(0, 16)}-1772442000123/stage.json`)
  expect(await record(path!.split('/')[1]!)).toMatchObject({ stage: 'notification', status: 'ingested', resources: 2 })
})

/** A file system of 4 MB where we may mount one; it is full soon. */
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

test.skipIf(!canMount)('disk full while staging: LAKE_DISK_FULL with the path, nothing staged', async () => {
  await mkdir(roots.lake)
  const readings = Array.from(
    { length: 400_000 },
    (_, n) => `r 0 ${1_700_000_000 + n * 900} 900 ${(n * 7_919_777_771) % 2 ** 47}`,
  )
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', roots.lake])
  expect(mounted.status).toBe(0)
  try {
    await mkdir(roots.pii)
    const request = await archived(`${feed(block)}\n${readings.join('\n')}`)
    await expect(stage(request)).rejects.toMatchObject({
      code: 'LAKE_DISK_FULL',
      message: expect.stringContaining(roots.lake),
    })
    expect(await stagedFiles()).toEqual([])
    expect(await openRoots(roots).lake.list('state')).toEqual([])
  } finally {
    spawnSync('umount', [roots.lake])
  }
})
