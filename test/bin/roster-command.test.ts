/** `meterlake roster`, `gaps --readings` and what `status` says of silent usage points, as a person runs them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const launcher = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))
const feed = fileURLToPath(new URL('../golden/completeness-roster/feed.xml', import.meta.url))

// Each call is a process, and the gate's machine has two cores.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder: string
const meterlake = (...args: readonly string[]): Promise<{ stdout: string; stderr: string; code: number }> =>
  new Promise((resolve) => {
    execFile(launcher, [...args, '--lake', join(folder, 'lake')], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })
const roster = async (name: string, ...rows: readonly string[]) => {
  const file = join(folder, name)
  await writeFile(file, `${['usage point,class,rate,city,from,to,name', ...rows].join('\n')}\n`)
  return file
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-roster-'))
  await meterlake('load', feed)
})
afterAll(() => rm(folder, { recursive: true }))

test('before any roster: history says what is missing, and that there is no roster', async () => {
  expect(await meterlake('roster', 'show')).toEqual({
    stdout: 'there is no roster yet: meterlake roster import FILE\n',
    stderr: '',
    code: 0,
  })
  const { stdout, code } = await meterlake('gaps', '--readings', '--format', 'csv')
  expect(code).toBe(3)
  expect(stdout).toContain('U2,1,2026-05-01T12:00:00Z,2026-05-01T13:00:00Z,1,3600,open,,,history\n')
  expect((await meterlake('status')).stdout).not.toContain('roster of')
})

test('a file with mistakes is refused whole', async () => {
  const file = await roster('bad.csv', 'U1,RES,,,2026-05-01,,Ann', 'U2,RES,,,2026-05-32,,Bob')
  const { stdout, stderr, code } = await meterlake('roster', 'import', file)
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 })
  expect(stderr).toContain('line 3: column from_date: "2026-05-32" is no day')
  expect(stderr).toContain('ROSTER_INVALID')
  expect(await meterlake('roster', 'import', join(folder, 'none.csv'))).toMatchObject({ code: 2 })
  expect(await meterlake('roster', 'import', file, '--as-of', 'today')).toMatchObject({ code: 2 })
  expect((await meterlake('roster', 'show', '--format', 'json')).stdout).toBe('[]\n')
})

test('imported, shown, known again; silent usage points are told of', async () => {
  const file = await roster(
    'good.csv',
    'U1,RES,E-TOU-C,Oakland,2026-05-01,,Ann',
    'U2,RES,,,,,Bob',
    'U3,COM,B-19,"San Jose, CA",2026-04-01,,Eve',
  )
  const first = await meterlake('roster', 'import', file, '--as-of', '2026-05-01', '--format', 'jsonl')
  expect(JSON.parse(first.stdout)).toMatchObject({ outcome: 'imported', rows: 3, usage_points: 3, without_readings: 1 })
  expect(first.stderr).toContain('columns not read: name')
  const again = await meterlake('roster', 'import', file, '--format', 'jsonl')
  expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'known', without_readings: 1 })
  expect(again.stderr).toContain('nothing to do')
  // nothing personal came along
  expect((await meterlake('sql', 'FROM ref.roster_version', '--format', 'csv')).stdout).not.toMatch(/Ann|Bob|Eve/)

  const silent = await meterlake('roster', 'show', '--silent', '--format', 'json')
  expect(silent.code).toBe(3)
  expect(JSON.parse(silent.stdout)).toMatchObject([
    { usage_point_id: 'U3', last_reading_date: null, silent_since: '2026-05-01', silent_days: 4 },
    { usage_point_id: 'U1', last_reading_date: '2026-05-03', silent_since: '2026-05-04', silent_days: 1 },
  ])
  const status = await meterlake('status')
  expect(status.stdout).toContain(
    'roster of 2026-05-01: 3 usage points should have data; 1 silent for more than 3 days (1 never had any), the longest since 2026-05-01: meterlake roster show --silent',
  )
  const { roster: facts } = JSON.parse((await meterlake('status', '--format', 'json')).stdout) as { roster: unknown }
  expect(facts).toEqual({
    as_of_date: '2026-05-01',
    usage_points: 3,
    silent: 1,
    silent_since: '2026-05-01',
    never: 1,
  })
})

test('gaps --readings: by day, with what is explained, and only on its own', async () => {
  const day = await meterlake('gaps', '--readings', '--from', '2026-05-04', '--to', '2026-05-04', '--format', 'jsonl')
  expect(day.code).toBe(3)
  expect(
    day.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n_intervals: number }).n_intervals),
  ).toEqual([24, 24, 1])
  expect(await meterlake('gaps', '--readings', '--from', '2026-05-02', '--to', '2026-05-02')).toEqual({
    stdout: 'no interval that should be there is missing\n',
    stderr: '',
    code: 0,
  })
  expect(await meterlake('gaps', '--readings', '--plan')).toMatchObject({ code: 2 })
})

test('a roster whose ids are not those of the feed is suspected; an empty lake has none', async () => {
  const file = await roster('other.csv', '12,RES,,,,,Ann')
  const { stderr, code } = await meterlake('roster', 'import', file, '--as-of', '2026-05-02')
  expect(code).toBe(0)
  expect(stderr).toContain('no usage point of the file has any reading')
  await rm(join(folder, 'lake'), { recursive: true })
  expect(await meterlake('roster', 'show')).toMatchObject({ code: 1 })
  expect(await meterlake('roster', 'import', file)).toMatchObject({ code: 0 })
  expect((await meterlake('gaps', '--readings')).stdout).toBe('no interval that should be there is missing\n')
})
