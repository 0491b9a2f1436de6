/** A load up to the brink of publication: archived bytes → rows → Parquet in staging, `stage.json` last. */
import { randomBytes } from 'node:crypto'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { ScanEntries } from '../schemas/entry-span.ts'
import type { StagedLoad } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { blankRaw, replaceRaw } from './blank-raw.ts'
import { openCustomerKey } from './customer-key.ts'
import { readNewestManifest } from './manifest.ts'
import { formatPath, loadIdOf } from './paths.ts'
import { isPersonalTable } from './personal-rows.ts'
import { readIndex } from './raw-archive.ts'
import { archivedBytes, type RawIndex } from './raw-index.ts'
import { type FeedOptions, readFeed, type ReadFeed } from './read-feed.ts'
import { readStagedLoad, removeOtherAttempts, removeStage } from './staged-loads.ts'
import { openRoots, type Scratch, type Storage } from './storage.ts'
import { openTombstones } from './tombstones.ts'

export interface StageOptions extends FeedOptions {
  readonly roots: LakeRoots
  /** Version of the reader: what another version staged, and nobody published yet, is staged anew. */
  readonly parser: string
  /** Needed where the lake has tombstones: what was erased is blanked in the archive before it is read. */
  readonly scanEntries?: ScanEntries
  /** Whether the ledger has these bytes already, other than as a failed load. */
  readonly isKnown: (sha256: string) => Promise<boolean>
}

/**
 * Stages one archived feed. `known`: nothing to do. A feed that is refused whole (FEED_*) is staged as failed, without rows,
 * and its error is raised. What another attempt has staged already is taken as it is. Raises LAKE_*, SQL_FAILED, the signal's
 * reason; then nothing is staged.
 */
export async function stageLoad(options: StageOptions): Promise<StagedLoad> {
  const { sha256, root } = options.request.raw
  const loadId = loadIdOf(sha256)
  if (await options.isKnown(sha256)) return { loadId, sha256, outcome: 'known', readings: 0, quarantined: 0 }
  const { lake, pii } = openRoots(options.roots)
  const earlier = await readStagedLoad(lake, loadId)
  if (earlier?.parser === options.parser) return outcomeOf(earlier)
  if (earlier) await removeStage(lake, pii, loadId)

  const storage = root === 'pii' ? pii : lake
  const archived = await readIndex(storage, sha256)
  if (!archived)
    throw new MeterlakeError(
      'LAKE_CORRUPT',
      `the raw file of load ${loadId} is not in the archive, or not whole: archive it again`,
      { sha256, root },
    )
  const attempt = `${process.pid}-${randomBytes(4).toString('hex')}`
  const startedMs = performance.now()
  await using scratch = await storage.scratch()
  const manifest = await readNewestManifest(lake)
  const index = await obeyTombstones(options, { storage, pii, manifest, index: archived, scratch })
  const facts = { options, index, loadId, loadS: () => Math.round(performance.now() - startedMs) / 1000 }
  const published: [Storage, string][] = []
  let record: StagedLoadRecord
  try {
    const feed = await readFeed({
      ...options,
      index,
      rawPath: storage.locate(formatPath({ kind: 'raw', sha256 })),
      scratch,
      customerKey: root === 'pii' ? await openCustomerKey(pii, manifest?.pii.keyCheck ?? null) : undefined,
    })
    const files: StagedLoadRecord['files'] = {}
    for (const [table, { rows }] of feed.files) {
      const path = formatPath({ kind: 'staged', id: loadId, attempt, table })
      // fragments of bytes that lie under pii stay there; element names and rows without names do not have to
      const into = isPersonalTable(table) || (table === 'quarantine' && root === 'pii') ? 'pii' : 'lake'
      const target = into === 'pii' ? pii : lake
      published.push([target, path])
      files[table] = { root: into, path, rows, bytes: await target.publish(scratch.file(`${table}.parquet`), path) }
    }
    record = stagedRecord(facts, feed, files)
  } catch (error) {
    for (const [target, path] of published) await target.remove(path).catch(() => undefined)
    if (!isMeterlakeError(error) || !error.code.startsWith('FEED_')) throw error
    // of what was erased there need not be anything left
    record = index.erased && error.code === 'FEED_EMPTY' ? emptiedRecord(facts) : failedRecord(facts, error)
  }
  await lake.putIfAbsent(formatPath({ kind: 'stage', id: loadId }), JSON.stringify(record))
  await removeOtherAttempts(lake, pii, loadId)
  // an erasure that was committed meanwhile knows nothing of this load
  if (tombstonesIn(await readNewestManifest(lake)) !== tombstonesIn(manifest)) {
    await removeStage(lake, pii, loadId)
    return await stageLoad(options)
  }
  return outcomeOf(record)
}

const tombstonesIn = (manifest: Manifest | undefined): number => manifest?.tombstones.length ?? 0

interface ArchivedFeed {
  readonly storage: Storage
  readonly pii: Storage
  readonly manifest: Manifest | undefined
  readonly index: RawIndex
  readonly scratch: Scratch
}

/** Blanks in the archive what tombstones of the lake are about; answers the frame index that holds then. */
async function obeyTombstones({ scanEntries }: StageOptions, feed: ArchivedFeed): Promise<RawIndex> {
  const { storage, pii, manifest, index, scratch } = feed
  const tombstones = await openTombstones(pii, manifest)
  if (!tombstones) return index
  if (!scanEntries) throw new Error('the lake has tombstones, and no scanner of entries was given')
  const path = formatPath({ kind: 'raw', sha256: index.sha256 })
  const blanked = await blankRaw({
    path: storage.locate(path),
    index,
    scan: scanEntries,
    rangesOf: (span) => tombstones.rangesOf(span, index.receivedAt),
    scratch,
    at: new Date().toISOString(),
  })
  if (!blanked) return index
  await replaceRaw(storage, blanked)
  return blanked.index
}

/** What a record answers to who asked for the load; raises the failure it holds. */
function outcomeOf({ loadId, sha256, counts, error }: StagedLoadRecord): StagedLoad {
  if (error) throw new MeterlakeError(error.code, error.message, { load_id: loadId, sha256 })
  return { loadId, sha256, outcome: 'staged', readings: counts.readings, quarantined: counts.quarantined }
}

interface LoadFacts {
  readonly options: StageOptions
  readonly index: RawIndex
  readonly loadId: string
  readonly loadS: () => number
}

function requestFacts({ options, index, loadId, loadS }: LoadFacts) {
  const { request, profile, parser } = options
  const { raw, source, sourceName, notificationId, correlationId } = request
  return {
    stage: 'load' as const,
    format: 1 as const,
    loadId,
    sha256: raw.sha256,
    source,
    sourceName,
    notificationId,
    correlationId,
    profile: profile.name,
    timeZone: profile.timeZone,
    receivedAt: raw.receivedAt,
    bytes: raw.bytes,
    raw: { root: raw.root, path: formatPath({ kind: 'raw', sha256: raw.sha256 }), bytes: archivedBytes(index) },
    parser,
    loadS: loadS(),
  }
}

function stagedRecord(facts: LoadFacts, feed: ReadFeed, files: StagedLoadRecord['files']): StagedLoadRecord {
  const { summary } = feed
  return {
    ...requestFacts(facts),
    status: summary.quarantined > 0 ? 'quarantined' : 'loaded',
    error: null,
    kind: summary.kind,
    feedUpdatedAt: summary.feedUpdatedAt,
    counts: {
      entries: summary.entries,
      entriesByKind: { ...summary.entriesByKind },
      usagePoints: feed.usagePoints,
      blocks: summary.blocks,
      readings: summary.readings,
      quarantined: summary.quarantined,
      drift: feed.files.get('drift')?.rows ?? 0,
      markupRuns: summary.markupRuns,
      slowBytes: summary.slowBytes,
    },
    localDateMin: feed.localDateMin,
    localDateMax: feed.localDateMax,
    files,
  }
}

const nothing = {
  entries: 0,
  entriesByKind: {},
  usagePoints: 0,
  blocks: 0,
  readings: 0,
  quarantined: 0,
  drift: 0,
  markupRuns: 0,
  slowBytes: 0,
}

/** Of a feed all of whose entries were erased. */
const emptiedRecord = (facts: LoadFacts): StagedLoadRecord => ({
  ...failedRecord(facts, new MeterlakeError('FEED_EMPTY', '')),
  status: 'loaded',
  error: null,
})

function failedRecord(facts: LoadFacts, error: MeterlakeError): StagedLoadRecord {
  return {
    ...requestFacts(facts),
    status: 'failed',
    error: { code: error.code, message: error.message },
    kind: facts.options.request.raw.kind,
    feedUpdatedAt: null,
    counts: nothing,
    localDateMin: null,
    localDateMax: null,
    files: {},
  }
}
