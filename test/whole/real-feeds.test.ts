/** Real PG&E feeds over the whole path: notification → webhook → spool → Temporal → token → download → archive → load → publish → SQL. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Meterlake } from '../../bin/up.ts'
import type { NotificationOutcome } from '../../schemas/ingest.ts'
import type { Preparation } from '../../sim/server.ts'
import { asLine, plainDecimal, type Row } from '../support/lake-rows.ts'
import { sharedPath } from '../support/shared.ts'
import { notificationIdOfUrls, openSite, outcomeOfUrls, type Site } from '../support/site.ts'

type Figures = Readonly<Record<string, string | number | boolean | null>>

interface Expected {
  readonly sample: string
  readonly sha256: string
  readonly profile: 'pge' | 'espi'
  readonly outcome: 'loaded' | 'refused' | 'customer'
  readonly code?: string
  readonly n_readings: number
  readonly usage_points: readonly Figures[]
  readonly reading_types: readonly Figures[]
  readonly usage_summaries: readonly Figures[]
  readonly intervals?: readonly Figures[]
}

const expectedFolder = fileURLToPath(new URL('../real/expected/', import.meta.url))
const samples = sharedPath('espi/samples')
const expectations = readdirSync(expectedFolder)
  .sort()
  .map((file) => JSON.parse(readFileSync(join(expectedFolder, file), 'utf8')) as Expected)
  .filter(({ profile, sample }) => profile === 'pge' && sample.startsWith('pge-') && !sample.includes('notify'))
const usage = expectations.filter(({ outcome }) => outcome !== 'customer')
const customers = expectations.filter(({ outcome }) => outcome === 'customer')
const loaded = usage.filter(({ outcome }) => outcome === 'loaded')
const pathOf = ({ sample }: Expected) => join(samples ?? '', sample)
const loadIdOf = ({ sha256 }: Expected) => sha256.slice(0, 16)

/** 10^-9 kWh as kWh. */
const kwhOf = (nano: bigint): string => {
  const digits = String(nano).padStart(10, '0')
  return plainDecimal(`${digits.slice(0, -9)}.${digits.slice(-9)}`)
}

/** Every cell as text, in the order of the expectation. */
const lines = (rows: readonly (Figures | Row)[], names: readonly string[]): string[] =>
  rows.map((row) => names.map((name) => (row[name] === null ? '-' : String(row[name]))).join(' | ')).sort()

describe.skipIf(samples === undefined)('real samples from the simulated custodian', () => {
  let site: Site
  let meterlake: Meterlake
  let served: Preparation
  let outcome: NotificationOutcome

  beforeAll(async () => {
    site = await openSite()
    meterlake = await site.start()
    served = await site.custodian.serveFile(usage.map(pathOf))
    outcome = await outcomeOfUrls(meterlake.client, served.resources)
  })
  afterAll(async () => {
    await meterlake[Symbol.asyncDispose]()
    await site[Symbol.asyncDispose]()
  })

  test('the webhook answers 200, the outcome names every file: loaded, or refused with its code', () => {
    expect(served.notification).toEqual({ status: 200, error: null })
    expect(meterlake.temporal.origin).toBe('started')
    const told = outcome.resources.map((resource) => (resource.status === 'failed' ? resource.code : resource.status))
    expect(told).toEqual(usage.map(({ outcome, code }) => (outcome === 'loaded' ? 'loaded' : code)))
    expect(outcome.status).toBe(loaded.length === usage.length ? 'ingested' : 'partial')
  })

  test('one token for all; each package is asked for once', () => {
    const { requests, tokenUrl } = site.custodian
    const tokens = requests.filter(({ path }) => tokenUrl.endsWith(path))
    expect(tokens.map(({ method, status }) => `${method} ${status}`)).toEqual(['POST 200'])
    const asked = requests.filter(({ method }) => method === 'GET').map(({ query, status }) => `${query} ${status}`)
    expect(asked.sort()).toEqual(
      served.resources.map(({ correlationId }) => `?correlationID=${correlationId} 200`).sort(),
    )
  })

  test('the ledger knows each file by its bytes, its notification and its correlationID', async () => {
    const rows = await site.query(
      'SELECT sha256, status, error_code, source, notification_id, correlation_id, n_readings FROM ops.load',
    )
    const notificationId = notificationIdOfUrls(served.resources.map(({ url }) => url))
    const expected = usage.map(({ sha256, outcome, code, n_readings }, at) =>
      [
        sha256,
        outcome === 'loaded' ? 'loaded' : 'failed',
        code ?? '-',
        'notification',
        notificationId,
        served.resources[at]?.correlationId,
        outcome === 'loaded' ? n_readings : 0,
      ].join(' | '),
    )
    expect(rows.map(asLine).sort()).toEqual(expected.sort())
    const [noted] = await site.query(
      'SELECT notification_id, status, n_resources, n_refused, n_loaded FROM ops.notification',
    )
    expect(noted).toEqual({
      notification_id: notificationId,
      status: outcome.status,
      n_resources: String(usage.length),
      n_refused: '0',
      n_loaded: String(loaded.length),
    })
  })

  test.each(loaded)('$sample: every value in SQL', async (expected) => {
    const { intervals = [], usage_points, reading_types } = expected
    const names = Object.keys(intervals[0] ?? {})
    const columns = names.length === 0 ? '1' : names.join(', ')
    const found = await site.query(`SELECT ${columns} FROM core.interval WHERE load_id = '${loadIdOf(expected)}'`)
    expect(lines(found, names)).toEqual(lines(intervals, names))
    for (const [view, figures] of [
      ['core.usage_point', usage_points],
      ['core.reading_type', reading_types],
    ] as const) {
      const named = Object.keys(figures[0] ?? { usage_point_id: '' })
      const all = figures.length === 0 ? [] : await site.query(`SELECT ${named.join(', ')} FROM ${view}`)
      expect(lines(all, named)).toEqual(expect.arrayContaining(lines(figures, named)))
    }
  })

  test('nothing else is in core.interval, and hours add up to the intervals', async () => {
    const all = loaded.flatMap(({ intervals = [] }) => intervals)
    expect(all.length).toBeGreaterThan(90)
    expect(await site.query('SELECT count(*) AS n FROM core.interval')).toEqual([{ n: String(all.length) }])
    const hours = new Map<string, bigint>()
    for (const { usage_point_id, start_at, energy_kwh, flow_direction } of all) {
      if (energy_kwh === null || energy_kwh === undefined || flow_direction !== 1) continue
      const hour = `${String(usage_point_id)} ${String(start_at)}`
      const [whole = '0', fraction = ''] = String(energy_kwh).split('.')
      hours.set(hour, (hours.get(hour) ?? 0n) + BigInt(`${whole}${fraction.padEnd(9, '0')}`))
    }
    const rows = await site.query(
      'SELECT usage_point_id, hour_start_at, delivered_kwh FROM mart.load_hourly WHERE delivered_kwh IS NOT NULL',
    )
    const found = rows.map((row) => `${row['usage_point_id']} ${row['hour_start_at']} ${row['delivered_kwh']}`)
    expect(found.sort()).toEqual([...hours].map(([hour, nano]) => `${hour} ${kwhOf(nano)}`).sort())
  })

  test('the bytes of a customer feed are archived under pii alone', async () => {
    const before = await site.query('SELECT count(*) AS n FROM core.interval')
    const prepared = await site.custodian.serveFile(customers.map(pathOf), { feed: 'customer' })
    const result = await outcomeOfUrls(meterlake.client, prepared.resources)
    expect(result).toMatchObject({
      status: 'ingested',
      resources: customers.map(({ sha256 }) => ({ status: 'loaded', sha256 })),
    })
    expect(await site.query('SELECT count(*) AS n FROM core.interval')).toEqual(before)
    for (const { sha256 } of customers) {
      const archived = join(site.config.lake.pii, 'raw', sha256.slice(0, 2), `${sha256}.xml.zst`)
      expect(
        createHash('sha256')
          .update(zstdDecompressSync(readFileSync(archived)))
          .digest('hex'),
      ).toBe(sha256)
    }
  })
})
