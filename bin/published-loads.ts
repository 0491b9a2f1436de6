/** Looks loads up in the ledger of the newest manifest. */
import type { PublishedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { literal } from '../warehouse/columns.ts'
import { readTable } from '../warehouse/commit-session.ts'
import { Database } from '../warehouse/database.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { openRoots } from '../warehouse/storage.ts'

/** The loads of these ids that are in the ledger, other than as failed: a failed one may be staged again. */
export async function publishedLoads(
  roots: LakeRoots,
  loadIds: readonly string[],
): Promise<ReadonlyMap<string, PublishedLoad>> {
  const { lake } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (manifest === undefined || manifest.tables.load.length === 0 || loadIds.length === 0) return new Map()
  await using scratch = await lake.scratch()
  await using database = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: scratch.path })
  const rows = await database.rows(
    `SELECT load_id, status, commit_id, n_readings, n_new, n_revised, n_unchanged, n_parked, n_quarantined
     FROM (${readTable(lake, manifest, 'load')})
     WHERE status <> 'failed' AND load_id IN (${loadIds.map(literal).join(', ')}) ORDER BY commit_id`,
  )
  return new Map(
    rows.map((row) => [
      row['load_id'] as string,
      {
        loadId: row['load_id'] as string,
        status: row['status'] as PublishedLoad['status'],
        commit: Number(row['commit_id']),
        readings: Number(row['n_readings']),
        newReadings: Number(row['n_new']),
        revised: Number(row['n_revised']),
        unchanged: Number(row['n_unchanged']),
        parked: Number(row['n_parked']),
        quarantined: Number(row['n_quarantined']),
      },
    ]),
  )
}
