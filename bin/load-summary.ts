/** What a load came to, a row per file, as the ledger has it. */
import type { MeterlakeError } from '../schemas/errors.ts'
import type { StagedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Format } from './command-context.ts'
import type { Row } from '../warehouse/database.ts'
import { tryOpenViews } from '../warehouse/query.ts'
import { textOf } from '../warehouse/row-values.ts'
import { formatRows, type OutputColumn, writeAll } from './row-format.ts'

/** What became of one file. */
export interface FileOutcome {
  readonly file: string
  readonly bytes: number
  readonly loadId: string | null
  /** `known`: these bytes were in the lake already. `failed`: nothing of the file is in the lake. */
  readonly outcome: StagedLoad['outcome'] | 'failed'
  readonly error: MeterlakeError | null
  readonly seconds: number
}

const counts = ['n_readings', 'n_new', 'n_revised', 'n_unchanged', 'n_parked', 'n_quarantined'] as const

const columns: readonly OutputColumn[] = [
  { name: 'file', type: 'VARCHAR' },
  { name: 'status', type: 'VARCHAR' },
  { name: 'load_id', type: 'VARCHAR' },
  { name: 'bytes', type: 'BIGINT' },
  ...counts.map((name) => ({ name: name.slice(2), type: 'BIGINT' })),
  { name: 'seconds', type: 'DOUBLE' },
]

/** Prints the rows of these files to stdout; answers how many entries of files loaded now were quarantined. */
export async function showLoadSummary(
  roots: LakeRoots,
  outcomes: readonly FileOutcome[],
  format: Format,
): Promise<number> {
  const ledger = await ledgerRows(roots, outcomes)
  let quarantined = 0
  const rows = outcomes.map(({ file, bytes, loadId, outcome, seconds }) => {
    const row = loadId === null ? undefined : ledger.get(loadId)
    if (outcome === 'staged') quarantined += Number(row?.['n_quarantined'] ?? 0)
    const status = outcome === 'staged' ? (row?.['status'] ?? 'staged') : outcome
    return [file, status, loadId, bytes, ...counts.map((name) => row?.[name] ?? null), seconds.toFixed(1)]
  })
  await writeAll(process.stdout, formatRows(format, columns, [rows]))
  return quarantined
}

async function ledgerRows(roots: LakeRoots, outcomes: readonly FileOutcome[]) {
  const ids = outcomes.flatMap(({ loadId }) => (loadId === null ? [] : [`'${loadId}'`]))
  if (ids.length === 0) return new Map<string, Row>()
  await using views = await tryOpenViews(roots)
  if (!views) return new Map<string, Row>()
  const query = `SELECT load_id, status, ${counts.join(', ')} FROM ops.load WHERE load_id IN (${ids.join(', ')}) ORDER BY known_at`
  const rows = await views.database.rows(query)
  // The last row of a load counts: one that failed before may have been loaded now.
  return new Map(rows.map((row) => [textOf(row, 'load_id'), row]))
}

/** Says on stderr which files failed and what to do. */
export function showFailures(outcomes: readonly FileOutcome[]): void {
  for (const { file, error } of outcomes)
    if (error) console.error(`meterlake: ${file}: ${error.message}\n${error.next} (${error.code})`)
}
