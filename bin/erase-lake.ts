/** `meterlake erase`: the lake built anew without what was ordered to go, and put in the place of the old one. */
import { randomBytes } from 'node:crypto'
import { scanEntries } from '../espi/entry-spans.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { rangesToBlank } from '../warehouse/blank-raw.ts'
import { openCustomerKey } from '../warehouse/customer-key.ts'
import { Database } from '../warehouse/database.ts'
import { openLocalScratch } from '../warehouse/local-scratch.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { formatPath } from '../warehouse/paths.ts'
import { type BlankedFeed, publishErasure } from '../warehouse/publish-erasure.ts'
import { readIndex } from '../warehouse/raw-archive.ts'
import { planReplay } from '../warehouse/replay-plan.ts'
import { openRoots } from '../warehouse/storage.ts'
import { tombstonesOf } from '../warehouse/tombstones.ts'
import { type ErasureScope, tombstonesFor } from './erasure-scope.ts'
import type { Progress } from './progress.ts'
import { incomplete, openPlace, rebuild } from './replay-lake.ts'
import { runLakeJob } from './run-lake-job.ts'
import { version } from './version.ts'

export interface EraseRequest {
  readonly config: Config
  readonly roots: LakeRoots
  readonly scope: ErasureScope
  readonly reference: string | null
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** A feed that holds what is to go. */
export interface MentioningFeed {
  readonly root: 'lake' | 'pii'
  readonly sha256: string
  readonly entries: number
  readonly bytes: number
}

export interface Erased {
  readonly order: string
  readonly commit: number
  readonly feeds: readonly BlankedFeed[]
}

const attempts = 8

/** The feeds of the archive that an order is about. Throws LAKE_MISSING, LAKE_CORRUPT. */
export async function findMentions(request: EraseRequest): Promise<readonly MentioningFeed[]> {
  const { roots, progress, signal } = request
  const { lake, pii } = openRoots(roots)
  const manifest = await publishedManifest(roots)
  await using local = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 128, scratch: local.path })
  const { tombstones } = await openOrder(request, db, manifest, new Date().toISOString())
  const feeds = [
    ...manifest.raw.map((ref) => ({ root: 'lake' as const, storage: lake, ref })),
    ...manifest.pii.raw.map((ref) => ({ root: 'pii' as const, storage: pii, ref })),
  ]
  progress.start('searching', 0, 0)
  const found: MentioningFeed[] = []
  for (const [at, { root, storage, ref }] of feeds.entries()) {
    signal.throwIfAborted()
    const index = await readIndex(storage, ref.sha256)
    if (!index)
      throw new MeterlakeError('LAKE_CORRUPT', `${ref.path} under ${storage.root} is not whole: nothing was erased`)
    await using scratch = await storage.scratch()
    const path = storage.locate(formatPath({ kind: 'raw', sha256: ref.sha256 }))
    const rangesOf: Parameters<typeof rangesToBlank>[0]['rangesOf'] = (span) =>
      tombstones.rangesOf(span, index.receivedAt)
    const ranges = await rangesToBlank({ path, index, scan: scanEntries, rangesOf, scratch, at: '' })
    const bytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0)
    if (ranges.length > 0) found.push({ root, sha256: ref.sha256, entries: ranges.length, bytes })
    progress.share(at + 1, feeds.length)
  }
  return found
}

/** Erases. Throws NOT_IN_LAKE where no feed mentions what is to go, LAKE_CONTENDED, what a replay throws. */
export async function eraseFromLake(request: EraseRequest): Promise<Erased> {
  const { roots, reference } = request
  const { lake, pii } = openRoots(roots)
  await using local = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 512, scratch: local.path })
  const at = new Date().toISOString()
  const order = `${at.replaceAll(/[-:.]/g, '').toLowerCase()}-${randomBytes(4).toString('hex')}`
  await publishStaged(request, (await publishedManifest(roots)).timeZone)
  let plan = await planReplay(db, lake, pii)
  if (plan.lost !== null || !plan.manifest)
    throw new MeterlakeError(
      'LAKE_CORRUPT',
      `the ledger cannot be followed (${plan.lost ?? 'no manifest'}): nothing was erased`,
    )
  const { tombstones, key, marked } = await openOrder(request, db, plan.manifest, at)
  const own = marked.map((tombstone) => ({ ...tombstone, order }))
  const feeds: BlankedFeed[] = []
  const erasing = {
    tombstones,
    scan: scanEntries,
    onBlanked: (feed: Pick<BlankedFeed, 'index' | 'ranges' | 'bytes'>, root: 'lake' | 'pii', before: string) =>
      void feeds.push({ ...feed, root, before }),
  }
  await using place = await openPlace({ roots, to: undefined }, plan)
  let after = 0
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const lost = await rebuild({ ...request, profile: undefined }, plan, after, place, erasing)
    if (lost.length > 0) throw incomplete(lost)
    const rebuilt = await readNewestManifest(openRoots(place.built).lake)
    const published = plan.manifest
    if (!rebuilt || !published) throw new Error('the rebuilt lake has no manifest')
    const given = { order, at, reference, tombstones: own }
    const { built } = place
    const commit = await publishErasure({ roots, built, published, rebuilt, order: given, feeds, key, version })
    if (commit !== undefined) return { order, commit, feeds }
    await publishStaged(request, published.timeZone)
    after = rebuilt.n
    plan = await planReplay(db, lake, pii)
  }
  throw new MeterlakeError('LAKE_CONTENDED', `other publishers won ${attempts} times at ${roots.lake}`)
}

/** What is staged knows of no tombstone yet: it becomes part of what is erased from. */
const publishStaged = async ({ roots, signal }: EraseRequest, timeZone: string): Promise<void> => {
  await runLakeJob({ kind: 'publish', roots, timeZone }, { signal })
}

async function publishedManifest(roots: LakeRoots): Promise<Manifest> {
  const manifest = await readNewestManifest(openRoots(roots).lake)
  if (manifest) return manifest
  throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${roots.lake}`, { lake: roots.lake })
}

/** The tombstones of an order, and those of the lake with them. */
async function openOrder({ roots, scope }: EraseRequest, db: Database, manifest: Manifest, at: string) {
  const { lake, pii } = openRoots(roots)
  const key = await openCustomerKey(pii, manifest.pii.keyCheck)
  const marked = await tombstonesFor(scope, at, { db, lake, manifest, key })
  return { key, marked, tombstones: tombstonesOf(key, [...manifest.tombstones, ...marked]) }
}
