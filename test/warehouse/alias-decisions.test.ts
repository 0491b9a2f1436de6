/** What an operator decides of series whose ids changed: counted as decided, taken back, committed once; and as known on each day. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stageAliasDecision } from '../../warehouse/alias-decisions.ts'
import { aliasStageId, formatPath } from '../../warehouse/paths.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { type ChangingLake, changingLake, wholeDay } from '../support/changing-ids.ts'
import { seriesKey, timeZone } from '../support/stage-feed.ts'

let lake: ChangingLake

beforeAll(async () => {
  lake = await changingLake()
  for (const day of [1, 2, 3]) {
    const isNew = day === 3
    await lake.stage([
      wholeDay('copied', 'old', day, 1000),
      ...(isNew ? [wholeDay('copied', 'new', day, 1000)] : []),
      wholeDay('resent', isNew ? 'new' : 'old', day, 1000),
      ...(isNew ? [wholeDay('resent', 'new', 2, 1500, 3)] : []),
      ...(isNew ? ['a2', 'b2'] : ['a1', 'b1']).map((id, at) => wholeDay('both change', id, day, 1000 + at)),
      wholeDay('export', 'del', day, 1000),
      wholeDay('export', 'rec', day, 300),
    ])
    await lake.commit()
  }
}, 200_000)
afterAll(async () => {
  await lake[Symbol.asyncDispose]()
})

const key = (usagePoint: string, id: string): string => String(seriesKey(usagePoint, id))

const decide = async (usagePoint: string, one: string, other: string, decided: 'one' | 'two' | null) => {
  const decision = { series: key(usagePoint, one), other: key(usagePoint, other), decided }
  await stageAliasDecision(lake.roots, decision, new Date(lake.nextAt()))
  await lake.commit()
}

test('an operator decides, and takes it back', async () => {
  await decide('copied', 'old', 'new', 'one')
  expect(await lake.daily('copied')).toEqual(['24 24/24', '24 24/24', '24 24/24'])
  expect(await lake.aliases('copied')).toEqual(['new old operator'])
  expect(await lake.pairs('copied')).toEqual(['new old one operator true false'])
  await decide('copied', 'new', 'old', 'two')
  expect(await lake.daily('copied')).toEqual(['24 24/24', '24 24/24', '48 48/48'])
  expect(await lake.pairs('copied')).toEqual(['new old two operator false false'])
  await decide('copied', 'new', 'old', null)
  expect(await lake.pairs('copied')).toEqual(['new old ambiguous same_values false true'])
  await decide('resent', 'new', 'old', 'two')
  expect((await lake.daily('resent'))[1]).toBe('60 48/48')
  await decide('resent', 'new', 'old', null)
  expect((await lake.daily('resent'))[1]).toBe('36 24/24')
}, 120_000)

test('an operator pairs two meters whose ids both changed', async () => {
  await decide('both change', 'a1', 'a2', 'one')
  // what is left is one too
  expect(await lake.aliases('both change')).toEqual(['a2 a1 operator', 'b2 b1 rule'])
}, 60_000)

test('a decision whose stage outlived its commit counts once', async () => {
  const { lake: folder } = openRoots(lake.roots)
  const decidedAt = '2026-05-01T00:00:00.000Z'
  const [seriesKeyText, otherSeriesKey] = ['old', 'new']
    .map((id) => seriesKey('copied', id))
    .sort((a, b) => (a < b ? -1 : 1))
  const id = aliasStageId(decidedAt, String(seriesKeyText), String(otherSeriesKey))
  const stage = { stage: 'alias', format: 1, decidedAt, usagePointId: 'copied', decided: 'one' }
  const keys = { seriesKey: String(seriesKeyText), otherSeriesKey: String(otherSeriesKey) }
  await folder.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify({ ...stage, ...keys }))
  expect(await publishStaged({ roots: lake.roots, timeZone })).toEqual({ loads: [], commit: null })
  expect(await lake.pairs('copied')).toEqual(['new old ambiguous same_values false true'])
})

test('what is no pair cannot be decided', async () => {
  const attempts: [string, string][] = [
    [key('copied', 'old'), key('resent', 'old')],
    [key('export', 'del'), key('export', 'rec')],
    [key('copied', 'old'), key('copied', 'old')],
    [key('copied', 'old'), '12345'],
  ]
  for (const [series, other] of attempts)
    await expect(stageAliasDecision(lake.roots, { series, other, decided: 'one' })).rejects.toMatchObject({
      code: 'USAGE',
    })
})

test('as of each commit, everything is what it was', async () => {
  expect(lake.told).toHaveLength(9)
  for (const { at, answers } of lake.told) expect({ at, answers: await lake.tell(at) }).toEqual({ at, answers })
}, 120_000)
