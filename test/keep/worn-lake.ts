/** A lake with a past: commits that replaced each other's files, aged as if they had been made days ago. */
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { publishForms } from '../support/publish-forms.ts'
import { queryRows } from '../support/query-rows.ts'
import { type Feed, stageFeed, timeZone } from '../support/stage-feed.ts'

export const day_ms = 86_400_000

export interface WornLake extends AsyncDisposable {
  readonly dir: string
  readonly roots: LakeRoots
}

const midnight_s = Date.parse('2026-03-01T08:00:00Z') / 1000

/** Three days of two meters whose values hang on `version`. */
export const versionOf = (version: number): Feed => ({
  readingTypes: [{ id: 'rt' }],
  meterReadings: [1, 2].map((n) => ({ usagePoint: `U${n}`, id: 'M', readingType: 'rt' })),
  blocks: [1, 2].map((n) => ({
    usagePoint: `U${n}`,
    meterReading: 'M',
    published: new Date(Date.parse('2026-03-10T00:00:00Z') + version * day_ms).toISOString(),
    readings: Array.from({ length: 72 }, (_, at) => ({
      start: midnight_s + at * 3600,
      value: version * 10 + (at % 3),
    })),
  })),
})

export async function commitVersion(roots: LakeRoots, version: number): Promise<void> {
  await stageFeed(roots, versionOf(version))
  await publishStaged({ roots, timeZone, limits: publishForms.rewrite })
}

/** A lake of so many commits, each of which writes all days anew. */
export async function createWornLake(commits: number): Promise<WornLake> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-keep-'))
  const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  for (let version = 1; version <= commits; version += 1) await commitVersion(roots, version)
  return { dir, roots, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

/** Lets all files below a folder, whose path below it `isMeant`, be so many days old. */
export async function age(
  folder: string,
  days: number,
  isMeant: (path: string) => boolean = () => true,
): Promise<void> {
  const at = new Date(Date.now() - days * day_ms)
  for (const path of await filesIn(folder)) if (isMeant(path)) await utimes(join(folder, path), at, at)
}

/** Paths of all files below a folder, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** Everything the lake says. */
export const contentsOf = async (roots: LakeRoots) => ({
  current: await queryRows({ roots, sql: 'FROM core.interval ORDER BY ALL' }),
  versions: await queryRows({ roots, sql: 'FROM core.interval_version ORDER BY ALL' }),
  loads: await queryRows({ roots, sql: 'FROM ops.load ORDER BY ALL' }),
})
