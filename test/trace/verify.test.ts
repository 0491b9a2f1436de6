/** `verify` finds what was done to a lake behind its back, and names the file. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manifestSchema, type Manifest } from '../../schemas/manifest.ts'
import { Database } from '../../warehouse/database.ts'
import { type NamedFile, namedFiles, shownPath } from '../../warehouse/named-files.ts'
import { formatPath } from '../../warehouse/paths.ts'
import { verifyLake } from '../../warehouse/verify.ts'
import { rewriteFile } from './rewritten-file.ts'
import { createTracedLake, type TracedLake } from './traced-lake.ts'

let lake: TracedLake
let manifest: Manifest
let manifestPath: string
beforeAll(async () => {
  lake = await createTracedLake()
  manifestPath = join(lake.roots.lake, formatPath({ kind: 'manifest', n: lake.commits }))
  manifest = manifestSchema.parse(JSON.parse(await readFile(manifestPath, 'utf8')))
})
afterAll(() => lake[Symbol.asyncDispose]())

const placeOf = ({ root, ref }: NamedFile) => join(lake.roots[root], ref.path)
const verify = async () => (await verifyLake({ roots: lake.roots })).findings

/** Changes files, verifies, and puts everything back. */
async function withChanged(paths: readonly string[], change: (path: string) => Promise<void>) {
  const before = await Promise.all(paths.map((path) => readFile(path)))
  try {
    for (const path of paths) await change(path)
    return await verify()
  } finally {
    for (const [at, path] of paths.entries()) await writeFile(path, before[at] ?? '')
  }
}

/** The largest file of each kind, under both roots. */
const oneOfEach = (): NamedFile[] =>
  [...Map.groupBy(namedFiles(manifest), ({ root, kind }) => `${root} ${kind}`).values()].flatMap(
    (files) => files.toSorted((a, b) => b.ref.bytes - a.ref.bytes)[0] ?? [],
  )

const flip = (at: number) => async (path: string) => {
  const bytes = await readFile(path)
  const place = Math.floor(at * (bytes.length - 1))
  bytes[place] = (bytes[place] ?? 0) ^ 0x10
  await writeFile(path, bytes)
}
const cut = async (path: string) => writeFile(path, (await readFile(path)).subarray(0, -7))
const remove = (path: string) => rm(path)

test('nothing is wrong with a lake nobody touched', async () => {
  const verified = await verifyLake({ roots: lake.roots })
  expect(verified).toMatchObject({ findings: [], skipped: [], manifest: lake.commits })
  expect(verified.intervals).toBe(manifest.totals.readings)
  expect(verified.archived).toBe(manifest.raw.length + manifest.pii.raw.length)
  expect(oneOfEach().length).toBeGreaterThan(20)
})

describe.each([
  ['a byte flipped', flip(0.5), /SHA-256 differs|other bytes|cannot be unpacked/],
  ['cut', cut, /bytes, the manifest says/],
  ['removed', remove, /^it is not there$/],
] as const)('%s', (_, change, problem) => {
  test('of each kind of file one: every one is found and named, with a next step', async () => {
    const damaged = oneOfEach()
    const findings = await withChanged(damaged.map(placeOf), change)
    for (const file of damaged)
      expect(findings).toContainEqual({
        check: file.kind === 'raw' ? 'archive' : 'file',
        file: shownPath(file),
        problem: expect.stringMatching(problem),
        next: expect.stringMatching(/replay|backup/),
      })
    expect(findings.filter(({ file }) => !damaged.some((one) => shownPath(one) === file))).toEqual([])
  })
})

test('a byte anywhere in any file', async () => {
  const files = namedFiles(manifest)
  await fc.assert(
    fc.asyncProperty(fc.nat(files.length - 1), fc.double({ min: 0, max: 1, noNaN: true }), async (which, at) => {
      const file = files[which] as NamedFile
      const findings = await withChanged([placeOf(file)], flip(at))
      expect(findings.map((finding) => finding.file)).toEqual([shownPath(file)])
    }),
    { numRuns: 6 },
  )
})

/** {@link rewriteFile}, verified, and put back. */
async function withRewritten(file: NamedFile, query: string) {
  const path = placeOf(file)
  const before = await readFile(path)
  const said = await readFile(manifestPath, 'utf8')
  try {
    await rewriteFile(lake.roots, file, query)
    return await verify()
  } finally {
    await writeFile(path, before)
    await writeFile(manifestPath, said)
  }
}

const largest = (kind: string) => oneOfEach().find((file) => file.root === 'lake' && file.kind === kind) as NamedFile

test('rows whose values were swapped, though sizes and hashes were made to fit', async () => {
  const current = largest('current')
  const swapped = `SELECT * EXCLUDE (place) REPLACE (CASE place WHEN 1 THEN lead(energy_kwh) OVER w WHEN 2 THEN lag(energy_kwh) OVER w ELSE energy_kwh END AS energy_kwh)
    FROM (SELECT *, row_number() OVER () AS place FROM old) WINDOW w AS (ORDER BY place)`
  expect(await withRewritten(current, swapped)).toEqual([
    {
      check: 'current',
      file: current.ref.path,
      problem: expect.stringMatching(/not the winners of history: 2 changed; first series \d+ at 2025-/),
      next: expect.stringContaining('replay'),
    },
  ])
  const missing = await withRewritten(current, 'SELECT * FROM old OFFSET 3')
  expect(missing).toMatchObject([
    { check: 'current', file: current.ref.path, problem: expect.stringContaining('3 missing') },
  ])
  const elsewhere = await withRewritten(current, 'SELECT * REPLACE (local_date + 1 AS local_date) FROM old')
  expect(elsewhere.map(({ file }) => file)).toContain(current.ref.path)
})

test('a ledger that counts otherwise, a history that lost a row', async () => {
  const more = await withRewritten(
    largest('load'),
    `SELECT * REPLACE (CASE WHEN n_new > 0 THEN n_new + 1 ELSE n_new END AS n_new) FROM old`,
  )
  expect(more[0]).toMatchObject({ check: 'ledger', file: expect.stringMatching(/^load [0-9a-f]{16} of commit \d+$/) })
  const less = await withRewritten(largest('history'), 'SELECT * FROM old OFFSET 1')
  expect(new Set(less.map(({ check }) => check))).toEqual(new Set(['ledger', 'current', 'manifest']))
})

test('views of another manifest, changed ones, none; a frame index that is gone; a hole in the manifests', async () => {
  const views = join(lake.roots.lake, 'views.duckdb')
  const changed = await withChanged([views], async (path) => {
    await using db = await Database.open({ path, threads: 1, memoryLimitMb: 128, scratch: tmpdir() })
    await db.run('CREATE OR REPLACE VIEW core.interval AS SELECT 1 AS x')
  })
  expect(changed).toMatchObject([
    { check: 'views', file: 'views.duckdb', problem: expect.stringContaining('core.interval') },
  ])
  expect(await withChanged([views], remove)).toMatchObject([{ check: 'views', problem: 'it is not there' }])
  const sidecar = formatPath({ kind: 'raw_index', sha256: manifest.raw[0]?.sha256 ?? '' })
  expect(await withChanged([join(lake.roots.lake, sidecar)], remove)).toMatchObject([
    { check: 'archive', file: sidecar },
  ])
  const third = formatPath({ kind: 'manifest', n: 3 })
  expect(await withChanged([join(lake.roots.lake, third)], remove)).toMatchObject([{ check: 'manifest', file: third }])
})

test('the newest manifest cannot be read: that is the finding, and what to do', async () => {
  expect(await withChanged([manifestPath], cut)).toEqual([
    {
      check: 'manifest',
      file: formatPath({ kind: 'manifest', n: lake.commits }),
      problem: expect.stringContaining('cannot be read'),
      next: expect.stringContaining('replay --from-raw --publish'),
    },
  ])
})

test('since a moment: what came before is not looked at', async () => {
  const early = namedFiles(manifest).find(
    ({ kind, ref }) => kind === 'receipts' && ref.path.startsWith('receipts/1-'),
  ) as NamedFile
  const path = placeOf(early)
  const before = await readFile(path)
  await cut(path)
  const since = await verifyLake({ roots: lake.roots, since: new Date('2025-11-09T00:00:00Z') })
  const whole = await verify()
  await writeFile(path, before)
  expect(since.findings).toEqual([])
  expect(since.files).toBeLessThan(namedFiles(manifest).length / 2)
  expect(whole.map(({ file }) => file)).toEqual([early.ref.path])
})
