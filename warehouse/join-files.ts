/** Files of one day that slices of a merge left, joined into one: slices bound memory, files stay few. */
import type { CurrentFile } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { columnList } from './columns.ts'
import { type CommitSession, readFiles, writeQuery } from './commit-session.ts'
import { later } from './plan-units.ts'

/**
 * Groups of files to join: neighbours of one day, in key order, of at most `fileRows` rows together, at least one of them
 * new in this commit. Pure.
 */
export function planJoins(
  files: readonly CurrentFile[],
  isNew: (file: CurrentFile) => boolean,
  fileRows: number,
): CurrentFile[][] {
  const groups: CurrentFile[][] = []
  for (const day of Map.groupBy(files, (file) => file.dt).values()) {
    let group: CurrentFile[] = []
    let rows = 0
    for (const file of day.sort((a, b) => (BigInt(a.keyMin) < BigInt(b.keyMin) ? -1 : 1))) {
      if (rows + file.rows > fileRows) {
        groups.push(group)
        group = []
        rows = 0
      }
      group.push(file)
      rows += file.rows
    }
    groups.push(group)
  }
  return groups.filter((group) => group.length > 1 && group.some(isNew))
}

/** Joins slices of this commit; answers the current files of the lake after it. */
export async function joinSlices(
  session: CommitSession,
  files: readonly CurrentFile[],
  fileRows: number,
): Promise<CurrentFile[]> {
  const { lake, n, written } = session
  const fresh = new Set(written.map(({ path }) => path))
  const joins = planJoins(files, (file) => fresh.has(file.path), fileRows)
  const gone = new Set(joins.flat().map((file) => file.path))
  const current = files.filter((file) => !gone.has(file.path))
  for (const group of joins) {
    const [first] = group
    const last = group.at(-1)
    if (!first || !last) continue
    // ranges are disjoint and ascending: file after file is the order wanted
    const query = `SELECT ${columnList(tables.current)} FROM (${readFiles(lake, group, '')})`
    const place = { kind: 'current', dt: first.dt, commit: n, part: session.nextPart() } as const
    const joined = await writeQuery(session, query, place)
    if (joined === null) {
      current.push(...group)
      continue
    }
    current.push({
      ...joined.ref,
      dt: first.dt,
      keyMin: first.keyMin,
      keyMax: last.keyMax,
      publishedMax: group.reduce<string | null>((max, file) => later(max, file.publishedMax), null),
      sinceCommit: Math.min(...group.map((file) => file.sinceCommit)),
    })
    for (const file of group) if (fresh.has(file.path)) await lake.remove(file.path)
  }
  return current
}
