/** Erasures made in this process, and what is left of a word anywhere below two roots. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { scanEntries } from '../../espi/entry-spans.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { Manifest, Tombstone } from '../../schemas/manifest.ts'
import { literal } from '../../warehouse/columns.ts'
import { type CustomerKey, openCustomerKey } from '../../warehouse/customer-key.ts'
import { Database } from '../../warehouse/database.ts'
import { openLocalScratch } from '../../warehouse/local-scratch.ts'
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { type BlankedFeed, publishErasure, type PublishErasureOptions } from '../../warehouse/publish-erasure.ts'
import { rebuildLake } from '../../warehouse/rebuild-lake.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { tombstonesOf } from '../../warehouse/tombstones.ts'
import { planOf, stepsHere } from '../trace/replayed.ts'
import { timeZone } from '../trace/traced-lake.ts'

/** All but what a process of its own has to make for itself. */
export type PreparedErasure = Omit<PublishErasureOptions, 'key'>

const newestOf = async ({ lake, pii }: LakeRoots): Promise<Manifest> => {
  const manifest = await readNewestManifest(openRoots({ lake, pii }).lake)
  if (!manifest) throw new Error(`nothing was published in ${lake}`)
  return manifest
}

export const keyOf = async (roots: LakeRoots): Promise<CustomerKey> =>
  openCustomerKey(openRoots(roots).pii, (await newestOf(roots)).pii.keyCheck)

/** Builds the lake without what has this mark (of retention: null), up to the brink of its commit. */
export async function prepareErasure(
  roots: LakeRoots,
  built: LakeRoots,
  markOf: (key: CustomerKey) => Pick<Tombstone, 'mark'> & Partial<Tombstone>,
): Promise<PreparedErasure> {
  const published = await newestOf(roots)
  const key = await keyOf(roots)
  const at = new Date().toISOString()
  const order = '20251201t000000000z-00000001'
  const own: Tombstone = { order, at, until: at, except: [], ...markOf(key) }
  const feeds: BlankedFeed[] = []
  await rebuildLake({
    from: roots,
    to: built,
    takesPersonal: true,
    timeZone,
    commits: (await planOf(roots)).commits,
    steps: stepsHere(built),
    version: 'test',
    width: 2,
    erasing: {
      tombstones: tombstonesOf(key, [...published.tombstones, own]),
      scan: scanEntries,
      onBlanked: (feed, root, before) => void feeds.push({ ...feed, root, before }),
    },
  })
  const rebuilt = await newestOf(built)
  const given = { order, at, reference: 'test', tombstones: [own] }
  return { roots, built, published, rebuilt, order: given, feeds, version: 'test' }
}

export async function erase(...args: Parameters<typeof prepareErasure>): Promise<number> {
  const prepared = await prepareErasure(...args)
  const commit = await publishErasure({ ...prepared, key: await keyOf(prepared.roots) })
  if (commit === undefined) throw new Error('another commit came first')
  return commit
}

/** Files below both roots that hold one of these words: feeds unpacked, Parquet as the text of its rows, all else as it is. */
export async function filesHolding(roots: LakeRoots, words: readonly string[]): Promise<string[]> {
  await using scratch = await openLocalScratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 256, scratch: scratch.path })
  const found: string[] = []
  for (const root of [roots.lake, roots.pii])
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const bytes = await readFile(path)
      let texts = [bytes.toString('latin1'), path]
      if (path.endsWith('.zst')) texts = [zstdDecompressSync(bytes).toString('latin1')]
      else if (path.endsWith('.parquet')) {
        const rows = await db.rows(`SELECT t::VARCHAR AS text FROM (FROM read_parquet(${literal(path)})) t`)
        texts.push(...rows.map(({ text }) => String(text)))
      }
      if (words.some((word) => texts.some((text) => text.includes(word)))) found.push(path)
    }
  return found
}
