/** An erasure becomes the lake: the rebuilt one without what was erased, its tombstones, and the feeds that were blanked. */
import { join } from 'node:path'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest, Tombstone } from '../schemas/manifest.ts'
import type { BlankedRaw } from './blank-raw.ts'
import type { CustomerKey } from './customer-key.ts'
import { type ErasureDraft, fewerRows, hashedFiles } from './erasure-receipt.ts'
import { erasingFolder, finishErasures } from './finish-erasures.ts'
import { folders, formatPath, parsePath } from './paths.ts'
import { holdPublishLock } from './publish-lock.ts'
import { commitReplay } from './publish-replay.ts'
import { openFolder, openRoots } from './storage.ts'

export interface ErasureOrder {
  readonly order: string
  /** RFC 3339. */
  readonly at: string
  readonly reference: string | null
  readonly tombstones: readonly Tombstone[]
}

export interface BlankedFeed extends Pick<BlankedRaw, 'index' | 'ranges' | 'bytes'> {
  readonly root: 'lake' | 'pii'
  /** SHA-256 of what was archived before. */
  readonly before: string
}

export interface PublishErasureOptions {
  readonly roots: LakeRoots
  readonly built: LakeRoots
  readonly published: Manifest
  readonly rebuilt: Manifest
  readonly order: ErasureOrder
  readonly feeds: readonly BlankedFeed[]
  readonly key: CustomerKey
  readonly version: string
}

/**
 * Commits an erasure and finishes it; old manifests, and all files the new one does not name, are gone when it returns. Answers the
 * commit, undefined where another came meanwhile or loads are staged: then nothing was done. Killed before the commit the lake is as it
 * was; after it, whoever publishes, collects garbage or erases next finishes it. Raises LAKE_*.
 */
export async function publishErasure(options: PublishErasureOptions): Promise<number | undefined> {
  const { roots, built, published, rebuilt, order, feeds, key, version } = options
  const { lake, pii } = openRoots(roots)
  await using _lock = await holdPublishLock(lake.locate(formatPath({ kind: 'state', name: 'publish.lock' })), 120_000)
  const work = erasingFolder(pii, order.order)
  await pii.remove(formatPath({ kind: 'state', name: `erasing/${order.order}` }))
  for (const { root, index } of feeds) {
    const source = openRoots(built)[root]
    const target = openFolder(join(work, root), { isPrivate: true })
    const { sha256 } = index
    await target.adopt(source.locate(formatPath({ kind: 'raw', sha256 })), `${sha256}.xml.zst`)
    await target.adopt(source.locate(formatPath({ kind: 'raw_index', sha256 })), `${sha256}.json`)
  }
  const draft: ErasureDraft = {
    format: 1,
    order: order.order,
    at: order.at,
    reference: order.reference,
    marks: order.tombstones.flatMap(({ mark }) => mark ?? []),
    until: order.tombstones[0]?.until ?? null,
    manifestBefore: published.n,
    manifestAfter: Math.max(published.n, rebuilt.n) + 1,
    rows: fewerRows(published, rebuilt),
    feeds: feeds.map(({ root, index, before, ranges, bytes }) => ({
      root,
      sha256: index.sha256,
      before,
      after: index.erased?.sha256 ?? '',
      entries: ranges,
      bytes,
    })),
    filesBefore: hashedFiles(published),
    filesAfter: hashedFiles(rebuilt),
  }
  await openFolder(work, { isPrivate: true }).putIfAbsent('receipt.json', JSON.stringify(draft))
  const n = await commitReplay({
    roots,
    built,
    rebuilt,
    replayed: published.n,
    version,
    now: () => new Date(),
    erased: { tombstones: [...order.tombstones], keyCheck: key.check },
    // what was staged before the tombstones stood does not know of them
    isReady: async () => (await lake.list(folders.staging)).every((path) => parsePath(path)?.kind !== 'stage'),
  })
  await finishErasures(roots)
  return n
}
