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

const inOrder = (list: readonly Version[]): Version[] => list.toSorted(([a], [b]) => a - b)

/** Whether `some` is `all` with words left out. */
function isPartOf(some: readonly string[], all: readonly string[]): boolean {
  let at = 0
  for (const word of all) if (word === some[at]) at += 1
  return at === some.length
}

test('whatever comes late, what is in force is as if nothing had been forgotten', async () => {
  const version = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.constantFrom('A', 'B', 'C'))
  const versions = fc.uniqueArray(version, { minLength: 2, maxLength: 12, selector: ([published]) => published })
  const comesLate = async (all: readonly Version[], cut: number) => {
    const early = all.slice(0, 1 + (cut % (all.length - 1)))
    const late = all.slice(early.length)
    const kept = inOrder([...(await compact(early)), ...late])
    expect(kept.at(-1)).toEqual(inOrder(all).at(-1))
    const found = changes(await compact(kept))
    const truth = changes(inOrder(all))
    // one that comes late finds all there is to find; of several, those between forgotten repeats of one run may count as one
    const agree = late.length === 1 ? found.join() === truth.join() : isPartOf(found, truth)
    expect({ found, truth, agree }).toMatchObject({ agree: true })
  }
  const between: Version[] = [
    [1, 'A'],
    [2, 'B'],
    [4, 'B'],
    [6, 'B'],
    [3, 'A'],
    [5, 'A'],
  ]
  await fc.assert(fc.asyncProperty(versions, fc.nat(), comesLate), { numRuns: 100, examples: [[between, 3]] })
})
