/** A lake in a temporary folder: files archived, staged and published by the same functions as the load process calls. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { runLakeJob } from '../../bin/run-lake-job.ts'
import { openFeedReader } from '../../espi/feed-reader.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { stageLoad } from '../../warehouse/stage.ts'
import { stageRoster } from '../../warehouse/stage-roster.ts'
import { openFolder } from '../../warehouse/storage.ts'
import { queryLake, type Row } from './lake-rows.ts'

export interface LoadOutcome {
  /** As in ops.load. */
  readonly status: string
  readonly errorCode: string | null
  readonly sha256: string
}

export interface TestLake extends AsyncDisposable {
  /** A folder for the test's own files; the roots are in it. */
  readonly dir: string
  readonly roots: LakeRoots
  /** Loads the files, then commits them together. Refused files do not throw: the ledger says so. */
  load(files: readonly string[]): Promise<readonly LoadOutcome[]>
  /** Imports a roster file, valid for a day. */
  importRoster(file: string, asOf: string): Promise<void>
  query(sql: string): Promise<readonly Row[]>
  /** Files below the lake's root that hold the text, archived feeds decompressed. */
  grep(text: string): Promise<readonly string[]>
}

const utilities = {
  pge: { name: 'pge', timeZone: 'America/Los_Angeles', usagePointIdentity: 'id' },
  espi: { name: 'espi', timeZone: 'America/Los_Angeles', usagePointIdentity: 'path' },
} as const

interface LoadOptions {
  readonly roots: LakeRoots
  readonly utility: (typeof utilities)['pge' | 'espi']
  readonly inChild: boolean
}

/**
 * An empty lake and its pii root; both go when it is disposed of. `inChild`: loads and publishes in child processes as the command
 * line and the worker do, instead of here, which is faster.
 */
export async function createLake(profile: 'pge' | 'espi' = 'pge', { inChild = false } = {}): Promise<TestLake> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-test-'))
  const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  return {
    dir,
    roots,
    grep: (text) => filesHolding(roots.lake, text),
    query: (sql) => queryLake(roots.lake, sql),
    importRoster: async (file, asOf) => {
      await stageRoster({ roots, file, asOf, now: new Date() })
      await publishStaged({ roots, timeZone: utilities[profile].timeZone })
    },
    load: (files) => loadFiles(files, { roots, utility: utilities[profile], inChild }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

const reader = {
  openReader: openFeedReader,
  parser: 'meterlake test',
  signal: new AbortController().signal,
  onProgress: () => undefined,
}

async function loadFiles(files: readonly string[], { roots, utility, inChild }: LoadOptions): Promise<LoadOutcome[]> {
  const lake = openFolder(roots.lake, { isPrivate: false })
  const pii = openFolder(roots.pii, { isPrivate: true })
  const hashes: string[] = []
  for (const file of files) {
    const sourceName = basename(file)
    const receivedAt = new Date().toISOString()
    const raw = await archiveRaw({ lake, pii, file, receivedAt, source: 'file', sourceName, correlationId: null })
    hashes.push(raw.sha256)
    const request = { raw, source: 'file', sourceName, notificationId: null, correlationId: null } as const
    try {
      if (inChild) await runLakeJob({ kind: 'load', roots, profile: utility, request })
      else await stageLoad({ ...reader, roots, profile: utility, request, isKnown: (hash) => isKnownLoad(roots, hash) })
    } catch (error) {
      // a refused feed is staged as such; anything else is a failure of the test
      if (!isMeterlakeError(error) || !error.code.startsWith('FEED_')) throw error
    }
  }
  if (inChild) await runLakeJob({ kind: 'publish', roots, timeZone: utility.timeZone })
  else await publishStaged({ roots, timeZone: utility.timeZone })
  const ledger = await queryLake(roots.lake, 'SELECT sha256, status, error_code FROM ops.load')
  return hashes.map((sha256) => {
    const row = ledger.find((load) => load['sha256'] === sha256)
    if (row === undefined) throw new Error(`${sha256} is not in the ledger`)
    return { sha256, status: row['status'] ?? '', errorCode: row['error_code'] ?? null }
  })
}

async function filesHolding(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    if ((entry.name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).includes(text)) found.push(path)
  }
  return found
}
