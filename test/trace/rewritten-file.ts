/** Files of a lake with other contents, and a manifest that was made to fit: only what they say tells. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { Manifest } from '../../schemas/manifest.ts'
import { sha256Of } from '../../warehouse/commit-session.ts'
import { Database } from '../../warehouse/database.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { type NamedFile, namedFiles } from '../../warehouse/named-files.ts'
import { formatPath } from '../../warehouse/paths.ts'
import { openRoots } from '../../warehouse/storage.ts'

async function newestOf(roots: LakeRoots): Promise<Manifest> {
  const manifest = await readNewestManifest(openRoots(roots).lake)
  if (!manifest) throw new Error(`${roots.lake} has no manifest`)
  return manifest
}

/** Writes a Parquet file anew as a query over itself (`old`); size, hash, rows and totals in the newest manifest become those it has then. */
export async function rewriteFile(roots: LakeRoots, { root, ref }: NamedFile, query: string): Promise<void> {
  const local = await mkdtemp(join(tmpdir(), 'meterlake-rewrite-'))
  try {
    const path = join(roots[root], ref.path)
    const target = join(local, 'new.parquet')
    await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: local })
    const old = `read_parquet('${path}', hive_partitioning = false)`
    const { rows } = await db.copy(query.replaceAll('old', old), target, { rowGroupRows: 122_880 })
    const now = { rows, bytes: (await readFile(target)).length, sha256: await sha256Of(target) }
    await rename(target, path)
    const manifest = await newestOf(roots)
    const replaced = JSON.parse(JSON.stringify(manifest), (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'path' in value && value.path === ref.path
        ? { ...value, ...now }
        : value,
    ) as Manifest
    const rowsNow = replaced.current.files.reduce((sum, one) => sum + one.rows, replaced.overlay.adds)
    const totals = { ...replaced.totals, readings: rowsNow }
    await writeFile(
      join(roots.lake, formatPath({ kind: 'manifest', n: manifest.n })),
      JSON.stringify({ ...replaced, totals }),
    )
  } finally {
    await rm(local, { recursive: true })
  }
}

/** Gives all energies of the largest current file another value, an SQL expression. Answers its day. */
export async function rewriteCurrent(roots: LakeRoots, energy: string): Promise<string> {
  const manifest = await newestOf(roots)
  const [largest] = manifest.current.files.toSorted((a, b) => b.rows - a.rows)
  const file = namedFiles(manifest).find(({ ref }) => ref.path === largest?.path)
  if (!file || !largest) throw new Error('no current file')
  await rewriteFile(roots, file, `SELECT * REPLACE ((${energy})::DECIMAL(18,9) AS energy_kwh) FROM old`)
  return largest.dt
}
