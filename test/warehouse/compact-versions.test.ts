/** What is forgotten of versions that say the same: nothing that a version which comes late could make matter. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Database } from '../../warehouse/database.ts'
import { model } from '../../warehouse/model.ts'

let folder: string
let db: Database

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-compact-'))
  db = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: folder })
})
afterAll(async () => {
  await db[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Version = readonly [published: number, content: string]

const rowsOf = (versions: readonly Version[]): string =>
  `SELECT 'k' AS id, to_timestamp(p) AS published_at, c::VARCHAR AS word, 1 AS commit_id, 'l' AS load_id, p AS byte_offset
   FROM (VALUES ${versions.map(([published, content]) => `(${published}, '${content}')`).join(', ')}) t (p, c)`

async function compact(versions: readonly Version[]): Promise<Version[]> {
  const source = rowsOf(versions)
  const query = model('compact-versions', { columns: 'byte_offset, word', content: 'word', key: 'id', source })
  const rows = await db.rows(`SELECT byte_offset::INTEGER AS p, word FROM (${query}) ORDER BY p`)
  return rows.map((row) => [Number(row['p']), String(row['word'])])
}

/** The words in order, each run once. */
const changes = (list: readonly Version[]): string[] =>
  list.filter(([, word], at) => at === 0 || list[at - 1]?.[1] !== word).map(([, word]) => word)

test('of a run the first and the last stay', async () => {
  const days: Version[] = [1, 2, 3, 4].map((day) => [day, 'A'])
  expect(await compact([...days, [5, 'B'], [6, 'A'], [7, 'A']])).toEqual([
    [1, 'A'],
    [4, 'A'],
    [5, 'B'],
    [6, 'A'],
    [7, 'A'],
  ])
  expect(await compact([[3, 'A']])).toEqual([[3, 'A']])
})

test('whatever comes late, what is in force is as if nothing had been forgotten', async () => {
  const version = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.constantFrom('A', 'B', 'C'))
  const versions = fc.uniqueArray(version, { minLength: 2, maxLength: 12, selector: ([published]) => published })
  await fc.assert(
    fc.asyncProperty(versions, fc.nat(), async (all, cut) => {
      const early = all.slice(0, 1 + (cut % (all.length - 1)))
      const late = all.slice(early.length)
      const kept = [...(await compact(early)), ...late].toSorted(([a], [b]) => a - b)
      expect(kept.at(-1)).toEqual(all.toSorted(([a], [b]) => a - b).at(-1))
      // and the same changes in the same order as of all
      expect(changes(await compact(kept))).toEqual(changes(all.toSorted(([a], [b]) => a - b)))
    }),
    { numRuns: 60 },
  )
})
