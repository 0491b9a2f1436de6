/** docs/data-dictionary.md says what the schemas and the views say, of every column. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { personalTables } from '../../schemas/tables-personal.ts'
import { tables } from '../../schemas/tables.ts'
import { dataDictionary } from '../../warehouse/data-dictionary.ts'

let dir: string
let made: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-dictionary-'))
  made = await dataDictionary({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

test('the file is what the schemas and the views say: else `npm run dictionary`', async () => {
  const kept = await readFile(new URL('../../docs/data-dictionary.md', import.meta.url), 'utf8')
  expect(kept).toBe(made)
})

test('every column has a type, a meaning and a privacy class', () => {
  const rows = made.split('\n').filter((line) => line.startsWith('| `') && !line.includes('(t)`'))
  const fields = [...Object.values(tables), ...Object.values(personalTables)].flatMap(({ fields }) => fields)
  expect(rows.length).toBeGreaterThan(fields.length + 200)
  for (const row of rows) {
    const [, name, type, , meaning, , , privacy] = row.split(/(?<!\\)\|/).map((text) => text.trim())
    expect({ row, name, type, meaning, privacy }).toEqual({
      row,
      name: expect.stringMatching(/^`\w+`$/) as string,
      type: expect.stringMatching(/^[A-Z]+/) as string,
      meaning: expect.stringMatching(/\w/) as string,
      privacy: expect.stringMatching(/^(public|internal|personal)$/) as string,
    })
  }
})

test('what is personal stands under pii alone', () => {
  const [lake = '', personal = ''] = made.split('## Personal tables')
  expect(lake).not.toMatch(/\| personal \|/)
  expect(personal).toMatch(/\| personal \|/)
})
