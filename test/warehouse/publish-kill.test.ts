import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { type PublishForm, publishForms } from '../support/publish-forms.ts'
import { queryRows } from '../support/query-rows.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'
import { textOf } from '../../warehouse/row-values.ts'

/** Moments of each form. */
const rounds = Number(process.env['KILL_ROUNDS'] ?? 8)
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-kill-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

const midnight = Date.parse('2026-03-01T08:00:00Z') / 1000
const feed = (published: string, value: number, from: number): Feed => ({
  readingTypes: [{ id: 'rt' }],
  meterReadings: [1, 2].map((n) => ({ usagePoint: `U${n}`, id: 'M', readingType: 'rt' })),
  blocks: [1, 2].map((n) => ({
    usagePoint: `U${n}`,
    meterReading: 'M',
    published,
    readings: Array.from({ length: 72 }, (_, at) => ({
      start: midnight + (from + at) * 3600,
      value: value + (at % 3),
    })),
  })),
})
const feeds = [
  [feed('2026-03-10T00:00:00Z', 1, 0), feed('2026-03-12T00:00:00Z', 2, 48)],
  [feed('2026-03-11T00:00:00Z', 3, 24), feed('2026-03-13T00:00:00Z', 1, 0)],
  [feed('2026-03-14T00:00:00Z', 4, 130)],
] as const
const rootsIn = (name: string): LakeRoots => ({ lake: join(dir, name, 'lake'), pii: join(dir, name, 'pii') })
const program = fileURLToPath(new URL('publish-child.ts', import.meta.url))

function publishInChild(roots: LakeRoots, form: PublishForm = 'rewrite'): ChildProcess {
  return spawn(process.execPath, [program, roots.lake, roots.pii, form], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Everything the lake says but when it learned it. */
async function contents(roots: LakeRoots) {
  const query = (sql: string) => queryRows({ roots, sql })
  return {
    current: await query('SELECT * EXCLUDE (known_at) FROM core.interval ORDER BY ALL'),
    versions: await query('SELECT * EXCLUDE (known_at) FROM core.interval_version ORDER BY ALL'),
    loads: await query('SELECT * EXCLUDE (known_at) FROM ops.load ORDER BY ALL'),
    n: (await readNewestManifest(openRoots(roots).lake))?.n,
  }
}

const overlayOf = async (roots: LakeRoots) => (await readNewestManifest(openRoots(roots).lake))?.overlay.files.length

/** Kills at so many moments of a publish, each on a lake of its own; answers how many hit. */
async function killPublish(from: string, form: PublishForm, expected: unknown): Promise<number> {
  let killed = 0
  for (let round = 0; round < rounds; round += 1) {
    const name = `${form}-${round}`
    const roots = rootsIn(name)
    await cp(join(dir, from), join(dir, name), { recursive: true })
    const child = publishInChild(roots, form)
    const exit = once(child, 'exit')
    if (child.stdout) await once(child.stdout, 'data')
    const delayMs = Math.round((round * 960) / rounds)
    await sleep(delayMs)
    child.kill('SIGKILL')
    const [code] = (await exit) as [number | null]
    if (code === null) killed += 1
    await publishStaged({ roots, timeZone, limits: publishForms[form] })
    expect(await contents(roots), `${form}, killed after ${delayMs} ms`).toEqual(expected)
    expect(await overlayOf(roots)).toBe({ rewrite: 0, beside: 1, fold: 0 }[form])
    await rm(join(dir, name), { recursive: true })
  }
  return killed
}

test('killed at any point of a publish, the next one ends with the lake of the uninterrupted run', async () => {
  const reference = rootsIn('reference')
  const expected: unknown[] = []
  for (const group of feeds) {
    for (const one of group) await stageFeed(reference, one)
    await publishStaged({ roots: reference, timeZone })
    expected.push(await contents(reference))
  }
  const site = rootsIn('site')
  const prepare = async (group: readonly Feed[], name: string) => {
    for (const one of group) await stageFeed(site, one)
    await cp(join(dir, 'site'), join(dir, name), { recursive: true })
    // views name absolute paths: they are derived again where the lake is copied to
    await rm(join(dir, name, 'lake', 'views.duckdb'))
  }
  for (const one of feeds[0]) await stageFeed(site, one)
  await publishStaged({ roots: site, timeZone })
  await prepare(feeds[1], 'corrections')
  expect(await killPublish('corrections', 'rewrite', expected[1])).toBeGreaterThan(0)
  expect(await killPublish('corrections', 'beside', expected[1])).toBeGreaterThan(0)
  await publishStaged({ roots: site, timeZone, limits: publishForms.beside })
  await prepare(feeds[2], 'folding')
  expect(await killPublish('folding', 'fold', expected[2])).toBeGreaterThan(0)
}, 600_000)

test('two processes that publish at once commit each load once', async () => {
  const roots = rootsIn('two')
  for (const one of [...feeds[0], ...feeds[1]]) await stageFeed(roots, one)
  const children = [publishInChild(roots), publishInChild(roots)]
  const codes = await Promise.all(children.map(async (child) => ((await once(child, 'exit')) as [number | null])[0]))
  expect(codes).toEqual([0, 0])
  const { loads, current, n } = await contents(roots)
  expect(n).toBe(1)
  expect(loads).toHaveLength(4)
  expect(current).toHaveLength(2 * 120)
}, 120_000)

test('a reader sees whole commits only, while others publish', async () => {
  const roots = rootsIn('reader')
  for (const one of feeds[0]) await stageFeed(roots, one)
  await publishStaged({ roots, timeZone })
  for (const one of feeds[1]) await stageFeed(roots, one)
  const child = publishInChild(roots)
  const exit = once(child, 'exit')
  const seen = new Set<string>()
  while (child.exitCode === null) {
    const [row] = await queryRows({
      roots,
      sql: `SELECT (SELECT manifest FROM ops.lake) || ' ' || (SELECT count(DISTINCT load_id) FROM ops.load) || ' ' || count(*) AS state FROM core.interval`,
    })
    seen.add(textOf(row, 'state'))
  }
  await exit
  expect([...seen].filter((state) => state !== '1 2 240' && state !== '2 4 240')).toEqual([])
  expect(seen.size).toBeGreaterThan(0)
}, 120_000)
