/** Trouble with the lake's own place: no room, no permission, two writers. Through the command line, whose exit code says it. */
import { execFileSync, spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createLake, type TestLake } from '../support/lake.ts'
import { earlier, good, quarantined } from './spoiled-feeds.ts'

const meterlake = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

async function file(lake: TestLake, name: string, bytes: string): Promise<string> {
  const path = join(lake.dir, name)
  await writeFile(path, bytes)
  return path
}

/** `good.xml` moved to another usage point, so that several files do not say the same. */
const goodOf = (usagePoint: string) => good.replaceAll('5391320451', usagePoint)

describe('exit codes of load', () => {
  test('0 done, 3 with entries quarantined, 1 failed, 2 wrong use', async () => {
    await using lake = await createLake()
    const load = (path: string) => run(meterlake, ['load', path, '--lake', lake.roots.lake])
    expect((await load(await file(lake, 'good.xml', good))).code).toBe(0)
    expect((await load(await file(lake, 'part.xml', quarantined[0]?.bytes ?? ''))).code).toBe(3)
    const failed = await load(await file(lake, 'cut.xml', good.slice(0, 2000)))
    expect(failed).toMatchObject({ code: 1 })
    expect(failed.stderr + failed.stdout).toContain('FEED_TRUNCATED')
    expect((await load(join(lake.dir, 'there-is-none.xml'))).code).toBe(2)
    expect((await run(meterlake, ['load', '--lake', lake.roots.lake])).code).toBe(2)
    expect(await lake.query('SELECT count(*) AS n FROM core.interval')).toEqual([{ n: '6' }])
  })
})

test('a lake that cannot be made is LAKE_NOT_WRITABLE', async () => {
  await using lake = await createLake()
  const path = await file(lake, 'good.xml', good)
  const ended = await run(meterlake, ['load', path, '--lake', join(path, 'lake')])
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('LAKE_NOT_WRITABLE')
})

test('a query before anything was loaded is LAKE_MISSING', async () => {
  await using lake = await createLake()
  const ended = await run(meterlake, ['sql', 'FROM core.interval', '--lake', lake.roots.lake])
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('LAKE_MISSING')
})

test('four writers at once: each load is committed once, none is lost', async () => {
  await using lake = await createLake()
  const paths = await Promise.all(['1', '2', '3', '4'].map((id) => file(lake, `${id}.xml`, goodOf(id))))
  const ended = await Promise.all(paths.map((path) => run(meterlake, ['load', path, '--lake', lake.roots.lake])))
  expect(ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0, 0, 0])
  const counts =
    'SELECT usage_point_id AS id, count(*) AS n, sum(value) AS total FROM core.interval GROUP BY ALL ORDER BY ALL'
  expect(await lake.query(counts)).toEqual(['1', '2', '3', '4'].map((id) => ({ id, n: '6', total: '21000' })))
  expect(await lake.query('SELECT count(*) AS n, count(DISTINCT known_at) > 0 AS dated FROM ops.load')).toEqual([
    { n: '4', dated: 'true' },
  ])
  expect(await lake.query('SELECT count(*) AS n FROM core.interval_version')).toEqual([{ n: '24' }])
})

test('the same file by two writers at once is one load', async () => {
  await using lake = await createLake()
  const path = await file(lake, 'good.xml', good)
  const ended = await Promise.all([0, 1].map(() => run(meterlake, ['load', path, '--lake', lake.roots.lake])))
  expect(ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual([0, 0])
  expect(await lake.query('SELECT count(*) AS n FROM core.interval_version')).toEqual([{ n: '6' }])
  expect(await lake.query('SELECT count(*) AS n FROM ops.load')).toEqual([{ n: '1' }])
})

/** A file system of our own needs a user namespace. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    if (process.env['CI'] === 'true') console.warn('disk full: no user namespaces here')
    else console.warn('skipped: disk full needs a user namespace (unshare -Urm), which this system refuses')
    return false
  }
}

/** 20,000 readings with random values: some hundred day files of Parquet. */
function bigFeed(): string {
  const firstReading = /\n {6}<ns0:IntervalReading>.*<\/ns0:IntervalReading>/
  let readings = ''
  let value = 1
  for (let quarter = 0; quarter < 20_000; quarter++) {
    value = (value * 48_271) % 2_147_483_647
    const period = `<ns0:duration>900</ns0:duration><ns0:start>${1_600_000_200 + quarter * 900}</ns0:start>`
    readings += `\n<ns0:IntervalReading><ns0:timePeriod>${period}</ns0:timePeriod><ns0:value>${value * 1009}</ns0:value></ns0:IntervalReading>`
  }
  return good.replace(firstReading, readings)
}

test.runIf(canMount())(
  'disk full: LAKE_DISK_FULL, the earlier lake stays; with room again it loads',
  { timeout: 300_000 },
  async () => {
    await using lake = await createLake()
    const first = await file(lake, 'earlier.xml', earlier)
    const big = await file(lake, 'big.xml', bigFeed())
    const place = join(lake.dir, 'small')
    const script = `
    mkdir -p ${place} && mount -t tmpfs -o size=64m none ${place} || exit 99
    load() { ${meterlake} load "$1" --lake ${place}/lake >&2; echo "exit $?"; }
    count() { ${meterlake} sql 'SELECT count(*) AS n FROM core.interval' --format csv --lake ${place}/lake; }
    load ${first}
    free=$(df -k --output=avail ${place} | tail -1)
    head -c $(((free - 700) * 1024)) /dev/zero > ${place}/filler
    load ${big}
    count
    rm ${place}/filler
    load ${big}
    count`
    const ended = await run('unshare', ['-Urm', 'sh', '-c', script])
    expect(ended.stderr).toContain('LAKE_DISK_FULL')
    const told = ended.stdout.match(/^(?:exit )?\d+/gm)
    expect({ told, stderr: ended.stderr }).toMatchObject({ told: ['exit 0', 'exit 1', '2', 'exit 0', '20007'] })
  },
)

test('views that are lost or behind are rebuilt by the next command', async () => {
  await using lake = await createLake()
  const path = await file(lake, 'good.xml', good)
  await lake.load([path])
  await rm(join(lake.roots.lake, 'views.duckdb'))
  // the bytes are known, so there is nothing to commit, but something to repair
  expect((await run(meterlake, ['load', path, '--lake', lake.roots.lake])).code).toBe(0)
  expect(await lake.query('SELECT count(*) AS n FROM core.interval')).toEqual([{ n: '6' }])
})
