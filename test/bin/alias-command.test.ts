/** `meterlake alias` as an operator uses it: two ids with the same readings, listed, joined, taken back. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishStaged } from '../../warehouse/publish.ts'
import { seriesKey, stageFeed, timeZone } from '../support/stage-feed.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const start = Date.parse('2026-05-01T07:00:00Z') / 1000

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-alias-'))
  const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  const ids = ['old', 'new']
  await stageFeed(roots, {
    readingTypes: [{ id: 'wh' }],
    meterReadings: ids.map((id) => ({ usagePoint: 'U', id, readingType: 'wh' })),
    blocks: ids.map((meterReading) => ({
      usagePoint: 'U',
      meterReading,
      published: '2026-05-02T10:00:00Z',
      readings: [{ start, value: 1000 }],
    })),
  })
  await publishStaged({ roots, timeZone })
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const meterlake = (...args: readonly string[]) =>
  new Promise<{ stdout: string; stderr: string; code: number }>((resolve) => {
    execFile(process.execPath, [cli, ...args, '--lake', join(dir, 'lake')], { cwd: dir }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, code: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })

const kwh = async () =>
  JSON.parse(
    (await meterlake('sql', 'SELECT sum(net_kwh) AS kwh FROM mart.load_hourly', '--format', 'json')).stdout,
  ) as unknown

const [old, fresh] = ['old', 'new'].map((id) => String(seriesKey('U', id))) as [string, string]

test('an open pair is listed with exit code 3, decided, and taken back', async () => {
  const open = await meterlake('alias', 'list', '--format', 'csv')
  expect(open.code).toBe(3)
  expect(open.stdout).toContain(',open,same_values,2026-05-01,2026-05-01')
  expect(open.stdout).toContain(old)
  expect(await kwh()).toEqual([{ kwh: 2 }])
  expect(await meterlake('alias', 'set', fresh, old)).toEqual({
    code: 0,
    stdout: '',
    stderr: `${fresh} and ${old} are counted as one series\n`,
  })
  expect(await kwh()).toEqual([{ kwh: 1 }])
  const decided = await meterlake('alias', 'list', '--usage-point', 'U', '--format', 'json')
  expect(decided.code).toBe(0)
  expect(JSON.parse(decided.stdout)).toMatchObject([{ usage_point_id: 'U', state: 'one', reason: 'operator' }])
  expect((await meterlake('alias', 'clear', old, fresh)).stderr).toContain('counted as two series, and open')
  expect(await kwh()).toEqual([{ kwh: 2 }])
})

test('what is no pair is refused, with exit code 2', async () => {
  expect(await meterlake('alias', 'set', 'new', old)).toMatchObject({ code: 2 })
  expect(await meterlake('alias', 'set', old, '17')).toMatchObject({ code: 2 })
  expect((await meterlake('alias', 'set', old, old)).stderr).toContain('name two')
})
