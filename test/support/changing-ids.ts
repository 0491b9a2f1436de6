/** A lake whose MeterReading ids change: a package of whole days each day, and what the views say of a usage point. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { queryRows } from './query-rows.ts'
import { type Feed, type FeedBlock, stageFeed, timeZone } from './stage-feed.ts'

/** Local midnight of 1 May 2026, Unix time, s. */
export const firstDay = Date.parse('2026-05-01T07:00:00Z') / 1000

/** When the package of a day (1, 2 …) is published. */
export const publishedAt = (day: number): string => new Date((firstDay + day * 86_400 + 21_600) * 1000).toISOString()

/** The 24 hours of a day, each of so many Wh, as the package of day `by` brings them. */
export const wholeDay = (usagePoint: string, meterReading: string, day: number, wh: number, by = day): FeedBlock => ({
  usagePoint,
  meterReading,
  published: publishedAt(by),
  readings: Array.from({ length: 24 }, (_, hour) => ({
    start: firstDay + (day - 1) * 86_400 + hour * 3600,
    value: wh,
    quality: 17,
  })),
})

export interface ChangingLake extends AsyncDisposable {
  readonly roots: LakeRoots
  /** When the n-th commit was made, and what the marts said after it. */
  readonly told: readonly { readonly at: string; readonly answers: string }[]
  /** Stages a package. The MeterReading `rec` is of received energy, all others of delivered. */
  stage(blocks: readonly FeedBlock[], rows?: Feed['rows']): Promise<void>
  /** Commits what is staged, a day after the commit before. */
  commit(): Promise<void>
  /** When the next commit will be made. */
  nextAt(): string
  /** Rows of a query, a line each. */
  lines(sql: string): Promise<string[]>
  /** By day: kWh delivered, intervals that came and those expected. */
  daily(usagePoint: string): Promise<string[]>
  /** Series that are counted as another: id, the other's id, decided by. */
  aliases(usagePoint: string): Promise<string[]>
  /** Pairs: ids, verdict, reason, whether joined, whether open. */
  pairs(usagePoint: string): Promise<string[]>
  /** Digests of what the views of intervals and hours say, now or as of a moment. */
  tell(asOf?: string): Promise<string>
}

export async function changingLake(): Promise<ChangingLake> {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-ids-'))
  const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
  const told: { at: string; answers: string }[] = []
  const nextAt = () => new Date((firstDay + (told.length + 1) * 86_400 + 40_000) * 1000).toISOString()
  const lines = async (sql: string) =>
    (await queryRows({ roots, sql })).map((row) =>
      Object.values(row)
        .map((value) => value ?? '-')
        .join(' '),
    )
  const tell = async (asOf = '') => {
    const of = (name: string) => (asOf === '' ? name : `${name}_asof(TIMESTAMPTZ '${asOf}')`)
    const digests = ['core.interval', 'mart.load_hourly', 'mart.load_system_hourly'].map(
      (name) => `SELECT md5(string_agg(x::VARCHAR, ' ' ORDER BY x::VARCHAR)) AS d, count(*) AS n FROM ${of(name)} x`,
    )
    return (await lines(digests.join(' UNION ALL '))).join(', ')
  }
  return {
    roots,
    told,
    nextAt,
    lines,
    tell,
    stage: async (blocks, rows = {}) => {
      await stageFeed(roots, {
        readingTypes: [
          { id: 'del', flow: 1 },
          { id: 'rec', flow: 19 },
        ],
        meterReadings: blocks.map(({ usagePoint, meterReading: id }) => ({
          usagePoint,
          id,
          readingType: id === 'rec' ? 'rec' : 'del',
        })),
        blocks,
        rows,
      })
    },
    commit: async () => {
      const at = nextAt()
      await publishStaged({ roots, timeZone, now: () => new Date(at) })
      told.push({ at, answers: await tell() })
    },
    daily: (usagePoint) =>
      lines(`SELECT round(sum(delivered_kwh), 3)::DOUBLE, sum(n_intervals) || '/' || sum(n_expected) FROM mart.load_hourly
        WHERE usage_point_id = '${usagePoint}' GROUP BY local_date ORDER BY local_date`),
    aliases: (usagePoint) =>
      lines(`SELECT meter_reading_id, canonical_meter_reading_id, decided_by FROM core.alias
        WHERE usage_point_id = '${usagePoint}' ORDER BY 1`),
    pairs: (usagePoint) =>
      lines(`SELECT least(meter_reading_id, other_meter_reading_id), greatest(meter_reading_id, other_meter_reading_id), verdict, reason,
        is_joined, is_open FROM ops.series_pair WHERE usage_point_id = '${usagePoint}' ORDER BY 1, 2`),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
