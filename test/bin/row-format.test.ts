import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatRows, type OutputColumn } from '../../bin/row-format.ts'

const columns: readonly OutputColumn[] = [
  { name: 'start_at', type: 'TIMESTAMP WITH TIME ZONE' },
  { name: 'series_key', type: 'BIGINT' },
  { name: 'energy_kwh', type: 'DECIMAL(18,9)' },
  { name: 'note', type: 'VARCHAR' },
]
const row = ['2026-03-08 10:00:00+00', '9223372036854775807', '0.100000000', 'a "quoted", one']

async function textOf(...args: Parameters<typeof formatRows>): Promise<string> {
  let text = ''
  for await (const piece of formatRows(...args)) text += piece
  return text
}

test('json and jsonl keep every digit of 64-bit integers and decimals', async () => {
  const object =
    '{"start_at": "2026-03-08T10:00:00Z", "series_key": 9223372036854775807, "energy_kwh": 0.100000000, "note": "a \\"quoted\\", one"}'
  expect(await textOf('jsonl', columns, [[row]])).toBe(`${object}\n`)
  expect(await textOf('json', columns, [[row], [], [row]])).toBe(`[\n  ${object},\n  ${object}\n]\n`)
})

test('csv quotes what must be quoted, and tells NULL from empty text', async () => {
  expect(await textOf('csv', columns, [[row, [null, null, null, '']]])).toBe(
    'start_at,series_key,energy_kwh,note\n2026-03-08T10:00:00Z,9223372036854775807,0.100000000,"a ""quoted"", one"\n,,,""\n',
  )
})

test('a table aligns numbers to the right and shows no control characters', async () => {
  const two: OutputColumn[] = [
    { name: 'n', type: 'INTEGER' },
    { name: 'text', type: 'VARCHAR' },
  ]
  expect(
    await textOf('table', two, [
      [
        [5, 'a\u001b[31m'],
        [1234, null],
      ],
    ]),
  ).toBe('   n  text\n────  ──────\n   5  a·[31m\n1234  NULL\n')
})

test('no rows are still a whole answer', async () => {
  expect(await textOf('json', columns, [])).toBe('[]\n')
  expect(await textOf('jsonl', columns, [])).toBe('')
  expect(await textOf('csv', columns, [])).toBe('start_at,series_key,energy_kwh,note\n')
})

test('whatever the text, JSON reads back equal', async () => {
  const one: OutputColumn[] = [{ name: 'x"y', type: 'VARCHAR' }]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.string({ unit: 'binary' }))), async (values) => {
      const blocks = [values.map((value) => [value])]
      expect(JSON.parse(await textOf('json', one, blocks))).toEqual(values.map((value) => ({ 'x"y': value })))
    }),
  )
})
