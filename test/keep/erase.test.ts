/** What is erased is nowhere any more, and does not come back; all else is as it was. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFeedReader } from '../../espi/feed-reader.ts'
import { scanEntries } from '../../espi/entry-spans.ts'
import { collectGarbage } from '../../warehouse/collect-garbage.ts'
import { readReceipts } from '../../warehouse/erasure-receipt.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { textOf } from '../../warehouse/row-values.ts'
import { stageLoad } from '../../warehouse/stage.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { usagePointMark } from '../../warehouse/tombstones.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { queryRows } from '../support/query-rows.ts'
import { builtIn, differencesOf, rebuild } from '../trace/replayed.ts'
import { compareAllRows } from '../trace/received-fragments.ts'
import { createTracedLake, timeZone, type TracedLake } from '../trace/traced-lake.ts'
import { erase, filesHolding, keyOf } from './erased.ts'

let lake: TracedLake
let gone: string
beforeAll(async () => {
  lake = await createTracedLake({ meters: 5 })
  const [kept, erased] = [...lake.fleet.usagePoints()]
  gone = erased?.usagePointId ?? ''
  const roster = join(lake.dir, 'roster.csv')
  await writeFile(roster, `usage_point_id,rate\n${kept?.usagePointId},E-1\n${gone},E-1\n`)
  await lake.importRoster(roster, '2025-11-01')
}, 120_000)
afterAll(() => lake[Symbol.asyncDispose]())

/** Everything the views say of other usage points. */
async function restOf(): Promise<Record<string, unknown>> {
  const { roots } = lake
  const rest: Record<string, unknown> = {}
  for (const view of [
    'core.interval',
    'core.interval_version',
    'core.usage_point',
    'core.usage_summary',
    'mart.load_hourly',
    'ref.roster_version',
  ])
    rest[view] = await queryRows({ roots, sql: `FROM ${view} WHERE usage_point_id <> '${gone}' ORDER BY ALL` })
  for (const view of ['core.reading_type', 'core.tou_code', 'core.authorization', 'ops.notification', 'ops.request'])
    rest[view] = await queryRows({ roots, sql: `FROM ${view} ORDER BY ALL` })
  const past = `FROM core.interval_asof('2025-11-06 00:00:00Z') WHERE usage_point_id <> '${gone}' ORDER BY ALL`
  rest['as of'] = await queryRows({ roots, sql: past })
  rest['loads'] = await queryRows({
    roots,
    sql: 'SELECT load_id, sha256, status, known_at, bytes FROM ops.load ORDER BY ALL',
  })
  return rest
}

/** Loads bytes as they come from the utility, now. */
async function loadAgain(name: string, bytes: Buffer): Promise<void> {
  const { roots, dir } = lake
  const file = join(dir, name)
  await writeFile(file, bytes)
  const receivedAt = new Date().toISOString()
  const raw = await archiveRaw({
    ...openRoots(roots),
    file,
    receivedAt,
    source: 'file',
    sourceName: name,
    correlationId: null,
  })
  await stageLoad({
    roots,
    profile: { name: 'pge', timeZone, usagePointIdentity: 'id' },
    request: { raw, source: 'file', sourceName: name, notificationId: null, correlationId: null },
    openReader: openFeedReader,
    scanEntries,
    parser: 'meterlake test',
    isKnown: (hash) => isKnownLoad(roots, hash),
    signal: new AbortController().signal,
  })
  await publishStaged({ roots, timeZone })
}

test('an erased usage point', { timeout: 300_000 }, async () => {
  const { roots, dir } = lake
  const rows = await queryRows({
    roots,
    sql: `SELECT DISTINCT series_key::VARCHAR AS key, meter_reading_id AS id FROM core.interval_version WHERE usage_point_id = '${gone}'`,
  })
  const words = [gone, ...rows.flatMap((row) => [textOf(row, 'key'), textOf(row, 'id')])]
  expect(rows.length).toBeGreaterThan(0)
  expect((await filesHolding(roots, words)).length).toBeGreaterThan(20)
  const before = await restOf()
  const received = await readFile(join(dir, '2025-11-03-electricity.xml'))
  expect(received.includes(gone)).toBe(true)

  const commit = await erase(roots, builtIn(dir), (key) => ({ mark: usagePointMark(key, gone) }))
  expect(await filesHolding(roots, words)).toEqual([])
  expect(await restOf()).toEqual(before)
  expect((await verifyLake({ roots })).findings).toEqual([])
  const [{ receipt, isGenuine } = {}] = await readReceipts(openRoots(roots).pii, await keyOf(roots))
  expect(isGenuine).toBe(true)
  expect(receipt).toMatchObject({ manifestAfter: commit, reference: 'test', rows: { history: expect.any(Number) } })
  expect(receipt?.feeds.length).toBeGreaterThan(5)
  expect(await collectGarbage({ roots, graceMs: 0, dryRun: true })).toMatchObject({ files: [] })

  // every row of the others still leads to its bytes
  const compared = await compareAllRows(roots)
  expect(compared.length).toBeGreaterThan(500)
  expect(compared.filter(({ said, row }) => !isDeepStrictEqual(said, row))).toEqual([])

  // replay of the archive gives the same lake
  const replayed = builtIn(dir, 'replayed')
  expect(await rebuild(roots, replayed)).toEqual([])
  expect(await differencesOf(roots, replayed)).toEqual([])

  // the same bytes again, and others that say the same
  await loadAgain('same.xml', received)
  await loadAgain('other.xml', Buffer.concat([received, Buffer.from('\n')]))
  const manifest = await readNewestManifest(openRoots(roots).lake)
  expect(manifest?.n).toBe(commit + 1)
  expect(await filesHolding(roots, words)).toEqual([])
  expect((await verifyLake({ roots })).findings).toEqual([])
  const { loads: _, ...rest } = await restOf()
  const { loads: __, ...was } = before
  expect(JSON.stringify(rest['core.interval'])).toBe(JSON.stringify(was['core.interval']))
})
