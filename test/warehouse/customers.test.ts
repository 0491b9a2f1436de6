/** Customer feeds of a simulated fleet, loaded and published: pii.duckdb and core.usage_point equal the truth, whatever the order. */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manifestSchema } from '../../schemas/manifest.ts'
import { personalTables, type PersonalTable } from '../../schemas/tables-personal.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderCustomerFeed, renderProgramFeed } from '../../sim/render-customer.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { truthCustomers } from '../../sim/truth-customer.ts'
import { folderTexts } from '../support/folder-text.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import { personalWords } from '../support/personal-words.ts'

const fleet = createFleet({ seed: 5, meters: 20 })
const weeks = ['2025-11-03', '2025-11-10', '2025-11-17'].map((day) => Date.parse(`${day}T19:10:33Z`))
const truth = truthCustomers(fleet, weeks)

/** Files: the customer feed and the feed of programs of each week, and a day of usage. */
async function feeds(lake: TestLake): Promise<{ weekly: string[][]; usage: string }> {
  const write = async (name: string, chunks: Iterable<Buffer>) => {
    const path = join(lake.dir, name)
    await writeFile(path, Buffer.concat([...chunks]))
    return path
  }
  const weekly = await Promise.all(
    weeks.map(async (at, week) => [
      await write(`customers-${week}.xml`, renderCustomerFeed(fleet, at)),
      await write(`programs-${week}.xml`, renderProgramFeed(fleet, at + 3_600_000)),
    ]),
  )
  return { weekly, usage: await write('usage.xml', renderFeed(dailyPackage(fleet, '2025-11-02'), 'electricity')) }
}

type Row = Record<string, unknown>

const byText = (a: readonly unknown[], b: readonly unknown[]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/** A query over both, as somebody with the right to both asks it. */
async function query(lake: TestLake, sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(join(lake.roots.lake, 'views.duckdb'), {
    access_mode: 'READ_ONLY',
    threads: '1',
  })
  const connection = await instance.connect()
  try {
    await connection.run(`SET TimeZone = 'UTC'; ATTACH '${join(lake.roots.pii, 'pii.duckdb')}' AS pii (READ_ONLY)`)
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** What is in force, without what hangs on the order of loads. */
async function inForce(lake: TestLake): Promise<Record<string, Row[]>> {
  const found: Record<string, Row[]> = {}
  for (const table of Object.keys(personalTables) as PersonalTable[]) {
    const rows = await query(lake, `SELECT * EXCLUDE (known_at) FROM pii.${table}`)
    const plain = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.endsWith('_key'))))
    found[table] = plain.toSorted((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1))
  }
  found['usage_point'] = await query(
    lake,
    'SELECT * EXCLUDE (known_at, customer_key, agreement_key) FROM core.usage_point ORDER BY usage_point_id',
  )
  return found
}

describe('three weeks of customer feeds', () => {
  let lake: TestLake
  let weekly: string[][]

  beforeAll(async () => {
    lake = await createLake()
    const files = await feeds(lake)
    weekly = files.weekly
    await lake.load([files.usage])
    for (const week of weekly) await lake.load(week)
  }, 120_000)
  afterAll(async () => await lake[Symbol.asyncDispose]())

  test('every load is loaded, none in part', async () => {
    expect(await lake.query('SELECT DISTINCT status, n_quarantined, n_drift FROM ops.load')).toEqual([
      { status: 'loaded', n_quarantined: '0', n_drift: '0' },
    ])
  })

  test('every agreement with its customer, place, options and pending change', async () => {
    const rows = await query(
      lake,
      `SELECT a.agreement_id, c.name, c.phone1, c.email1, n.billing_address, n.account_number, a.service_agreement_number, a.customer_class,
        a.tariff, a.rate_options, a.service_voltage, a.future_status, a.future_status_reason, l.service_address, l.service_zip, l.outage_block
       FROM core.usage_point u JOIN pii.customer_agreement a USING (agreement_key) JOIN pii.customer c ON c.customer_key = u.customer_key
       JOIN pii.customer_account n ON n.account_key = a.account_key JOIN pii.service_location l ON l.agreement_key = a.agreement_key
       ORDER BY a.agreement_id`,
    )
    const expected = truth.map(({ usagePoint, plan }) => ({
      agreement_id: usagePoint.usagePointId,
      name: plan.name,
      phone1: `707 ${plan.phone}`,
      email1: plan.email,
      billing_address: plan.billingAddress,
      account_number: plan.accountName,
      service_agreement_number: plan.agreementName,
      customer_class: usagePoint.customerClass,
      tariff: plan.tariff,
      rate_options: JSON.stringify(
        plan.rateOptions.map((option) => (option === 'Medical%20Baseline' ? 'MEDICAL_BASELINE' : option)),
      ),
      service_voltage: plan.voltage,
      future_status: plan.closing ? 'Closing' : null,
      future_status_reason: plan.closing?.reason ?? null,
      service_address: plan.address,
      service_zip: plan.zip,
      outage_block: plan.outageBlock,
    }))
    expect(rows).toEqual(expected.toSorted((a, b) => (a.agreement_id < b.agreement_id ? -1 : 1)))
    expect(new Set(truth.map(({ plan }) => plan.customerId)).size).toBeLessThan(fleet.meters)
    expect(rows.some(({ future_status }) => future_status !== null)).toBe(true)
  })

  test('meters and enrolments, their dates told by the codes of the feed', async () => {
    const meters = await query(
      lake,
      'SELECT agreement_id, serial_number, utc_number, interval_length_s::INTEGER AS length_s FROM pii.meter ORDER BY ALL',
    )
    const of = truth.flatMap(({ usagePoint, plan }) =>
      plan.meters.map((meter) => [usagePoint.usagePointId, meter.serial, meter.utcNumber, meter.intervalLength_s]),
    )
    expect(meters.map((row) => Object.values(row))).toEqual(of.toSorted(byText))
    const programs = await query(
      lake,
      `SELECT agreement_id, program_name, enrollment_status, epoch(enrolled_at)::INTEGER AS a, epoch(unenrolled_at)::INTEGER AS b,
        epoch(end_regardless_at)::INTEGER AS c, epoch(end_without_at)::INTEGER AS d, nomination_value::INTEGER AS w
       FROM pii.demand_response_program ORDER BY ALL`,
    )
    const enrolled = truth.flatMap(({ usagePoint, plan }) =>
      plan.programs.map((program) => [
        usagePoint.usagePointId,
        program.name,
        program.status,
        program.enrolled_s,
        program.unenrolled_s ?? null,
        program.endRegardless_s,
        program.endWithout_s,
        program.nomination_w,
      ]),
    )
    expect(programs.map((row) => Object.values(row))).toEqual(enrolled.toSorted(byText))
    expect(enrolled.length).toBeGreaterThan(10)
  })

  test('core.usage_point: what analysts may know equals the truth; usage points of bills alone are there', async () => {
    const rows = await lake.query(
      'SELECT usage_point_id, customer_class, tariff_profile, zip, city, net_generation, service_voltage FROM core.usage_point ORDER BY usage_point_id',
    )
    const expected = truth.map(({ usagePoint, plan }) => ({
      usage_point_id: usagePoint.usagePointId,
      customer_class: usagePoint.customerClass,
      tariff_profile: plan.tariff,
      zip: plan.zip,
      city: plan.town,
      net_generation: plan.hasGeneration ? 'true' : null,
      service_voltage: plan.voltage,
    }))
    const sent = new Map(
      (await lake.query('SELECT usage_point_id, tariff_profile FROM core.usage_point WHERE href IS NOT NULL')).map(
        (row) => [row['usage_point_id'], row['tariff_profile']],
      ),
    )
    const told = expected.map((row) => ({ ...row, tariff_profile: sent.get(row.usage_point_id) ?? row.tariff_profile }))
    expect(rows).toEqual(told.toSorted((a, b) => (a.usage_point_id < b.usage_point_id ? -1 : 1)))
    expect(sent.size).toBeLessThan(fleet.meters)
  })

  test('versions: only what changed, from when to when', async () => {
    const rows = await query(
      lake,
      `SELECT agreement_id, tariff, epoch_ms(valid_from)::VARCHAR AS since, valid_to IS NULL AS is_last FROM (
        SELECT *, lag(tariff) OVER (PARTITION BY agreement_key ORDER BY published_at) AS tariff_before FROM pii.customer_agreement_version)
       WHERE tariff IS DISTINCT FROM tariff_before ORDER BY agreement_id, valid_from`,
    )
    const expected = truth
      .toSorted((a, b) => (a.usagePoint.usagePointId < b.usagePoint.usagePointId ? -1 : 1))
      .flatMap(({ usagePoint, tariffs }) =>
        tariffs.map(({ tariff, since_ms }) => [usagePoint.usagePointId, tariff, String(since_ms)]),
      )
    expect(rows.map((row) => [row['agreement_id'], row['tariff'], row['since']])).toEqual(expected)
    expect(expected.length).toBeGreaterThan(fleet.meters)
    const attributes = await lake.query('SELECT count(*) AS n FROM core.usage_point_attribute WHERE valid_to IS NULL')
    expect(attributes).toEqual([{ n: String(fleet.meters) }])
    const places = await query(lake, 'SELECT count(*)::INTEGER AS n FROM pii.service_location_version')
    expect(places).toEqual([{ n: fleet.meters }])
  })

  test('in any order, in one commit or many, the same is in force', { timeout: 120_000 }, async () => {
    const expected = await inForce(lake)
    // tariffs go to and fro: the middle last of all; and all in one commit
    for (const order of [[[0], [2], [1]], [[1, 2, 0]]]) {
      await using other = await createLake()
      const { weekly: files, usage } = await feeds(other)
      for (const commit of order) await other.load(commit.flatMap((week) => files[week] ?? []))
      await other.load([usage])
      expect(await inForce(other)).toEqual(expected)
    }
  })

  test('nothing personal below the root of the lake; pii is 0700 and 0600', async () => {
    const words = personalWords(fleet, weeks)
    expect(words.length).toBeGreaterThan(80)
    const protectedWords = ['CARE', 'FERA', 'MEDICAL_BASELINE', 'Medical%20Baseline']
    for await (const { path, text } of folderTexts(join(lake.roots.lake, 'dims')))
      expect([path, protectedWords.filter((word) => text.includes(`"${word}"`) || text.includes(`/${word}`))]).toEqual([
        path,
        [],
      ])
    for await (const { path, text } of folderTexts(lake.roots.lake))
      expect([path, words.filter((word) => text.includes(word))]).toEqual([path, []])
    const modes = new Set<string>()
    for (const item of await readdir(lake.roots.pii, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(item.parentPath, item.name))
      modes.add(`${item.isDirectory() ? 'folder' : 'file'} ${(mode & 0o777).toString(8)}`)
    }
    expect([...modes].sort()).toEqual(['file 600', 'folder 700'])
    expect(((await stat(lake.roots.pii)).mode & 0o777).toString(8)).toBe('700')
  })

  test('a manifest from before these tables is read; the key of another root is refused', async () => {
    const folder = join(lake.roots.lake, 'manifests')
    const newest = JSON.parse(await readFile(join(folder, (await readdir(folder)).sort().at(-1) ?? ''), 'utf8')) as {
      pii: Record<string, unknown>
      tables: Record<string, unknown>
    }
    const { raw, quarantine } = newest.pii
    const { usage_point_agreement: _agreement, usage_point_place: _place, ...tables } = newest.tables
    const earlier = manifestSchema.parse({ ...newest, tables, pii: { raw, quarantine } })
    expect([earlier.pii.keyCheck, earlier.pii.tables.customer, earlier.tables.usage_point_place]).toEqual([
      null,
      [],
      [],
    ])
    await rm(join(lake.roots.pii, 'state', 'customer.key'))
    const more = join(lake.dir, 'more.xml')
    await writeFile(more, Buffer.concat([...renderCustomerFeed(fleet, weeks[0]! + 86_400_000)]))
    await expect(lake.load([more])).rejects.toMatchObject({ code: 'LAKE_CORRUPT' })
  })
})
