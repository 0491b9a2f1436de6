/** Rows on stdout: an aligned table for people; JSON, JSON lines and CSV for programs. Numbers keep every digit. */
import type { Format } from './command-context.ts'

export interface OutputColumn {
  readonly name: string
  /** Type as the engine names it. */
  readonly type: string
}

/** Rows in blocks, values in column order; 64-bit integers and decimals as text. */
export type RowBlocks = AsyncIterable<readonly (readonly unknown[])[]> | Iterable<readonly (readonly unknown[])[]>

const isNumeric = (type: string) => /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DECIMAL.*|DOUBLE|FLOAT)$/.test(type)

/** `2026-03-08 10:00:00+00` → `2026-03-08T10:00:00Z`, which every program reads. */
const instant = (text: string) => text.replace(' ', 'T').replace(/\+00(?::00)?$/, 'Z')

/** A value as its text; undefined for NULL. Nested values become JSON. */
function textOf(value: unknown, type: string): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return type === 'TIMESTAMP WITH TIME ZONE' ? instant(value) : value
  if (typeof value === 'object') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return undefined
}

/** A JSON literal: numbers as numbers with all their digits, also where JavaScript's would lose some. */
function jsonOf(value: unknown, type: string): string {
  const text = textOf(value, type)
  if (text === undefined) return 'null'
  if (isNumeric(type)) return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? text : 'null'
  return typeof value === 'string' ? JSON.stringify(text) : text
}

const csvCell = (text: string | undefined) => {
  if (text === undefined) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const objectOf = (columns: readonly OutputColumn[], row: readonly unknown[]) =>
  `{${columns.map(({ name, type }, index) => `${JSON.stringify(name)}: ${jsonOf(row[index], type)}`).join(', ')}}`

/** Text of the rows, piece by piece. Only `table` holds all rows: it must know how wide they are. */
export async function* formatRows(
  format: Format,
  columns: readonly OutputColumn[],
  blocks: RowBlocks,
): AsyncGenerator<string> {
  if (format === 'table') {
    yield* formatTable(columns, blocks)
    return
  }
  if (format === 'csv') yield `${columns.map(({ name }) => csvCell(name)).join(',')}\n`
  let separator = '[\n'
  for await (const block of blocks) {
    let text = ''
    for (const row of block) {
      if (format === 'csv') text += `${columns.map(({ type }, index) => csvCell(textOf(row[index], type))).join(',')}\n`
      else if (format === 'jsonl') text += `${objectOf(columns, row)}\n`
      else {
        text += `${separator}  ${objectOf(columns, row)}`
        separator = ',\n'
      }
    }
    if (text !== '') yield text
  }
  if (format === 'json') yield separator === '[\n' ? '[]\n' : '\n]\n'
}

/** Control characters would move the terminal's cursor; a cell is one line. */
// oxlint-disable-next-line no-control-regex -- they are what must not come through
const printable = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')

async function* formatTable(columns: readonly OutputColumn[], blocks: RowBlocks): AsyncGenerator<string> {
  const rows: string[][] = []
  for await (const block of blocks)
    for (const row of block) rows.push(columns.map(({ type }, index) => printable(textOf(row[index], type) ?? 'NULL')))
  const widths = columns.map(({ name }, index) =>
    rows.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), name.length),
  )
  const line = (cells: readonly string[]) =>
    `${cells
      .map((cell, index) => {
        const width = widths[index] ?? 0
        return isNumeric(columns[index]?.type ?? '') ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()}\n`
  yield line(columns.map(({ name }) => name))
  yield `${widths.map((width) => '─'.repeat(width)).join('  ')}\n`
  for (let at = 0; at < rows.length; at += 1000)
    yield rows
      .slice(at, at + 1000)
      .map(line)
      .join('')
}

/** Writes text to a stream as fast as its reader takes it; ends early where the reader is gone. */
export async function writeAll(out: NodeJS.WriteStream, pieces: AsyncIterable<string>): Promise<void> {
  // stdout stays writable after EPIPE
  const gone = new AbortController()
  const onError = () => gone.abort()
  out.once('error', onError)
  try {
    for await (const piece of pieces) {
      if (gone.signal.aborted) return
      if (!out.write(piece)) await drained(out)
    }
  } finally {
    out.removeListener('error', onError)
  }
}

const drained = (out: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'error', 'close']) out.removeListener(event, done)
      resolve()
    }
    for (const event of ['drain', 'error', 'close']) out.on(event, done)
  })
