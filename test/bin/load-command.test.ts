/** `meterlake load` and `sql` on real feeds, as a person runs them. */
import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sharedPath } from '../support/shared.ts'

const launcher = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))
const samples = sharedPath('espi/samples')

// Each call is a process, and the gate's machine has two cores.
vi.setConfig({ testTimeout: 180_000 })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-load-'))
})
afterEach(() => rm(folder, { recursive: true }))

interface Result {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

const meterlake = (args: readonly string[], stdin?: string): Promise<Result> =>
  new Promise((resolve) => {
    const child = execFile(
      launcher,
      [...args, '--lake', join(folder, 'lake')],
      { cwd: folder },
      (error, stdout, stderr) => resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
    if (stdin === undefined) child.stdin?.end()
    else createReadStream(stdin).pipe(child.stdin as NonNullable<typeof child.stdin>)
  })

test.skipIf(samples === undefined)('real feeds: loaded together, known again, queried', async () => {
  const pattern = join(samples ?? '', 'pge-bulk-elec-*.xml')
  const first = await meterlake(['load', pattern, '--format', 'json'])
  expect(first.code).toBe(0)
  const rows = JSON.parse(first.stdout) as Record<string, unknown>[]
  expect(rows.map(({ status, readings, new: fresh }) => ({ status, readings, fresh }))).toEqual([
    { status: 'loaded', readings: 24, fresh: 24 },
    { status: 'loaded', readings: 48, fresh: 48 },
    { status: 'loaded', readings: 24, fresh: 24 },
  ])
  const again = await meterlake(['load', pattern, '--format', 'jsonl'])
  expect(again.code).toBe(0)
  expect(again.stdout.match(/"status": "known"/g)).toHaveLength(3)
  const { stdout } = await meterlake([
    'sql',
    'SELECT count(*) AS n, count(DISTINCT load_id) AS loads FROM core.interval',
    '--format',
    'csv',
  ])
  expect(stdout).toBe('n,loads\n96,3\n')
  expect((await meterlake(['sql', 'SELECT max(commit_id) FROM ops.load', '--format', 'csv'])).stdout).toMatch(/\n1\n$/)
  const status = JSON.parse((await meterlake(['status', '--format', 'json'])).stdout) as { loads: unknown[] }
  expect(status.loads).toHaveLength(3)
})

test.skipIf(samples === undefined)('a feed from stdin', async () => {
  const { stdout, code } = await meterlake(
    ['load', '-', '--format', 'jsonl'],
    join(samples ?? '', 'pge-bulk-gas-daily-2020-05.xml'),
  )
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ file: 'stdin', status: 'loaded', readings: 1 })
})

test.skipIf(samples === undefined)('a truncated file fails alone: exit 1, the other is in the lake', async () => {
  const whole = join(samples ?? '', 'pge-bulk-elec-hourly-2019-10-23.xml')
  const truncated = join(folder, 'truncated.xml')
  await writeFile(truncated, (await readFile(whole)).subarray(0, 30_000))
  const { stdout, stderr, code } = await meterlake(['load', truncated, whole, '--format', 'jsonl'])
  expect(code).toBe(1)
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { status: string }).status),
  ).toEqual(['failed', 'loaded'])
  expect(stderr).toContain('truncated.xml: ')
  expect(stderr).toContain('(FEED_TRUNCATED)')
  expect((await meterlake(['sql', 'SELECT count(*) AS n FROM core.interval', '--format', 'csv'])).stdout).toBe(
    'n\n48\n',
  )
})

test.skipIf(samples === undefined)('an entry that cannot be read is quarantined: exit 3', async () => {
  const sample = await readFile(join(samples ?? '', 'pge-bulk-elec-hourly-2019-10-23.xml'), 'utf8')
  const broken = join(folder, 'broken.xml')
  await writeFile(broken, sample.replace(/(<(?:\w+:)?value>)\d+(<)/, '$1twelve$2'))
  const { stdout, code } = await meterlake(['load', broken, '--format', 'jsonl'])
  expect(JSON.parse(stdout)).toMatchObject({ status: 'quarantined' })
  expect(code).toBe(3)
})

test('a query that the engine refuses is exit 1 with its message', async () => {
  await writeFile(join(folder, 'not-a-feed.xml'), 'hello')
  await meterlake(['load', 'not-a-feed.xml'])
  const { stderr, code } = await meterlake(['sql', 'SELEC 1'])
  expect(code).toBe(1)
  expect(stderr).toContain('(SQL_FAILED)')
})
