/** Bad feeds: a typed error or a quarantine row, the rest of the load intact, the earlier lake untouched, the next load fine. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLake, type TestLake } from '../support/lake.ts'
import { accepted, earlier, good, quarantined, refused } from './spoiled-feeds.ts'

async function load(lake: TestLake, name: string, bytes: string | Buffer) {
  const file = join(lake.dir, name)
  await writeFile(file, bytes)
  const [outcome] = await lake.load([file])
  return outcome
}

const values = async (lake: TestLake) =>
  (await lake.query('SELECT value FROM core.interval ORDER BY start_at')).map((row) => Number(row['value']))
const contents = (lake: TestLake) =>
  lake.query(
    ['core.interval', 'core.interval_version', 'core.usage_point', 'core.reading_type', 'mart.load_hourly']
      .map((view) => `SELECT '${view}' AS view, to_json(v)::VARCHAR AS row FROM ${view} v`)
      .join(' UNION ALL ')
      .concat(' ORDER BY ALL'),
  )

describe('refused whole', () => {
  // one lake for all of them: what a bad file leaves behind, the next would meet
  let lake: TestLake
  let before: unknown
  beforeAll(async () => {
    lake = await createLake()
    await load(lake, 'earlier.xml', earlier)
    before = await contents(lake)
  })
  afterAll(() => lake[Symbol.asyncDispose]())

  test.each(refused)('$what', async ({ what, bytes, codes }) => {
    const name = `${what}.xml`
    const outcome = await load(lake, name, bytes)
    expect(outcome?.status).toBe('failed')
    expect(codes).toContain(outcome?.errorCode)
    expect(await contents(lake)).toEqual(before)
    const ledger = await lake.query(
      `SELECT n_readings, n_new, error_message FROM ops.load WHERE load_id = '${outcome?.sha256.slice(0, 16)}'`,
    )
    expect(ledger).toEqual([{ n_readings: '0', n_new: '0', error_message: expect.stringMatching(/\S/) }])
  })

  test('and after all of them a good file loads', async () => {
    expect((await load(lake, 'good.xml', good))?.status).toBe('loaded')
    expect(await values(lake)).toEqual([7, 1000, 2000, 3000, 4000, 5000, 6000])
  })
})

describe('quarantined in part', () => {
  test.each(quarantined)('$what', async ({ bytes }) => {
    await using lake = await createLake()
    expect(await load(lake, 'bad.xml', bytes)).toMatchObject({ status: 'quarantined', errorCode: null })
    expect(await values(lake)).toEqual([1000, 2000, 5000, 6000])
    const rows = await lake.query('SELECT severity, path, href, byte_from, byte_to, fragment FROM ops.quarantine')
    expect(rows).toHaveLength(1)
    const [row] = rows
    expect(row).toMatchObject({
      severity: 'error',
      path: expect.stringContaining('IntervalReading'),
      href: expect.stringContaining('IntervalBlock/1717311600'),
    })
    // the bytes named are those of the element, and the fragment begins with them
    const named = Buffer.from(bytes).subarray(Number(row?.['byte_from']), Number(row?.['byte_to'])).toString()
    expect(named).toMatch(/^</)
    expect(named.startsWith((row?.['fragment'] ?? 'x').slice(0, 20))).toBe(true)
  })

  test('the earlier lake stays, and the corrected file completes it', async () => {
    await using lake = await createLake()
    await load(lake, 'earlier.xml', earlier)
    await load(lake, 'bad.xml', quarantined[0]?.bytes ?? '')
    expect(await values(lake)).toEqual([7, 1000, 2000, 5000, 6000])
    expect((await load(lake, 'good.xml', good))?.status).toBe('loaded')
    expect(await values(lake)).toEqual([7, 1000, 2000, 3000, 4000, 5000, 6000])
  })
})

describe('unusual, and fine', () => {
  test.each(accepted)('$what', async ({ bytes }) => {
    await using lake = await createLake()
    expect(await load(lake, 'odd.xml', bytes)).toMatchObject({ status: 'loaded' })
    expect(await values(lake)).toEqual([1000, 2000, 3000, 4000, 5000, 6000])
  })
})

test('the same bytes again are a no-op, also under another name', async () => {
  await using lake = await createLake()
  await load(lake, 'a.xml', good)
  const before = [...(await contents(lake)), await lake.query('FROM ops.load')]
  await load(lake, 'b.xml', good)
  expect([...(await contents(lake)), await lake.query('FROM ops.load')]).toEqual(before)
})

test('bad and good files in one commit do not disturb each other', async () => {
  await using lake = await createLake()
  const files = [
    ['cut.xml', good.slice(0, 3000)],
    ['good.xml', good],
    ['text.xml', 'Bad Request'],
    ['earlier.xml', earlier],
  ] as const
  for (const [name, bytes] of files) await writeFile(join(lake.dir, name), bytes)
  const outcomes = await lake.load(files.map(([name]) => join(lake.dir, name)))
  expect(outcomes.map(({ status, errorCode }) => errorCode ?? status)).toEqual([
    'FEED_TRUNCATED',
    'loaded',
    'FEED_NOT_XML',
    'loaded',
  ])
  expect(await values(lake)).toEqual([7, 1000, 2000, 3000, 4000, 5000, 6000])
})

test('a customer feed leaves no name in the lake, neither in rows nor in bytes, and neither does a broken one', async () => {
  await using lake = await createLake()
  const customer = `<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom"><ns1:entry><ns1:link rel="self" href="https://api.pge.com/GreenButtonConnect/espi/1_1/resource/RetailCustomer/92772/Customer/1"/><ns1:content><Customer xmlns="http://naesb.org/espi/customer"><name>Ada Lovelace-Testperson</name></Customer></ns1:content></ns1:entry></ns1:feed>`
  expect(await load(lake, 'customer.xml', customer)).toMatchObject({ status: 'loaded' })
  await load(lake, 'broken.xml', customer.slice(0, -20))
  const text = await lake.query(
    'SELECT DISTINCT to_json(l) AS row FROM ops.load l UNION ALL SELECT to_json(q) FROM ops.quarantine q',
  )
  expect(JSON.stringify(text)).not.toContain('Lovelace')
  expect(await lake.grep('Lovelace')).toEqual([])
  expect(
    (await lake.query("SELECT raw_path FROM ops.load WHERE source_name = 'customer.xml'"))[0]?.['raw_path'],
  ).toBeNull()
})
