/** Roster files: what is accepted, and what is said of the rest. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { literal } from '../../warehouse/columns.ts'
import { csvRecords } from '../../warehouse/csv-records.ts'
import { Database } from '../../warehouse/database.ts'
import { readRosterFile } from '../../warehouse/roster-file.ts'

let dir: string
let db: Database
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-roster-'))
  db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: dir })
})
afterAll(async () => {
  await db[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

async function read(content: string | Uint8Array) {
  const file = join(dir, 'roster.csv')
  await writeFile(file, content)
  return await readRosterFile(file, db)
}

const quoted = (text: string, always: boolean) =>
  always || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

describe('CSV', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '0', ' ', ',', '"', '\n', '\r', 'é', ';'), maxLength: 6 })
  test('what is written is read, with the line each record begins on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(cell, fc.boolean()), { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (records, end, isEnded) => {
          const texts = records.map((cells) => cells.map(([text, always]) => quoted(text, always)).join(','))
          let line = 1
          const expected = records.map((cells, at) => {
            const begin = line
            line += 1 + (texts[at]?.match(/\r\n|\n|\r/g)?.length ?? 0)
            return { line: begin, cells: cells.map(([text]) => text) }
          })
          expect([...csvRecords(texts.join(end) + (isEnded ? end : ''))]).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('blank lines are no records and count as lines', () => {
    expect([...csvRecords('a,b\n\n  \n1,2')]).toEqual([
      { line: 1, cells: ['a', 'b'] },
      { line: 4, cells: ['1', '2'] },
    ])
  })

  test.each(['a,b\n1,"2', 'a,b\n1,2"3', 'a,b\n1,"2"3'])('a quote out of place: %j', (text) => {
    expect(() => [...csvRecords(text)]).toThrow(/^line 2: a quote/)
  })
})

describe('a roster', () => {
  test('columns by any of their names in any order; others are named and not read', async () => {
    const { rows, unused } = await read(
      '\uFEFFName,To,Usage Point,CLASS,tariff,start-date\r\nAnn, 2026-12-31 ,0042,RES,"E-TOU-C, legacy",2026-01-01\r\n',
    )
    expect(rows).toEqual([
      {
        usage_point_id: '0042',
        customer_class: 'RES',
        rate: 'E-TOU-C, legacy',
        city: null,
        from_date: '2026-01-01',
        to_date: '2026-12-31',
      },
    ])
    expect(unused).toEqual(['Name'])
  })

  test('the same rows in another order, with other names and blanks, are the same roster', async () => {
    const { rosterId } = await read('usage_point,from\nb,2026-01-01\na,\n')
    expect((await read('from_date,usage_point_id,city\n,a, \n2026-01-01 ,b,\n')).rosterId).toBe(rosterId)
    expect((await read('usage_point,from\nb,2026-01-02\na,\n')).rosterId).not.toBe(rosterId)
  })

  test('Parquet says the same as CSV', async () => {
    const file = join(dir, 'roster.parquet')
    await db.run(
      `COPY (SELECT 42::BIGINT AS usage_point, 'RES' AS class, NULL::DATE AS to_date, DATE '2026-01-01' AS from_date)
       TO ${literal(file)} (FORMAT parquet)`,
    )
    const csv = await read('usage_point,class,from_date\n42,RES,2026-01-01\n')
    expect(await readRosterFile(file, db)).toEqual(csv)
    await db.run(`COPY (SELECT 'a' AS usage_point, 'soon' AS from_date) TO ${literal(file)} (FORMAT parquet)`)
    await expect(readRosterFile(file, db)).rejects.toThrow('row 1: column from_date: "soon" is no day')
  })

  test('several spells of one usage point', async () => {
    const { rows } = await read('usage_point_id,from_date,to_date\na,2026-02-01,\na,,2026-01-31\n')
    expect(rows.map(({ from_date, to_date }) => [from_date, to_date])).toEqual([
      [null, '2026-01-31'],
      ['2026-02-01', null],
    ])
  })

  test.each([
    ['', 'it is empty'],
    ['usage_point_id\n', 'the file names no usage point'],
    ['sa_id,class\n1,RES\n', 'the header has no column usage_point_id'],
    ['usage_point_id,usage_point\n1,2\n', 'the header names usage_point_id 2 times'],
    ['usage_point_id,from_date\na\n', 'line 2: 1 cells, the header names 2 columns'],
    ['usage_point_id,city\na,b\n ,c\n', 'line 3: column usage_point_id: is empty'],
    ['usage_point_id,from_date\na,2026-02-30\n', 'line 2: column from_date: "2026-02-30" is no day'],
    ['usage_point_id,to_date\na,1/31/2026\n', 'line 2: column to_date: "1/31/2026" is no day'],
    ['usage_point_id,from,to\na,2026-02-01,2026-01-01\n', 'line 2: column to_date: 2026-01-01 lies before from_date'],
    ['usage_point_id,city\n"a\u0000",b\n', 'line 2: column usage_point_id: holds control characters'],
    [`usage_point_id,city\na,${'x'.repeat(201)}\n`, 'line 2: column city: longer than 200 characters'],
    [
      'usage_point_id,from,to\na,,2026-02-01\n\nb,,\na,2026-02-01,\n',
      'line 5: column usage_point_id: its days overlap those of line 2',
    ],
    ['usage_point_id\na\na\n', 'its days overlap those of line'],
  ])('refused: %j', async (content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'ROSTER_INVALID',
      message: expect.stringContaining(message) as string,
    })
  })

  test('many mistakes: the first five are named, the rest counted', async () => {
    const content = `usage_point_id,from_date\n${'a,never\n'.repeat(9)}`
    await expect(read(content)).rejects.toThrow(
      /line 6: column from_date: "never" is no day, e\.g\. 2026-10-31; and 4 more$/,
    )
  })

  test('what is neither UTF-8 nor Parquet', async () => {
    await expect(read(Buffer.from('usage_point_id,city\na,San Jos\xe9\n', 'latin1'))).rejects.toThrow('not UTF-8')
    await expect(read('PAR1 and no more')).rejects.toThrow('cannot be read as Parquet')
    await expect(readRosterFile(join(dir, 'nothing.csv'), db)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(readRosterFile(dir, db)).rejects.toMatchObject({ code: 'USAGE' })
  })
})
