/** What is to be loaded again, in which commits: from the ledger, or where that is lost from what stands beside the raw files. */
import { isMeterlakeError } from '../schemas/errors.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { sha256Of } from './commit-session.ts'
import type { Database } from './database.ts'
import { manifestNumbers, readManifest } from './manifest.ts'
import { folders, parsePath } from './paths.ts'
import { type RawIndex, rawIndexSchema } from './raw-index.ts'
import type { ReplayCommit } from './replay-commit.ts'
import { readLedgerCommits } from './replay-ledger.ts'
import type { Storage } from './storage.ts'

export interface ReplayPlan {
  /** Why the newest ledger is not followed, or not to its end; null: it is. */
  readonly lost: string | null
  /** The newest manifest; undefined where it cannot be read. */
  readonly manifest: Manifest | undefined
  /** Of the newest manifest that can be read; undefined: none can. */
  readonly timeZone: string | undefined
  readonly commits: readonly ReplayCommit[]
}

/**
 * Plans a replay of everything. Where the newest ledger is lost, the newest one that is whole is followed to its end; archived files it
 * does not know come after it.
 */
export async function planReplay(db: Database, lake: Storage, pii: Storage): Promise<ReplayPlan> {
  const numbers = (await manifestNumbers(lake)).toReversed()
  let lost = numbers.length === 0 ? 'there is no manifest' : null
  let newest: Manifest | undefined
  for (const n of numbers) {
    const manifest = await readOrReason(lake, n)
    const reason = typeof manifest === 'string' ? manifest : await ledgerDamage(lake, manifest)
    if (n === numbers[0] && typeof manifest !== 'string') newest = manifest
    if (reason !== null || typeof manifest === 'string') {
      lost ??= reason
      continue
    }
    const commits = await readLedgerCommits(db, lake, manifest)
    if (lost !== null) commits.push(...(await archiveCommits(lake, pii, commits)))
    return { lost, manifest: newest, timeZone: manifest.timeZone, commits }
  }
  return { lost, manifest: newest, timeZone: newest?.timeZone, commits: await archiveCommits(lake, pii, []) }
}

async function readOrReason(lake: Storage, n: number): Promise<Manifest | string> {
  try {
    return (await readManifest(lake, n)) ?? `manifest ${n} is gone`
  } catch (error) {
    if (isMeterlakeError(error) && error.code === 'LAKE_CORRUPT') return error.message
    throw error
  }
}

/** What is wrong with the tables that only the ledger has; null: nothing. */
async function ledgerDamage(lake: Storage, { tables }: Manifest): Promise<string | null> {
  const { load, notification, request, authorization, roster, alias, series_pair } = tables
  const told = [load, notification, request, authorization, roster, alias, series_pair]
  for (const file of told.flat())
    if ((await lake.size(file.path)) !== file.bytes || (await sha256Of(lake.locate(file.path))) !== file.sha256)
      return `${file.path} is not what was written`
  return null
}

/** After the commits there are, one for each moment at which other files came; who asked for them, nobody knows any more. */
async function archiveCommits(lake: Storage, pii: Storage, known: readonly ReplayCommit[]): Promise<ReplayCommit[]> {
  const taken = new Set(known.flatMap(({ loads }) => loads.map(({ sha256 }) => sha256)))
  const found: { readonly root: 'lake' | 'pii'; readonly index: RawIndex }[] = []
  for (const [root, storage] of [
    ['lake', lake],
    ['pii', pii],
  ] as const)
    for (const path of await storage.list(folders.raw).catch(() => []))
      if (parsePath(path)?.kind === 'raw_index') {
        const index = indexOf((await storage.get(path))?.toString() ?? '')
        if (index && !taken.has(index.sha256)) found.push({ root, index })
      }
  const atOnce = Map.groupBy(found, ({ index }) => new Date(index.receivedAt).toISOString())
  return [...atOnce]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([receivedAt, files], at) => ({
      n: known.length + at + 1,
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
      rosters: [],
      aliases: [],
    }))
}

/** A sidecar; undefined where it is damaged: then its file cannot be read either. */
function indexOf(text: string): RawIndex | undefined {
  try {
    return rawIndexSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
