/**
 * One phenomenon a folder of `test/golden`: `feed*.xml`, maybe `roster.csv`, and `expected.json`, written by hand for this project. A case says
 * why it must be so, and names all rows of each table it lists: a row too many fails as one too few does.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { asLine } from './support/lake-rows.ts'
import { createLake, type TestLake } from './support/lake.ts'

const root = fileURLToPath(new URL('golden/', import.meta.url))
const expectedSchema = z.strictObject({
  /** One line: whence the expectation follows. */
  why: z.string().min(20),
  profile: z.enum(['pge', 'espi']).default('pge'),
  /** Orders in which the feeds come, by number from 1, each into a lake of its own. Default: as numbered. */
  orders: z.array(z.array(z.int().positive())).min(1).optional(),
  /** Day for which `roster.csv` is valid; it comes after the feeds. */
  rosterAsOf: z.iso.date().optional(),
  /** Whole tables: columns separated by ` | `, rows as lines in any order, `-` for NULL. */
  tables: z.record(z.string(), z.strictObject({ columns: z.string(), rows: z.array(z.string()) })),
  /** `{known_at:N}` stands for the moment the N-th loaded file became known. */
  queries: z.array(z.strictObject({ sql: z.string(), rows: z.array(z.string()) })).default([]),
})

const cases = (await readdir(root)).sort()

async function knownAt(lake: TestLake, nth: number): Promise<string> {
  const rows = await lake.query(`SELECT known_at FROM ops.load ORDER BY known_at LIMIT 1 OFFSET ${nth - 1}`)
  return `TIMESTAMPTZ '${rows[0]?.['known_at']}'`
}

describe.each(cases)('golden: %s', async (name) => {
  const folder = `${root}${name}/`
  const files = await readdir(folder)
  const feeds = files.filter((file) => /^feed.*\.xml$/.test(file)).sort()
  const expected = expectedSchema.parse(JSON.parse(await readFile(`${folder}expected.json`, 'utf8')))
  const orders = expected.orders ?? [feeds.map((_, at) => at + 1)]

  test.each(orders.map((order) => ({ order })))('$order', async ({ order }) => {
    const { rosterAsOf } = expected
    expect(files.filter((file) => !feeds.includes(file)).sort()).toEqual([
      'expected.json',
      ...(rosterAsOf === undefined ? [] : ['roster.csv']),
    ])
    await using lake = await createLake(expected.profile)
    for (const nth of order) await lake.load([`${folder}${feeds[nth - 1]}`])
    if (rosterAsOf !== undefined) await lake.importRoster(`${folder}roster.csv`, rosterAsOf)
    for (const [table, { columns, rows }] of Object.entries(expected.tables)) {
      const found = await lake.query(`SELECT ${columns.replaceAll(' | ', ', ')} FROM ${table}`)
      expect({ table, rows: found.map(asLine).sort() }).toEqual({ table, rows: rows.toSorted() })
    }
    for (const { sql, rows } of expected.queries) {
      const moments = new Map<string, string>()
      for (const [mark, nth] of sql.matchAll(/\{known_at:(\d+)\}/g)) moments.set(mark, await knownAt(lake, Number(nth)))
      const found = await lake.query(sql.replace(/\{known_at:\d+\}/g, (mark) => moments.get(mark) ?? mark))
      expect({ sql, rows: found.map(asLine).sort() }).toEqual({ sql, rows: rows.toSorted() })
    }
  })
})
