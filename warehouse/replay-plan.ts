/** What is to be loaded again, in which commits: from the ledger, or where that is lost from what stands beside the raw files. */
import { isMeterlakeError } from '../schemas/errors.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { sha256Of } from './commit-session.ts'
import type { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { folders, parsePath } from './paths.ts'
import { type RawIndex, rawIndexSchema } from './raw-index.ts'
import type { ReplayCommit } from './replay-commit.ts'
import { readLedgerCommits } from './replay-ledger.ts'
import type { Storage } from './storage.ts'

export interface ReplayPlan {
  readonly from: 'ledger' | 'archive'
  /** Why the ledger is not followed; null: it is. */
  readonly lost: string | null
  /** The newest manifest where it can be read. */
  readonly manifest: Manifest | undefined
  readonly commits: readonly ReplayCommit[]
}

/** Plans a replay of everything. The pii root is looked into only where the ledger names files under it, or is lost. */
export async function planReplay(db: Database, lake: Storage, pii: Storage): Promise<ReplayPlan> {
  const ledger = await readLedger(lake)
  if (ledger.lost === null) {
    const commits = await readLedgerCommits(db, lake, ledger.manifest)
    return { from: 'ledger', lost: null, manifest: ledger.manifest, commits }
  }
  return { from: 'archive', lost: ledger.lost, manifest: ledger.manifest, commits: await archiveCommits(lake, pii) }
}

type Ledger =
  | { readonly lost: null; readonly manifest: Manifest }
  | { readonly lost: string; readonly manifest: Manifest | undefined }

/** The newest manifest, and whether the tables that only it has are as they were written. */
async function readLedger(lake: Storage): Promise<Ledger> {
  let manifest: Manifest | undefined
  try {
    manifest = await readNewestManifest(lake)
  } catch (error) {
    if (isMeterlakeError(error) && error.code === 'LAKE_CORRUPT') return { lost: error.message, manifest: undefined }
    throw error
  }
  if (!manifest) return { lost: 'there is no manifest', manifest }
  const { load, notification, request, authorization } = manifest.tables
  for (const file of [...load, ...notification, ...request, ...authorization])
    if ((await lake.size(file.path)) !== file.bytes || (await sha256Of(lake.locate(file.path))) !== file.sha256)
      return { lost: `${file.path} is not what was written`, manifest }
  return { lost: null, manifest }
}

/** One commit for each moment at which files came; who asked for them, nobody knows any more. */
async function archiveCommits(lake: Storage, pii: Storage): Promise<ReplayCommit[]> {
  const found: { readonly root: 'lake' | 'pii'; readonly index: RawIndex }[] = []
  for (const [root, storage] of [
    ['lake', lake],
    ['pii', pii],
  ] as const)
    for (const path of await storage.list(folders.raw).catch(() => []))
      if (parsePath(path)?.kind === 'raw_index') {
        const index = rawIndexSchema.safeParse(JSON.parse((await storage.get(path))?.toString() ?? 'null'))
        if (index.success) found.push({ root, index: index.data })
      }
  const atOnce = Map.groupBy(found, ({ index }) => new Date(index.receivedAt).toISOString())
  return [...atOnce]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([receivedAt, files], at) => ({
      n: at + 1,
      knownAt: receivedAt,
      loads: files.map(({ root, index }) => ({
        sha256: index.sha256,
        root,
        receivedAt: index.receivedAt,
        bytes: index.bytes,
        source: index.source,
        sourceName: index.sourceName,
        notificationId: null,
        correlationId: index.correlationId,
        profile: null,
      })),
      notifications: [],
      requests: [],
      authorizations: [],
    }))
}
