/** Everything a lake has published, worked out and checked again. Nothing is changed. */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import { readFiles } from './commit-session.ts'
import { openCustomerKey } from './customer-key.ts'
import { Database } from './database.ts'
import { type Finding, nextSteps } from './finding.ts'
import { openLocalScratch } from './local-scratch.ts'
import { manifestNumbers, readManifest, readNewestManifest } from './manifest.ts'
import { type NamedFile, namedFiles, writtenBy } from './named-files.ts'
import { formatPath } from './paths.ts'
import { openRoots, type Storage } from './storage.ts'
import { verifyArchived } from './verify-archive.ts'
import { verifiedSpans, verifyCurrent } from './verify-current.ts'
import { verifyFiles } from './verify-files.ts'
import { verifyLedger } from './verify-ledger.ts'
import { verifyViews } from './verify-views.ts'

export type VerifyPhase = 'files' | 'archive' | 'ledger' | 'current' | 'views'

export interface VerifyOptions {
  readonly roots: LakeRoots
  /** Only what was committed at this moment or later. */
  readonly since?: Date | undefined
  readonly onProgress?: (phase: VerifyPhase, done: number, total: number) => void
}

export interface Verified {
  /** Number of the manifest that was verified. */
  readonly manifest: number
  readonly findings: readonly Finding[]
  /** What was not verified, and why. */
  readonly skipped: readonly string[]
  readonly files: number
  readonly bytes: number
  readonly archived: number
  /** Current intervals that were compared. */
  readonly intervals: number
}

/**
 * Verifies the newest manifest: its files (size, SHA-256, rows, days), the archive against its hashes, the ledger against history,
 * `current` against the winners of history, the views against the manifest. Raises LAKE_MISSING.
 */
export async function verifyLake({ roots, since, onProgress = () => undefined }: VerifyOptions): Promise<Verified> {
  const { lake, pii } = openRoots(roots)
  const manifest = await readNewestManifest(lake).catch(asUnreadable)
  if (!manifest) throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${lake.root}`)
  if (manifest === 'unreadable') return await withoutManifest(lake)
  const from = since === undefined ? 1 : await firstCommitSince(lake, manifest, since)
  const findings: Finding[] = await verifyChain(lake, manifest)
  const skipped: string[] = []
  const personal = await personalRoot(pii, manifest)
  if (personal.finding) findings.push(personal.finding)
  if (personal.skipped !== null) skipped.push(personal.skipped)

  const all = namedFiles(manifest).filter(({ root }) => root === 'lake' || personal.isThere)
  await using scratch = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 384, scratch: scratch.path })
  const storageOf = ({ root }: NamedFile) => (root === 'pii' ? pii : lake)
  const files = all.filter(({ kind, ref }) => kind !== 'raw' && writtenBy(ref) >= from)
  let bytes = 0
  const totalBytes = files.reduce((sum, { ref }) => sum + ref.bytes, 0)
  onProgress('files', 0, totalBytes)
  const broken = await verifyFiles(db, storageOf, files, ({ ref }) => {
    onProgress('files', (bytes += ref.bytes), totalBytes)
  })
  findings.push(...broken.values())

  const archived = all.filter(({ kind }) => kind === 'raw')
  const wanted = since === undefined ? archived : await archivedSince(db, lake, manifest, archived, from, broken)
  const archivedTotal = wanted.reduce((sum, { ref }) => sum + ref.bytes, 0)
  let unpacked = 0
  onProgress('archive', 0, archivedTotal)
  for (const file of wanted) {
    const finding = await verifyArchived(storageOf(file), file)
    if (finding) findings.push(finding)
    onProgress('archive', (unpacked += file.ref.bytes), archivedTotal)
  }

  const isBroken = (...kinds: string[]) => [...broken.keys()].some(({ kind }) => kinds.includes(kind))
  onProgress('ledger', 0, 1)
  if (isBroken('load', 'history', 'receipts', 'quarantine', 'drift'))
    skipped.push('the ledger against history: mend the files above first')
  else
    await attempt(skipped, 'the ledger against history', async () =>
      findings.push(...(await verifyLedger(db, lake, manifest, from))),
    )

  const brokenDays = new Set([...broken.keys()].flatMap(({ ref }) => ('dt' in ref ? [String(ref.dt)] : [])))
  const touched = isBroken('overlay') ? [] : await daysSince(db, lake, manifest, from)
  const only = new Set(touched.filter((dt) => !brokenDays.has(dt)))
  const spans = verifiedSpans(manifest, since === undefined && brokenDays.size === 0 ? undefined : only)
  onProgress('current', 0, spans.length)
  if (isBroken('history', 'overlay')) skipped.push('current against the winners of history: mend the files above first')
  else
    await attempt(skipped, 'current against the winners of history', async () =>
      findings.push(
        ...(await verifyCurrent(db, lake, manifest, spans, (done) => onProgress('current', done, spans.length))),
      ),
    )
  onProgress('views', 0, 1)
  if ([...broken.keys()].some(({ root }) => root === 'lake')) skipped.push('the views: mend the files above first')
  else await attempt(skipped, 'the views', async () => findings.push(...(await verifyViews(lake, manifest, scratch))))
  onProgress('views', 1, 1)
  return {
    manifest: manifest.n,
    findings,
    skipped,
    files: files.length,
    bytes: totalBytes + archivedTotal,
    archived: wanted.length,
    intervals: spans.reduce((sum, { rows }) => sum + rows, 0),
  }
}

/** In the place of a manifest that is damaged. */
function asUnreadable(error: unknown): 'unreadable' {
  if (isMeterlakeError(error) && error.code === 'LAKE_CORRUPT') return 'unreadable'
  throw error
}

/** Nothing can be told without the newest manifest. */
async function withoutManifest(lake: Storage): Promise<Verified> {
  const n = (await manifestNumbers(lake)).at(-1) ?? 0
  const finding = { ...inChain(n, 'it cannot be read, and it is the newest'), next: nextSteps.derived }
  return {
    manifest: n,
    findings: [finding],
    skipped: ['everything it names'],
    files: 0,
    bytes: 0,
    archived: 0,
    intervals: 0,
  }
}

/** A check that needs files which a check of files alone cannot vouch for. */
async function attempt(skipped: string[], what: string, check: () => Promise<unknown>): Promise<void> {
  try {
    await check()
  } catch (error) {
    if (!isMeterlakeError(error) || error.code !== 'SQL_FAILED') throw error
    skipped.push(`${what}: ${error.message.split('\n')[0] ?? ''}`)
  }
}

const inChain = (n: number, problem: string): Finding => ({
  check: 'manifest',
  file: formatPath({ kind: 'manifest', n }),
  problem,
  next: nextSteps.only,
})

/** Manifests follow each other without holes, each known later than the one before it. */
async function verifyChain(lake: Storage, manifest: Manifest): Promise<Finding[]> {
  const numbers = await manifestNumbers(lake)
  const holes: Finding[] = []
  for (const [at, n] of numbers.entries())
    // a replay without a ledger may skip numbers; it brings no loads
    if (at > 0 && numbers[at - 1] !== n - 1 && (await readManifest(lake, n).catch(() => undefined))?.loads.length !== 0)
      holes.push(inChain(n - 1, 'it is not there'))
  const before = await readManifest(lake, manifest.n - 1).catch(asUnreadable)
  if (before === 'unreadable') return [...holes, inChain(manifest.n - 1, 'it cannot be read')]
  if (before && before.knownAt >= manifest.knownAt)
    return [
      ...holes,
      inChain(manifest.n, `it became known at ${manifest.knownAt}, the one before it at ${before.knownAt}`),
    ]
  return holes
}

/** The first commit known at a moment or later: manifests are in the order of their moments. */
async function firstCommitSince(lake: Storage, newest: Manifest, since: Date): Promise<number> {
  const numbers = await manifestNumbers(lake)
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const n = numbers[middle] ?? newest.n
    const manifest = n === newest.n ? newest : await readManifest(lake, n)
    if (manifest && Date.parse(manifest.knownAt) < since.getTime()) low = middle + 1
    else high = middle
  }
  return numbers[low] ?? newest.n + 1
}

/** Archived files of loads committed since; all of them where the ledger cannot be read. */
async function archivedSince(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  archived: readonly NamedFile[],
  from: number,
  broken: ReadonlyMap<NamedFile, Finding>,
): Promise<readonly NamedFile[]> {
  if (manifest.tables.load.length === 0 || [...broken.keys()].some(({ kind }) => kind === 'load')) return archived
  const rows = await db.rows(
    `SELECT DISTINCT sha256 FROM (${readFiles(lake, manifest.tables.load, '')}) WHERE commit_id >= ${from}`,
  )
  const wanted = new Set(rows.map((row) => row['sha256']))
  return archived.filter(({ ref }) => wanted.has(ref.sha256))
}

/** Local days whose current rows a commit since has written, in their files or beside them. */
async function daysSince(db: Database, lake: Storage, manifest: Manifest, from: number): Promise<string[]> {
  const inFiles = manifest.current.files.filter((file) => writtenBy(file) >= from).map(({ dt }) => dt)
  const beside = manifest.overlay.files.filter((file) => writtenBy(file) >= from)
  if (beside.length === 0) return inFiles
  const rows = await db.rows(`SELECT DISTINCT local_date::VARCHAR AS dt FROM (${readFiles(lake, beside, '')})`)
  return [...inFiles, ...rows.map((row) => String(row['dt']))]
}

/** Whether the pii root can be verified: what is there, but not ours to read, is left out. */
async function personalRoot(
  pii: Storage,
  manifest: Manifest,
): Promise<{ readonly isThere: boolean; readonly finding?: Finding; readonly skipped: string | null }> {
  const named = namedFiles(manifest).filter(({ root }) => root === 'pii')
  const [first] = named
  if (!first) return { isThere: false, skipped: null }
  try {
    await pii.size(first.ref.path)
    if (manifest.pii.keyCheck !== null) await openCustomerKey(pii, manifest.pii.keyCheck)
    return { isThere: true, skipped: null }
  } catch (error) {
    if (!isMeterlakeError(error))
      return { isThere: false, skipped: `${named.length} files under ${pii.root}: they cannot be read` }
    const finding: Finding = {
      check: 'key',
      file: 'pii/state/customer.key',
      problem: error.message,
      next: nextSteps.key,
    }
    return { isThere: true, finding, skipped: null }
  }
}
