/** Fragments read back from an archive and compared with the rows of the lake, by a reading of their own: patterns, no XML parser. */
import type { LakeRoots } from '../../schemas/load-process.ts'
import { findReading } from '../../espi/reading-range.ts'
import { readIndex } from '../../warehouse/raw-archive.ts'
import { readReceived } from '../../warehouse/received-reading.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { queryLake, type Row } from '../support/lake-rows.ts'

/** What an IntervalReading says, in the terms of `core.interval_version`; null: not said. */
export interface SaidReading {
  readonly start_s: string | null
  readonly duration_s: string | null
  readonly value: string | null
  readonly cost: string | null
  readonly quality_codes: string | null
  readonly tou: string | null
}

/** The text of elements of this name, in order, without comments. */
function textsOf(xml: string, name: string): string[] {
  const plain = xml.replaceAll(/<!--[\s\S]*?-->/g, '').replaceAll(/<!\[CDATA\[([\s\S]*?)\]\]>/g, '$1')
  return [...plain.matchAll(new RegExp(`<(?:[\\w.-]+:)?${name}(?:\\s[^>]*)?>([^<]*)</`, 'g'))].map(([, text = '']) =>
    text.trim(),
  )
}

/** `+5`, `007` and `-0` as integers are written. */
const integer = (text: string | undefined): string | null =>
  text === undefined || text === '' ? null : String(BigInt(text.replace('+', '')))

export function saidBy(xml: string): SaidReading {
  const one = (name: string) => integer(textsOf(xml, name)[0])
  const codes = textsOf(xml, 'quality').flatMap((text) => integer(text) ?? [])
  const start = one('start')
  return {
    start_s: start !== null && Number(start) > 1e11 ? String(Number(start) / 1000) : start,
    duration_s: one('duration'),
    value: one('value'),
    cost: one('cost'),
    quality_codes: codes.length === 0 ? null : codes.join(' '),
    tou: one('tou'),
  }
}

/** What the row says, with the qualities only where they are the reading's own. */
export const saidInRow = (row: Row): SaidReading => ({
  start_s: row['start_s'] ?? null,
  duration_s: row['duration_s'] ?? null,
  value: row['value'] ?? null,
  cost: row['cost'] ?? null,
  quality_codes: row['quality_source'] === 'reading' ? (row['quality_codes'] ?? null) : null,
  tou: row['tou'] ?? null,
})

export interface ComparedRow {
  readonly said: SaidReading
  readonly row: SaidReading
  readonly where: string
}

/** Every row of `core.interval_version` of a lake that holds a value, beside what the bytes at its offset say. */
export async function compareAllRows(roots: LakeRoots): Promise<ComparedRow[]> {
  const { lake } = openRoots(roots)
  const rows = await queryLake(
    roots.lake,
    `SELECT epoch_us(v.start_at) // 1000000 AS start_s, v.*, l.sha256 FROM core.interval_version v
     JOIN ops.load l ON l.load_id = v.load_id AND l.status <> 'failed' WHERE NOT v.superseded`,
  )
  const compared: ComparedRow[] = []
  for (const row of rows) {
    const index = await readIndex(lake, row['sha256'] ?? '')
    if (!index) throw new Error(`${row['sha256']} is not in the archive`)
    const isThis = (start: number, duration: number) =>
      start === Number(row['start_s']) && duration === Number(row['duration_s'])
    const { xml } = await readReceived(lake, index, Number(row['byte_offset']), findReading, isThis)
    compared.push({ said: saidBy(xml), row: saidInRow(row), where: `${row['load_id']} at ${row['byte_offset']}` })
  }
  return compared
}
