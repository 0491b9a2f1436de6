/** Operating days of a small fleet over the whole path: the lake equals the generator's truth, and the same again changes nothing. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Meterlake } from '../../bin/up.ts'
import type { NotificationOutcome } from '../../schemas/ingest.ts'
import { createFleet } from '../../sim/fleet.ts'
import type { FeedPackage } from '../../sim/package.ts'
import type { Preparation } from '../../sim/server.ts'
import { truthRows } from '../../sim/truth.ts'
import { truthBills } from '../../sim/truth-summary.ts'
import { folderTexts } from '../support/folder-text.ts'
import { personalWords } from '../support/personal-words.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'
import { intervalLinesSql, truthLines } from '../support/truth-lines.ts'

/** Over the day with 25 hours; from the second on with corrections, blocks without parents, bills. */
const days = ['2025-11-01', '2025-11-02', '2025-11-03']
const fleet = createFleet({ seed: 20_251_101, meters: 40, firstPackage: '2025-11-01' })

let site: Site
let meterlake: Meterlake
const prepared: Preparation[] = []
const outcomes: NotificationOutcome[] = []
const packages = (): FeedPackage[] => prepared.flatMap(({ feedPackage }) => feedPackage ?? [])

beforeAll(async () => {
  site = await openSite({ custodian: { fleet } })
  meterlake = await site.start()
})
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

const intervalLines = async (): Promise<string[]> =>
  (await site.query(intervalLinesSql)).map(({ line }) => line ?? '').sort()

/** All that a repeat could change, each row in a sum that does not hang on their order; `ops.notification` is not in it. */
async function contents() {
  const of = async (view: string) => site.query(`SELECT count(*) AS n, sum(hash(t)::HUGEINT) AS rows FROM ${view} t`)
  const views = [
    'core.interval',
    'core.interval_version',
    'core.usage_point',
    'core.reading_type',
    'core.usage_summary',
  ]
  const sums = await Promise.all(views.map(async (view) => [view, ...(await of(view))]))
  return { sums, loads: await site.query('SELECT * FROM ops.load ORDER BY load_id') }
}

test('after each day the lake equals the truth', { timeout: 240_000 }, async () => {
  for (const day of days) {
    const preparation = await site.custodian.prepareDay(day, { customers: true })
    expect(preparation.notification).toEqual({ status: 200, error: null })
    prepared.push(preparation)
    const outcome = await outcomeOfUrls(meterlake.client, preparation.resources)
    outcomes.push(outcome)
    expect(outcome).toMatchObject({
      status: 'ingested',
      resources: [{ status: 'loaded' }, { status: 'loaded' }, { status: 'loaded' }],
    })
    expect({ day, rows: await intervalLines() }).toEqual({ day, rows: truthLines(packages()) })
  }
})

test('the days had corrections, readings that said the same again, blocks without parents, and bills', async () => {
  const [sums] = await site.query(
    'SELECT sum(n_revised) > 0 AS revised, sum(n_unchanged) > 0 AS unchanged, sum(n_superseded) > 0 AS superseded FROM ops.load',
  )
  expect(sums).toMatchObject({ revised: 'true', unchanged: 'true' })
  const blocksAlone = packages().flatMap((feedPackage) =>
    [...feedPackage.contents('electricity')].filter(({ partial }) => partial),
  )
  expect(blocksAlone.length).toBeGreaterThan(0)
  const bills = [...truthBills(packages())]
  expect(bills.length).toBeGreaterThan(0)
  const found = await site.query('SELECT DISTINCT summary_id, usage_point_id FROM core.usage_summary')
  expect(new Set(found.map((row) => row['usage_point_id']))).toEqual(new Set(bills.map((bill) => bill.usage_point_id)))
  expect(found).toHaveLength(bills.length)
})

test('what waits for its parents is counted as the truth counts it', async () => {
  const waiting = [...truthRows(packages())].filter(({ parked }) => parked).length
  const parked = await site.query('SELECT coalesce(sum(n_parked), 0) AS n FROM ops.load')
  // Of a reading sent twice while it waits, both are counted.
  expect(Number(parked[0]?.['n'])).toBeGreaterThanOrEqual(waiting)
})

test('the same notifications again change nothing, and ask the custodian nothing', async () => {
  const [before, requests] = [await contents(), site.custodian.requests.length]
  for (const { resources } of prepared) {
    const urls = resources.map(({ url }) => url)
    expect(await site.custodian.notify({ urls })).toEqual({ status: 200, error: null })
  }
  expect(await contents()).toEqual(before)
  expect(site.custodian.requests).toHaveLength(requests)
})

test(
  'the same packages under new correlationIDs are known: nothing is loaded twice',
  { timeout: 240_000 },
  async () => {
    const before = await contents()
    for (const day of days) {
      const { resources } = await site.custodian.prepareDay(day, { customers: true })
      const outcome = await outcomeOfUrls(meterlake.client, resources)
      expect(outcome.status).toBe('ingested')
      expect(outcome.resources.map(({ status }) => status)).toEqual(['known', 'known', 'known'])
    }
    expect(await contents()).toEqual(before)
    expect(await site.query('SELECT DISTINCT status, n_resources, n_loaded FROM ops.notification')).toEqual([
      { status: 'ingested', n_resources: '3', n_loaded: '3' },
    ])
  },
)

test('nothing of a customer feed is below the root of the lake; all of it is below pii', async () => {
  const personal = personalWords(
    fleet,
    packages().map(({ generatedAt_ms }) => generatedAt_ms),
  )
  expect(personal.length).toBeGreaterThan(100)
  const holders = async (folder: string) => {
    const found = new Set<string>()
    for await (const { path, text } of folderTexts(folder))
      if (personal.some((word) => text.includes(word))) found.add(path.slice(folder.length))
    return found
  }
  expect(await holders(site.config.lake.dir)).toEqual(new Set())
  const held = [...(await holders(site.config.lake.pii))]
  expect(held.filter((path) => /^\/raw\/.*\.xml\.zst$/.test(path))).toHaveLength(days.length)
  expect(held.every((path) => /^\/(?:raw|tables)\//.test(path))).toBe(true)
})

test('folders of pii are 0700, its files 0600; so is what is under way and the spool', async () => {
  const { dir, pii } = site.config.lake
  const seen = new Set<string>()
  for (const root of [pii, join(dir, 'state', 'notifications'), join(dir, 'state', 'incoming')]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      seen.add(`${entry.isDirectory() ? 'folder' : 'file'} ${(mode & 0o777).toString(8)}`)
    }
    expect(((await stat(root)).mode & 0o777).toString(8)).toBe('700')
  }
  expect(seen).toEqual(new Set(['folder 700', 'file 600']))
})

test('nothing is left behind: no staging, no scratch, no download under way', async () => {
  const { dir, pii } = site.config.lake
  for (const folder of [
    join(dir, 'staging'),
    join(dir, 'state/scratch'),
    join(pii, 'staging'),
    join(pii, 'state/scratch'),
  ]) {
    expect(await readdir(folder).catch(() => [])).toEqual([])
  }
  const underWay = await readdir(join(dir, 'state/incoming'))
  expect(underWay.filter((name) => !name.endsWith('.receipt.json'))).toEqual([])
})
