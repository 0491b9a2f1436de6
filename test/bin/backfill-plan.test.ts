/** What `backfill --dry-run` and `gaps` say from the command line: nothing runs, nothing is asked. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackfillPlan } from '../../bin/plan-backfill.ts'
import { localDayOf } from '../../custodian/zone-days.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import { openSite, type Site } from '../support/site.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))

let site: Site
let config: string
beforeAll(async () => {
  site = await openSite()
  config = await site.configFile()
})
afterAll(async () => site[Symbol.asyncDispose]())

async function meterlake(...args: readonly string[]) {
  const child = spawn(process.execPath, [cli, ...args, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await exit) as [number]
  return { stdout, stderr, code }
}

const plan = async (...range: readonly string[]) => meterlake('backfill', ...range, '--dry-run', '--format', 'json')

const years = ['--from', '2023-01-01', '--to', '2026-10-31'] as const

const inHours = (at: string | null): number => (Date.parse(at ?? '') - Date.now()) / 3_600_000

/** The same configuration with other limits. */
async function limit(limits: Readonly<Record<string, number>>): Promise<void> {
  const settings = parse(await readFile(config, 'utf8')) as { custodian: { overrides: Record<string, unknown> } }
  settings.custodian.overrides['limits'] = limits
  await writeFile(config, stringify(settings))
}

test('46 months: windows, the latest first, requests, no limit but the second', async () => {
  await limit({ perSecond: 1 })
  const { stdout, code } = await plan(...years)
  expect(code).toBe(0)
  const said = JSON.parse(stdout) as BackfillPlan
  expect(said.windows).toHaveLength(46)
  expect(said.windows[0]).toEqual({ from: '2026-10-01', to: '2026-10-31' })
  // February alone is shorter than the 30 days in which a bill falls.
  expect(said.windows).toContainEqual({ from: '2025-01-30', to: '2025-02-28' })
  expect(said.forecast).toMatchObject({
    requests: 3 * 46,
    binds: { perSecond: expect.any(String) as string, perHour: null, perDay: null },
  })
  // Twelve rounds of four, ten minutes each.
  expect(inHours(said.finishAt)).toBeGreaterThan(1.9)
  expect(inHours(said.finishAt)).toBeLessThanOrEqual(2)
})

test('where the hour and the day bind, it says when, and finishes that much later', async () => {
  await limit({ perSecond: 1, perHourPerClient: 10, perDayPerClient: 60 })
  const { stdout } = await plan(...years)
  const said = JSON.parse(stdout) as BackfillPlan
  expect(inHours(said.forecast.binds.perHour)).toBeLessThan(0.1)
  expect(inHours(said.forecast.binds.perDay)).toBeLessThan(24)
  // 138 requests at 60 a day: two more days begin.
  expect(inHours(said.finishAt)).toBeGreaterThan(24)
  expect(inHours(said.finishAt)).toBeLessThan(72)
  const { stdout: table } = await meterlake('backfill', ...years, '--dry-run')
  expect(table).toContain('46 windows, 2023-01-01 to 2026-10-31, the latest first')
  expect(table).toMatch(/limit perHour: binds from \d{4}-/)
  expect(table).toMatch(/through by \d{4}-.* at the earliest/)
})

test('a day that is not over is not asked for: it would count as settled', async () => {
  await limit({ perSecond: 1 })
  const yesterday = addDays(localDayOf(Date.now(), 'America/Los_Angeles'), -1)
  const { stdout } = await plan('--from', addDays(yesterday, -3), '--to', '2999-12-31')
  expect((JSON.parse(stdout) as BackfillPlan).windows[0]?.to).toBe(yesterday)
  expect((await plan('--from', addDays(yesterday, 1), '--to', '2999-12-31')).code).toBe(2)
})

test('without --dry-run it needs something that runs; wrong ranges are wrong use', async () => {
  expect(await meterlake('backfill', ...years)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('meterlake up') as string,
  })
  for (const range of [
    ['--from', '2026-01-01'],
    ['--from', '2026-02-01', '--to', '2026-01-01'],
    ['--from', '2026-02-30'],
  ])
    expect((await meterlake('backfill', ...range, '--dry-run')).code).toBe(2)
  expect(site.custodian.requests).toEqual([])
})

test('gaps of a lake to which nothing ever came', async () => {
  expect(await meterlake('gaps')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing is expected') as string,
  })
  expect(await meterlake('gaps', '--plan')).toMatchObject({ code: 0, stdout: 'nothing would be asked for\n' })
  expect((await meterlake('gaps', '--to', '2026-01-01')).code).toBe(2)
})
