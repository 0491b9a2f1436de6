/** An erasure killed at any point of its commit: nothing of it happened, or the next publish finishes it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { readReceipts } from '../../warehouse/erasure-receipt.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { usagePointMark } from '../../warehouse/tombstones.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { seededNumbers } from '../support/kill-points.ts'
import { queryRows } from '../support/query-rows.ts'
import { builtIn } from '../trace/replayed.ts'
import { createTracedLake, timeZone, type TracedLake } from '../trace/traced-lake.ts'
import { filesHolding, keyOf, prepareErasure, type PreparedErasure } from './erased.ts'
import { filesIn } from './worn-lake.ts'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 4)
const program = fileURLToPath(new URL('erase-child.ts', import.meta.url))

let lake: TracedLake
let gone: string
let prepared: PreparedErasure
beforeAll(async () => {
  lake = await createTracedLake({ meters: 3 })
  gone = [...lake.fleet.usagePoints()][0]?.usagePointId ?? ''
  prepared = await prepareErasure(lake.roots, builtIn(lake.dir), (key) => ({ mark: usagePointMark(key, gone) }))
}, 120_000)
afterAll(() => lake[Symbol.asyncDispose]())

const versions = (roots: LakeRoots, condition = 'true') =>
  queryRows({ roots, sql: `FROM core.interval_version WHERE ${condition} ORDER BY ALL` })
const newestOf = async (roots: LakeRoots) => (await readNewestManifest(openRoots(roots).lake))?.n

test('killed at any point', { timeout: 400_000 }, async () => {
  const { n } = prepared.published
  const all = await versions(lake.roots)
  const others = await versions(lake.roots, `usage_point_id <> '${gone}'`)
  expect(others.length).toBeLessThan(all.length)
  const random = seededNumbers(5)
  const ends = new Set<string>()
  let lastsMs = 0
  for (let round = 0; round <= rounds; round += 1) {
    const dir = join(lake.dir, `round-${round}`)
    const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
    await cp(lake.roots.lake, roots.lake, { recursive: true, preserveTimestamps: true })
    await cp(lake.roots.pii, roots.pii, { recursive: true, preserveTimestamps: true })
    const file = join(dir, 'prepared.json')
    await writeFile(file, JSON.stringify({ ...prepared, roots }))
    const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    await once(child.stdout, 'data')
    const began = performance.now()
    // the first runs to its end: that is how long it lasts
    if (round > 0) await Promise.race([sleep(random() * lastsMs), exit])
    if (round > 0) child.kill('SIGKILL')
    await exit
    if (round === 0) lastsMs = performance.now() - began
    await publishStaged({ roots, timeZone })
    const isDone = (await newestOf(roots)) === n + 1
    ends.add(isDone ? 'erased' : 'as it was')
    expect(await newestOf(roots)).toBe(isDone ? n + 1 : n)
    expect(await versions(roots)).toEqual(isDone ? others : all)
    expect((await verifyLake({ roots })).findings).toEqual([])
    expect((await filesIn(roots.pii)).filter((path) => path.startsWith('state/erasing/'))).toEqual([])
    const receipts = await readReceipts(openRoots(roots).pii, await keyOf(roots))
    expect(receipts.map(({ isGenuine }) => isGenuine)).toEqual(isDone ? [true] : [])
    expect(isDone ? await filesHolding(roots, [gone]) : []).toEqual([])
    await rm(dir, { recursive: true })
  }
  expect(ends).toContain('erased')
})
