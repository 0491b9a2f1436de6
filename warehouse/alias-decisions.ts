/** What an operator decided of two series, on its way to the next commit. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { Manifest } from '../schemas/manifest.ts'
import type { StagedAlias } from '../schemas/stage.ts'
import { readFiles, readTable } from './commit-session.ts'
import { Database } from './database.ts'
import { readNewestManifest } from './manifest.ts'
import { aliasStageId, formatPath } from './paths.ts'
import { integerOf, textOf } from './row-values.ts'
import { openRoots, type Storage } from './storage.ts'

/** Two series by their keys, and whether they are one; null: as the rule says. */
export interface AliasDecision {
  readonly series: string
  readonly other: string
  readonly decided: 'one' | 'two' | null
}

/**
 * Stages a decision. Answers the lake's time zone, which its publisher must name. Raises USAGE where the two are not different series
 * of one usage point and flow, LAKE_MISSING.
 */
export async function stageAliasDecision(
  roots: LakeRoots,
  decision: AliasDecision,
  now = new Date(),
): Promise<{ readonly timeZone: string }> {
  const { lake } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest) throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${roots.lake}`)
  const keys = [decision.series, decision.other].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const [seriesKey = '', otherSeriesKey = ''] = keys
  const usagePointId = await sharedUsagePoint(lake, manifest, seriesKey, otherSeriesKey)
  const decidedAt = now.toISOString()
  const { decided } = decision
  await stageAlias(lake, { stage: 'alias', format: 1, decidedAt, seriesKey, otherSeriesKey, usagePointId, decided })
  return { timeZone: manifest.timeZone }
}

/** Stages a decision as it was made. */
export async function stageAlias(lake: Storage, stage: StagedAlias): Promise<void> {
  const id = aliasStageId(stage.decidedAt, stage.seriesKey, stage.otherSeriesKey)
  await lake.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify(stage))
}

async function sharedUsagePoint(lake: Storage, manifest: Manifest, one: string, other: string): Promise<string> {
  await using scratch = await lake.scratch()
  await using db = await Database.open({ threads: 1, memoryLimitMb: 64, scratch: scratch.path })
  const rows = await db.rows(
    `SELECT series_key::VARCHAR AS key, usage_point_id, flow_direction::VARCHAR AS flow
     FROM (${readTable(lake, manifest, 'channel')}) WHERE series_key IN (${one}, ${other})`,
  )
  const of = (key: string) => rows.filter((row) => row['key'] === key)
  for (const key of [one, other])
    if (of(key).length === 0)
      throw new MeterlakeError('USAGE', `the lake has no series ${key}: see \`meterlake alias list\``)
  const usagePoint = textOf(of(one)[0], 'usage_point_id')
  const flows = new Set(of(one).map((row) => row['flow']))
  if (one === other) throw new MeterlakeError('USAGE', `${one} is one series: name two`)
  if (usagePoint !== textOf(of(other)[0], 'usage_point_id') || !of(other).some((row) => flows.has(row['flow'])))
    throw new MeterlakeError('USAGE', `series ${one} and ${other} are not of one usage point and flow direction`)
  return usagePoint
}

/** Stages whose commit has happened. */
export async function spentDecisions(
  lake: Storage,
  db: Database,
  parent: Manifest,
  stages: ReadonlyMap<string, StagedAlias>,
): Promise<string[]> {
  if (stages.size === 0 || parent.tables.series_pair.length === 0) return []
  const rows = await db.rows(
    `SELECT series_key::VARCHAR || ' ' || other_series_key::VARCHAR AS pair, epoch_ms(max(decided_at))::VARCHAR AS decided_ms
     FROM (${readFiles(lake, parent.tables.series_pair, '')}) GROUP BY ALL HAVING max(decided_at) IS NOT NULL`,
  )
  const decidedMs = new Map(rows.map((row) => [textOf(row, 'pair'), integerOf(row, 'decided_ms')]))
  // of several decided before one commit the last was kept
  return [...stages].flatMap(([id, { seriesKey, otherSeriesKey, decidedAt }]) =>
    Date.parse(decidedAt) <= (decidedMs.get(`${seriesKey} ${otherSeriesKey}`) ?? -1) ? [id] : [],
  )
}
