/** CSV as of RFC 4180: records with the line they begin on. */
import { MeterlakeError } from '../schemas/errors.ts'

export interface CsvRecord {
  /** Line of the file the record begins on, from 1. */
  readonly line: number
  readonly cells: readonly string[]
}

/** A cell, quoted or not, and what ends it. */
const cellForm = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y

const lineBreaks = /\r\n|\n|\r/g

/** Records in order; blank lines are none. Raises ROSTER_INVALID at a quote that is out of place or never closed. */
export function* csvRecords(text: string): Generator<CsvRecord> {
  let line = 1
  let begin = 1
  let cells: string[] = []
  cellForm.lastIndex = 0
  while (cellForm.lastIndex < text.length || cells.length > 0) {
    const match = cellForm.exec(text)
    if (match === null)
      throw new MeterlakeError('ROSTER_INVALID', `line ${line}: a quote (") stands inside a cell, or is never closed`, {
        line,
      })
    const [, quoted, plain = '', end] = match
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    line += quoted?.match(lineBreaks)?.length ?? 0
    if (end === ',') continue
    if (cells.length > 1 || cells[0]?.trim() !== '') yield { line: begin, cells }
    if (end === '') return
    line += 1
    begin = line
    cells = []
  }
}
