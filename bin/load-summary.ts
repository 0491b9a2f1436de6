/** What a load came to, a row per file, as the ledger has it. */
import type { MeterlakeError } from '../schemas/errors.ts'
import type { PublishedLoad, StagedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Format } from './command-context.ts'
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

const counts = ['readings', 'new', 'revised', 'unchanged', 'parked', 'quarantined'] as const

/** What the ledger says of a load. */
type LedgerEntry = Readonly<Record<(typeof counts)[number], number>> & { readonly status: string }

const columns: readonly OutputColumn[] = [
  { name: 'file', type: 'VARCHAR' },
  { name: 'status', type: 'VARCHAR' },
  { name: 'load_id', type: 'VARCHAR' },
  { name: 'bytes', type: 'BIGINT' },
  ...counts.map((name) => ({ name, type: 'BIGINT' })),
  { name: 'seconds', type: 'DOUBLE' },
]

/**
 * Prints the rows of these files to stdout; answers how many entries of files loaded now were quarantined. `committed`: what
 * this run published; the rest is looked up in the lake.
 */
export async function showLoadSummary(
  roots: LakeRoots,
  outcomes: readonly FileOutcome[],
  committed: readonly PublishedLoad[],
  format: Format,
): Promise<number> {
  const ledger = new Map<string, LedgerEntry>(
    committed.map((load) => [load.loadId, { ...load, new: load.newReadings }]),
  )
  const others = outcomes.flatMap(({ loadId }) => (loadId === null || ledger.has(loadId) ? [] : [loadId]))
  if (others.length > 0) for (const [loadId, entry] of await ledgerEntries(roots, others)) ledger.set(loadId, entry)
  let quarantined = 0
  const rows = outcomes.map(({ file, bytes, loadId, outcome, seconds }) => {
    const entry = loadId === null ? undefined : ledger.get(loadId)
    if (outcome === 'staged') quarantined += entry?.quarantined ?? 0
    const status = outcome === 'staged' ? (entry?.status ?? 'staged') : outcome
    return [file, status, loadId, bytes, ...counts.map((name) => entry?.[name] ?? null), seconds.toFixed(1)]
  })
  await writeAll(process.stdout, formatRows(format, columns, [rows]))
  return quarantined
}

async function ledgerEntries(roots: LakeRoots, loadIds: readonly string[]): Promise<Map<string, LedgerEntry>> {
  // a load that is new does not wait for the engine
  const { tryOpenViews } = await import('../warehouse/query.ts')
  await using views = await tryOpenViews(roots)
  if (!views) return new Map()
  const numbers = counts.map((name) => `n_${name}::INTEGER AS "${name}"`).join(', ')
  const ids = loadIds.map((id) => `'${id}'`).join(', ')
  const rows = await views.database.rows(
    `SELECT load_id, status, ${numbers} FROM ops.load WHERE load_id IN (${ids}) ORDER BY known_at`,
  )
  // The last row of a load counts: one that failed before may have been loaded now.
  return new Map(rows.map((row) => [String(row['load_id']), row as unknown as LedgerEntry]))
}

/** Says on stderr which files failed and what to do. */
export function showFailures(outcomes: readonly FileOutcome[]): void {
  for (const { file, error } of outcomes)
    if (error) console.error(`meterlake: ${file}: ${error.message}\n${error.next} (${error.code})`)
}
