/** A roster file on disk, CSV or Parquet by its first bytes, as checked rows. */
import { open, readFile } from 'node:fs/promises'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { identifier, literal } from './columns.ts'
import { csvRecords } from './csv-records.ts'
import type { Database, Value } from './database.ts'
import { readRosterRows, type RosterContent, type RosterRecord } from './roster-rows.ts'

/** Reads a roster file. Raises ROSTER_INVALID, USAGE where there is no such file. */
export async function readRosterFile(file: string, db: Database): Promise<RosterContent> {
  const magic = await firstBytes(file)
  try {
    return magic === 'PAR1' ? await readParquet(file, db) : readCsv(await readFile(file))
  } catch (error) {
    if (!isMeterlakeError(error) || error.code !== 'ROSTER_INVALID') throw error
    throw new MeterlakeError(error.code, `roster ${file}: ${error.message}`, error.details)
  }
}

async function firstBytes(file: string): Promise<string> {
  try {
    await using handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    throw new MeterlakeError('USAGE', `the roster ${file} cannot be read (${code})`, { file }, { cause })
  }
}

function readCsv(bytes: Buffer): RosterContent {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new MeterlakeError('ROSTER_INVALID', 'it is not UTF-8; save it as CSV UTF-8', {}, { cause })
  }
  const records = csvRecords(text)
  const header = records.next()
  if (header.done === true) throw new MeterlakeError('ROSTER_INVALID', 'it is empty')
  return readRosterRows(header.value.cells, linesOf(records), 'line')
}

function* linesOf(records: ReturnType<typeof csvRecords>): Generator<RosterRecord> {
  for (const { line, cells } of records) yield { place: line, cells }
}

async function readParquet(file: string, db: Database): Promise<RosterContent> {
  const from = `read_parquet(${literal(file)}, hive_partitioning = false)`
  const told = await db.rows(`DESCRIBE SELECT * FROM ${from}`).catch((cause: unknown) => {
    throw new MeterlakeError('ROSTER_INVALID', 'it cannot be read as Parquet', {}, { cause })
  })
  const header = told.map((column) => String(column['column_name']))
  // numbers of 64 bits and days come as text, byte for byte what CSV would hold
  const { blocks } = await db.stream(`SELECT ${header.map(identifier).join(', ')} FROM ${from}`)
  const records: RosterRecord[] = []
  for await (const block of blocks)
    for (const row of block) records.push({ place: records.length + 1, cells: row.map(cellOf) })
  return readRosterRows(header, records, 'row')
}

function cellOf(value: Value): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
