/** Whatever ids say of whatever hours in whatever order: pairs are judged, and readings counted, as the plain model does. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { publishStaged } from '../../warehouse/publish.ts'
import { type PublishForm, publishForms } from '../support/publish-forms.ts'
import { queryRows } from '../support/query-rows.ts'
import { seriesKey, stageFeed, timeZone } from '../support/stage-feed.ts'
import { type AliasEvent, settleNaively } from './naive-aliases.ts'

const base = Date.parse('2026-05-01T07:00:00Z') / 1000
const ids = ['a', 'b', 'c']
const order = ids.toSorted((x, y) => (seriesKey('U', x) < seriesKey('U', y) ? -1 : 1))

const sending = fc.record({
  id: fc.constantFrom(...ids),
  /** Day of publication; null: not sent. Mostly the day after the readings. */
  published: fc.option(fc.integer({ min: 0, max: 6 }), { nil: null, freq: 9 }),
  day: fc.integer({ min: 0, max: 3 }),
  n: fc.integer({ min: 1, max: 2 }),
  value: fc.integer({ min: 0, max: 1 }),
  form: fc.constantFrom<PublishForm>('rewrite', 'beside', 'beside', 'fold'),
})
type Sending = typeof sending extends fc.Arbitrary<infer T> ? T : never

const publishedS = (day: number): number => base + day * 86_400

const eventsOf = ({ id, published, day, n, value }: Sending, commit: number): AliasEvent[] =>
  Array.from({ length: n }, (_, at) => ({
    id,
    hour: day * 24 + at,
    value: value + at * 10,
    published: published === null ? null : publishedS(published),
    commit,
  }))

async function publish(commits: readonly Sending[]) {
  const dir = await mkdtemp(join(tmpdir(), 'meterlake-aliases-'))
  try {
    const roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
    for (const [commit, one] of commits.entries()) {
      await stageFeed(roots, {
        salt: String(commit),
        readingTypes: [{ id: 'wh' }],
        meterReadings: [{ usagePoint: 'U', id: one.id, readingType: 'wh' }],
        blocks: [
          {
            usagePoint: 'U',
            meterReading: one.id,
            published: one.published === null ? null : new Date(publishedS(one.published) * 1000).toISOString(),
            readings: eventsOf(one, commit).map(({ hour, value }) => ({ start: base + hour * 3600, value })),
          },
        ],
      })
      await publishStaged({ roots, timeZone, limits: publishForms[one.form], deferViews: commit < commits.length - 1 })
    }
    const counted = await queryRows({
      roots,
      sql: `SELECT ((epoch_us(start_at) // 1000000 - ${base}) // 3600)::INTEGER AS hour, meter_reading_id AS id, value::INTEGER AS value FROM core.interval`,
    })
    const pairs = await queryRows({
      roots,
      sql: `SELECT meter_reading_id || ' ' || other_meter_reading_id AS pair, verdict FROM ops.series_pair`,
    })
    const [hourly] = await queryRows({
      roots,
      sql: `SELECT sum(n_intervals)::INTEGER AS n, (sum(delivered_kwh) * 1000)::INTEGER AS wh FROM mart.load_hourly`,
    })
    return {
      verdicts: Object.fromEntries(pairs.map(({ pair, verdict }) => [String(pair), verdict])),
      counted: counted.map(({ hour, id, value }) => `${String(hour)} ${String(id)} ${String(value)}`).sort(),
      hourly,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

test('as the plain model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sending, { minLength: 2, maxLength: 9 }), async (commits) => {
      const model = settleNaively(commits.map(eventsOf), order)
      expect(await publish(commits)).toEqual({
        verdicts: Object.fromEntries(model.verdicts),
        counted: model.counted.map((row) => row.join(' ')).sort(),
        hourly: { n: model.counted.length, wh: model.counted.reduce((sum, [, , value]) => sum + value, 0) },
      })
    }),
    { numRuns: 5 },
  )
}, 600_000)
