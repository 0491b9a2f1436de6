/** Ad hoc pulls from the command line, over the whole path: what the utility may answer, and what ops.request says of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Meterlake } from '../../bin/up.ts'
import { localDayOf } from '../../custodian/zone-days.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import type { PullOutcome } from '../../schemas/pull.ts'
import { createFleet } from '../../sim/fleet.ts'
import type { FaultEffect } from '../../sim/fault.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { openSite, type Site } from '../support/site.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const yesterday = addDays(localDayOf(Date.now(), 'America/Los_Angeles'), -1)
const fleet = createFleet({ seed: 3, meters: 11 })

let site: Site
let meterlake: Meterlake
let config: string
beforeAll(async () => {
  site = await openSite({ custodian: { fleet, history: { longestWindow_days: 45, history_days: 100 } } })
  meterlake = await site.start()
  config = await site.configFile()
}, 60_000)
afterEach(() => {
  site.custodian.faults.clear()
})
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** One pull: exit code, outcome, the requests for packages it cost, its rows of ops.request in order. */
async function pull(...args: readonly string[]) {
  const from = site.custodian.requests.length
  const known = new Set((await rows()).map(({ request_id }) => request_id))
  const all = ['pull', ...args, '--format', 'json', '--config', config]
  const child = spawn(process.execPath, [cli, ...all], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(child, 'close')
  const outcome = JSON.parse(await text(child.stdout)) as PullOutcome
  const [code] = (await exit) as [number]
  const requests = site.custodian.requests
    .slice(from)
    .filter(({ path, query }) => path.includes('/Batch/') && !query.includes('correlationID'))
  return { code, outcome, requests, rows: (await rows()).filter(({ request_id }) => !known.has(request_id)) }
}

const rows = async () =>
  // Before the first commit there is no lake.
  existsSync(join(site.config.lake.dir, 'views.duckdb'))
    ? site.query(`SELECT request_id, transaction, feed, window_by, status, ask, n_resources, n_loaded,
        date_from::VARCHAR AS date_from, date_to::VARCHAR AS date_to FROM ops.request ORDER BY asked_at`)
    : []

const fault = (effect: FaultEffect, on: readonly number[] | 'all' = [1]) => {
  site.custodian.faults.add({ path: /Batch\/Bulk/, on, effect })
}

test('usage of a day: a month around it, both dates in Zulu, our transaction; electric, gas and bills are in the lake', async () => {
  const { code, outcome, requests, rows: its } = await pull('usage', '--from', yesterday, '--to', yesterday)
  expect(code).toBe(0)
  expect(outcome).toMatchObject({ status: 'answered', asked: 1, answered: 1, loaded: 2 })
  const [row] = its
  expect(row).toMatchObject({
    status: 'answered',
    date_from: addDays(yesterday, -29),
    date_to: yesterday,
    n_loaded: '2',
  })
  expect(requests).toMatchObject([{ status: 202, transaction: row?.['request_id'] }])
  expect(row?.['transaction']).toBe(row?.['request_id'])
  expect(requests[0]?.query).toMatch(
    /^\?published-min=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ&published-max=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  )
  const [found] =
    await site.query(`SELECT count(DISTINCT local_date) AS days, (SELECT count(*) > 0 FROM core.usage_summary
    WHERE usage_point_id NOT IN (SELECT usage_point_id FROM core.interval)) AS bills_only FROM core.interval`)
  expect(found).toEqual({ days: '30', bills_only: 'true' })
})

test('204: an answer, and recorded', async () => {
  const { code, outcome, rows: its } = await pull('usage', '--from', '2016-01-01', '--to', '2016-01-31')
  expect(code).toBe(0)
  expect(outcome).toMatchObject({ status: 'no_data', asked: 1, noData: 1, loaded: 0 })
  expect(its).toMatchObject([{ status: 'no_data', date_from: '2016-01-01', n_resources: '0' }])
})

test('Date Range Too Large: split and asked for again', async () => {
  const { code, outcome, rows: its } = await pull('usage', '--from', addDays(yesterday, -59), '--to', yesterday)
  expect(code).toBe(0)
  expect(outcome).toMatchObject({ status: 'answered', asked: 3, answered: 2 })
  expect(its.map(({ status }) => status)).toEqual(['split', 'answered', 'answered'])
})

test('changes', async () => {
  const { outcome, requests } = await pull('usage', '--from', yesterday, '--to', yesterday, '--by', 'updated')
  expect(outcome).toMatchObject({ status: 'answered', asked: 1 })
  expect(requests[0]?.query).toMatch(/^\?updated-min=.*Z&updated-max=.*Z$/)
})

test('the notification comes before the 202', async () => {
  fault({ kind: 'early' })
  const { code, outcome } = await pull('usage', '--from', addDays(yesterday, -40), '--to', addDays(yesterday, -5))
  expect(code).toBe(0)
  expect(outcome).toMatchObject({ status: 'answered', asked: 1 })
})

test('the notification never comes: asked again', async () => {
  fault({ kind: 'silence' })
  const range = ['--from', addDays(yesterday, -44), '--to', addDays(yesterday, -9)]
  const { code, outcome, rows: its } = await pull('usage', ...range, '--wait-hours', '0.002', '--asks', '9')
  expect(code).toBe(0)
  expect(outcome).toMatchObject({ status: 'answered', answered: 1 })
  expect(its[0]).toMatchObject({ status: 'unanswered', ask: '1' })
  expect(its.at(-1)).toMatchObject({ status: 'answered' })
})

test('customers go to pii; demand response is refused once, and that is no failure', async () => {
  const customers = await pull('customers')
  expect(customers).toMatchObject({ code: 0, outcome: { status: 'answered', loaded: 1 } })
  expect(await site.query('SELECT count(*) AS n FROM core.usage_point WHERE customer_class IS NOT NULL')).not.toEqual([
    { n: '0' },
  ])
  const programs = await pull('dr')
  expect(programs).toMatchObject({ code: 0, outcome: { status: 'not_entitled', asked: 1 } })
  expect(programs.rows).toMatchObject([{ status: 'not_entitled', feed: 'program' }])
})

test('the feed itself comes at once: it is loaded; nothing with 200 is no data', async () => {
  const { length } = await site.query('SELECT load_id FROM ops.load')
  const body = Buffer.concat([...renderFeed(dailyPackage(fleet, addDays(yesterday, -9)), 'electricity')]).toString()
  fault({ kind: 'answer', status: 200, body })
  const range = ['--from', addDays(yesterday, -34), '--to', addDays(yesterday, -4)]
  const ready = await pull('usage', ...range)
  expect(ready).toMatchObject({ code: 0, outcome: { status: 'answered', loaded: 1, asked: 1 } })
  expect(ready.rows).toMatchObject([{ status: 'answered', n_resources: '1', n_loaded: '1' }])
  expect(await site.query('SELECT load_id FROM ops.load')).toHaveLength(length + 1)
  site.custodian.faults.clear()
  fault({ kind: 'answer', status: 200, body: '' })
  expect(await pull('usage', ...range)).toMatchObject({ code: 0, outcome: { status: 'no_data' } })
})

test('everything is refused: failed by name', async () => {
  fault({ kind: 'answer', status: 400, body: 'Invalid Certificate' }, 'all')
  const { code, outcome } = await pull('usage', '--from', yesterday, '--to', yesterday)
  expect(code).toBe(1)
  expect(outcome).toMatchObject({ status: 'failed', code: 'CERTIFICATE_REFUSED', asked: 1 })
})
