/** gc beside publishers and readers, and killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { collectGarbage } from '../../warehouse/collect-garbage.ts'
import { textOf } from '../../warehouse/row-values.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { seededNumbers } from '../support/kill-points.ts'
import { queryRows } from '../support/query-rows.ts'
import { age, commitVersion, contentsOf, createWornLake, day_ms, filesIn } from './worn-lake.ts'

const graceMs = 7 * day_ms
const rounds = Number(process.env['KILL_ROUNDS'] ?? 8)
const program = fileURLToPath(new URL('gc-child.ts', import.meta.url))

const gcInChild = ({ lake, pii }: LakeRoots): ChildProcess =>
  spawn(process.execPath, [program, lake, pii, String(graceMs)], { stdio: ['ignore', 'pipe', 'inherit'] })

test('killed after any number of files, the lake is whole and the next gc ends as one that was not', async () => {
  await using worn = await createWornLake(3)
  await age(worn.roots.lake, 9)
  const rootsOf = (name: string): LakeRoots => ({
    lake: join(worn.dir, name, 'lake'),
    pii: join(worn.dir, name, 'pii'),
  })
  const expected = await contentsOf(worn.roots)
  const reference = rootsOf('reference')
  await cp(worn.roots.lake, reference.lake, { recursive: true, preserveTimestamps: true })
  const { files: garbage } = await collectGarbage({ roots: reference, graceMs, dryRun: false })
  const left = await filesIn(reference.lake)
  const random = seededNumbers(11)
  for (let round = 0; round < rounds; round += 1) {
    const roots = rootsOf(`killed-${round}`)
    await cp(worn.roots.lake, roots.lake, { recursive: true, preserveTimestamps: true })
    const after = Math.floor(random() * garbage.length)
    const child = gcInChild(roots)
    const exit = once(child, 'exit')
    let told = ''
    child.stdout?.on('data', (data: Buffer) => {
      told += data.toString()
      if (told.split('\n').length > after) child.kill('SIGKILL')
    })
    await exit
    expect(await contentsOf(roots), `killed after ${after} of ${garbage.length} files`).toEqual(expected)
    await collectGarbage({ roots, graceMs, dryRun: false })
    expect(await filesIn(roots.lake)).toEqual(left)
    await rm(join(worn.dir, `killed-${round}`), { recursive: true })
  }
}, 300_000)

test('readers see whole commits, while others publish and gc removes what was replaced before', async () => {
  await using lake = await createWornLake(4)
  const { roots } = lake
  await age(roots.lake, 9)
  const over = new AbortController()
  const seen = new Set<string>()
  const reader = (async () => {
    while (!over.signal.aborted) {
      const [row] = await queryRows({
        roots,
        sql: `SELECT (SELECT manifest FROM ops.lake) || ': ' || count(*) || ' ' || count(DISTINCT floor(value / 10)) || ' ' ||
          (SELECT count(*) FROM core.interval_version) AS state FROM core.interval`,
      })
      seen.add(textOf(row, 'state'))
    }
  })()
  const publisher = (async () => {
    for (const version of [5, 6, 7]) await commitVersion(roots, version)
  })()
  const collector = (async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const child = gcInChild(roots)
      child.stdout?.resume()
      expect((await once(child, 'exit'))[0]).toBe(0)
    }
  })()
  await Promise.all([publisher, collector])
  over.abort()
  await reader
  const whole = new Set([4, 5, 6, 7].map((n) => `${n}: 144 1 ${144 * n}`))
  expect([...seen].filter((state) => !whole.has(state))).toEqual([])
  expect(seen.size).toBeGreaterThan(0)
  expect((await filesIn(roots.lake)).some((path) => /\/1-/.test(path) && path.startsWith('current/'))).toBe(false)
  expect((await verifyLake({ roots })).findings.filter(({ check }) => check !== 'archive')).toEqual([])
}, 300_000)
