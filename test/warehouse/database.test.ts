import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tables } from '../../schemas/tables.ts'
import { stagingTables } from '../../schemas/staging.ts'
import { columnComment, columnDefinitions, emptySelect, literal } from '../../warehouse/columns.ts'
import { Database } from '../../warehouse/database.ts'

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'meterlake-database-'))
})
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true })
})

const open = (path?: string) =>
  Database.open({ threads: 1, memoryLimitMb: 128, scratch, ...(path === undefined ? {} : { path }) })

describe('the database', () => {
  test('no extension is fetched or loaded', async () => {
    await using database = await open()
    await expect(database.rows(`FROM read_parquet('s3://bucket/x.parquet')`)).rejects.toMatchObject({
      code: 'SQL_FAILED',
    })
    await expect(database.run('INSTALL httpfs')).rejects.toMatchObject({ code: 'SQL_FAILED' })
  })

  test('digits are kept: BIGINT, DECIMAL and times are text', async () => {
    await using database = await open()
    expect(
      await database.rows(
        `SELECT 9007199254740993 AS b, 123456789.123456789::DECIMAL(18,9) AS d, TIMESTAMPTZ '2026-03-08 10:00:00.000001Z' AS t, DATE '2026-03-08' AS day, 7 AS i`,
      ),
    ).toEqual([
      { b: '9007199254740993', d: '123456789.123456789', t: '2026-03-08 10:00:00.000001+00', day: '2026-03-08', i: 7 },
    ])
  })

  test('parameters are bound, not pasted', async () => {
    await using database = await open()
    const name = `O'Hara"; DROP`
    expect(await database.rows('SELECT ? AS name, ?::BIGINT AS n', [name, 42n])).toEqual([{ name, n: '42' }])
    expect(await database.rows(`SELECT ${literal(name)} AS name`)).toEqual([{ name }])
  })

  test('a large answer comes in blocks', async () => {
    await using database = await open()
    const { columns, blocks } = await database.stream('SELECT range AS n, range::VARCHAR AS t FROM range(10000)')
    expect(columns).toEqual([
      { name: 'n', type: 'BIGINT' },
      { name: 't', type: 'VARCHAR' },
    ])
    const rows: unknown[] = []
    for await (const block of blocks) rows.push(...block)
    expect(rows).toHaveLength(10_000)
    expect(rows[9999]).toEqual(['9999', '9999'])
  })

  test('a database file is read by a second process only when closed, read-only then', async () => {
    const path = join(scratch, 'views.duckdb')
    {
      await using database = await open(path)
      await database.run('CREATE TABLE t AS SELECT 1 AS a; CHECKPOINT')
    }
    await using reader = await Database.open({ path, readOnly: true, threads: 1, memoryLimitMb: 128, scratch })
    expect(await reader.rows('FROM t')).toEqual([{ a: 1 }])
    await expect(reader.run('INSERT INTO t VALUES (2)')).rejects.toMatchObject({ code: 'SQL_FAILED' })
  })

  test('a running query can be stopped', async () => {
    await using database = await open()
    const query = database.rows(
      'SELECT count(*) AS n FROM range(100000) a, range(100000) b WHERE a.range * b.range = -1',
    )
    setTimeout(() => database.interrupt(), 50)
    await expect(query).rejects.toMatchObject({ code: 'SQL_FAILED', message: /interrupt/i })
  })

  test('a target that cannot be written is LAKE_NOT_WRITABLE with its path', async () => {
    await using database = await open()
    await database.copy('SELECT 1 AS a', join(scratch, 'file'), { rowGroupRows: 2048 })
    const target = join(scratch, 'file/below.parquet')
    await expect(database.copy('SELECT 1 AS a', target, { rowGroupRows: 2048 })).rejects.toMatchObject({
      code: 'LAKE_NOT_WRITABLE',
      message: expect.stringContaining(target),
    })
  })
})

describe('columns of Arrow schemas', () => {
  test.each([...Object.entries(tables), ...Object.entries(stagingTables)])(
    '%s: the same in DuckDB',
    async (_, schema) => {
      await using database = await open()
      await database.run(`CREATE TABLE t (${columnDefinitions(schema)})`)
      const declared = await database.rows('DESCRIBE t')
      expect(declared.map((row) => [row['column_name'], row['null'] === 'YES'])).toEqual(
        schema.fields.map((field) => [field.name, field.nullable]),
      )
      await database.run(`CREATE VIEW v AS ${emptySelect(schema)}`)
      const viewed = await database.rows('DESCRIBE v')
      expect(viewed.map((row) => [row['column_name'], row['column_type']])).toEqual(
        declared.map((row) => [row['column_name'], row['column_type']]),
      )
      expect(await database.rows('FROM v')).toEqual([])
    },
  )

  test('a comment says meaning, unit and what NULL stands for', () => {
    const field = tables.current.fields.find(({ name }) => name === 'energy_kwh')!
    expect(columnComment(field)).toBe('value × 10^(power_of_ten − 3), exact [kWh]; NULL: energy_rule says why')
  })
})
