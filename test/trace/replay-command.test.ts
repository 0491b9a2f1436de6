/** `meterlake replay` as an operator runs it: what differs, what is kept, what is published; its exit codes. */
import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLake, type TestLake } from '../support/lake.ts'
import { againThenLate, loadGroups } from './colliding-feeds.ts'
import { rewriteCurrent } from './rewritten-file.ts'

const launcher = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))

let lake: TestLake
beforeAll(async () => {
  lake = await createLake()
  await loadGroups(lake, againThenLate.slice(0, 2))
})
afterAll(() => lake[Symbol.asyncDispose]())

const meterlake = (...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> =>
  new Promise((resolve) => {
    execFile(launcher, [...args, '--lake', lake.roots.lake], { cwd: lake.dir }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })

test('an equal lake, a changed one, and the changed one mended', async () => {
  const equal = await meterlake('replay', '--from-raw', '--diff')
  expect(equal).toMatchObject({ code: 0, stdout: 'the rebuilt lake is the published one, row for row\n' })
  expect(equal.stderr).toContain('2 commits made again')

  const dt = await rewriteCurrent(lake.roots, 'energy_kwh + 1')
  const changed = await meterlake('replay', '--from-raw', '--diff', '--format', 'json')
  expect(changed.code).toBe(3)
  const differences = JSON.parse(changed.stdout) as unknown[]
  expect(differences).toEqual([
    { table: 'current', day: dt, only_published: 0, only_replayed: 0, changed: 2, note: null },
  ])
  expect(await meterlake('verify')).toMatchObject({ code: 3 })

  const published = await meterlake('replay', '--from-raw', '--publish')
  expect(published.code).toBe(0)
  expect(published.stdout).toMatch(/^current +2026-03-0\d +0 +0 +2 +NULL$/m)
  expect(published.stderr).toContain('published as commit 3')
  expect(await meterlake('verify')).toMatchObject({ code: 0, stdout: 'everything is as it was published\n' })
  // nothing is left lying about
  expect(await readdir(join(lake.roots.lake, 'state/scratch'))).toEqual([])
})

test('kept in a folder, from where it can be read; wrong use', async () => {
  const kept = await meterlake('replay', '--from-raw', '--to', 'rebuilt')
  expect(kept).toMatchObject({ code: 0, stdout: '' })
  expect(kept.stderr).toContain(join('rebuilt', 'lake'))
  const [line] = (await readFile(join(lake.dir, 'rebuilt/lake/manifests/000000000003.json'), 'utf8')).split('\n')
  expect(JSON.parse(line ?? '')).toMatchObject({ n: 3, loads: [] })
  expect((await meterlake('replay', '--from-raw', '--to', 'rebuilt')).code).toBe(0)
  expect((await meterlake('replay', '--diff')).code).toBe(2)
  expect((await meterlake('replay', '--from-raw', '--to', '.')).code).toBe(2)
  expect((await meterlake('replay', '--from-raw', '--to', 'x', '--publish')).code).toBe(2)
})

test('a feed that is gone: said, and nothing is published without it', async () => {
  const [loaded] = await lake.query('SELECT raw_path FROM ops.load ORDER BY load_id')
  await rm(join(lake.roots.lake, loaded?.['raw_path'] ?? ''))
  const diff = await meterlake('replay', '--from-raw', '--diff')
  expect(diff.code).toBe(3)
  expect(diff.stderr).toMatch(/^load [0-9a-f]{16} is left out: raw\/.* is not at hand$/m)
  const publish = await meterlake('replay', '--from-raw', '--publish')
  expect(publish.code).toBe(1)
  expect(publish.stderr).toContain('nothing was published')
  expect(await readdir(join(lake.roots.lake, 'manifests'))).toHaveLength(3)
})

test('no lake', async () => {
  await using none = await createLake()
  const answer = await new Promise<number>((resolve) => {
    execFile(launcher, ['replay', '--from-raw', '--lake', none.roots.lake], (error) =>
      resolve(typeof error?.code === 'number' ? error.code : 0),
    )
  })
  expect(answer).toBe(1)
})
