import { describe, expect, test } from 'vitest'
import { asksPerGap, factsSince, judgeGaps, severityOf } from '../../custodian/gaps.ts'
import { addDays } from '../../schemas/calendar-day.ts'
import type { GapFacts, LoadFact, NotificationFact, RequestFact } from '../../schemas/gaps.ts'

const timeZone = 'America/Los_Angeles'
/** Just after the reconcile's time on the 22nd: the 21st is due. */
const now = new Date('2026-11-23T02:00:05Z')
const context = { timeZone, dailyFeeds: ['usage', 'customer'], fetchWithinDays: 5, now } as const
const noonAfter = (day: string): string => `${addDays(day, 1)}T20:00:00.000Z`

const usage = (day: string, more: Partial<LoadFact> = {}): LoadFact => ({
  feed: 'usage',
  notificationId: day,
  receivedAt: noonAfter(day),
  lastDate: day,
  ...more,
})
const customer = (day: string, receivedAt = noonAfter(day)): LoadFact =>
  usage(day, { feed: 'customer', lastDate: null, receivedAt })
const request = (more: Partial<RequestFact>): RequestFact => ({
  feed: 'usage',
  by: 'updated',
  window: { from: '2026-11-19', to: '2026-11-21' },
  reason: 'reconcile',
  status: 'answered',
  notificationId: 'r',
  askedAt: '2026-11-22T02:30:00.000Z',
  ...more,
})
const facts = (more: Partial<GapFacts>): GapFacts => ({
  firstReceivedAt: noonAfter('2026-11-18'),
  loads: [],
  notifications: [],
  requests: [],
  ...more,
})
const statuses = (its: GapFacts, feed = 'usage', at = context) =>
  Object.fromEntries(
    judgeGaps(its, at)
      .days.filter((day) => day.feed === feed)
      .map(({ day, status, next }) => [day, next === null ? status : `${status} ${next}`]),
  )

const all = ['2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21']

test('both feeds every day: nothing is missing', () => {
  const report = judgeGaps(facts({ loads: all.flatMap((day) => [usage(day), customer(day)]) }), context)
  expect(report.days.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 'received'))
  expect(report).toMatchObject({ asks: [], packages: [] })
})

test('nothing ever came: nothing is expected', () => {
  expect(judgeGaps(facts({ firstReceivedAt: null }), context)).toEqual({ days: [], packages: [], asks: [] })
})

test('not due before 18:00 of the day after; late after it', () => {
  const before = { ...context, now: new Date('2026-11-23T01:59:59Z') }
  const its = facts({ loads: [usage('2026-11-18'), usage('2026-11-19', { receivedAt: '2026-11-22T20:00:00.000Z' })] })
  expect(statuses(its, 'usage', before)).toEqual({
    '2026-11-18': 'received',
    '2026-11-19': 'late',
    '2026-11-20': 'missing ask',
    '2026-11-21': 'expected',
  })
})

test('a package is known by its latest day: one with corrections of long ago settles its own day alone', () => {
  const its = facts({ loads: [usage('2026-11-18'), usage('2026-11-21')] })
  expect(statuses(its)).toMatchObject({
    '2026-11-19': 'missing ask',
    '2026-11-20': 'missing ask',
    '2026-11-21': 'received',
  })
  expect(statuses(facts({ loads: [usage('2026-11-21', { lastDate: null })] }))).toMatchObject({
    '2026-11-21': 'received',
  })
})

test('a file without readings: bills alone are a package, the empty sibling of one with readings is not, nor an answer', () => {
  const empty = (notificationId: string) => usage('2026-11-21', { lastDate: null, notificationId })
  const old = usage('2026-11-21', { lastDate: '2023-01-31', notificationId: 'old' })
  expect(statuses(facts({ loads: [empty('bills')] }))).toMatchObject({ '2026-11-21': 'received' })
  expect(statuses(facts({ loads: [empty('old'), old] }))).toMatchObject({ '2026-11-21': 'missing ask' })
  const window = { from: '2023-01-01', to: '2023-01-31' }
  const answered = facts({ loads: [empty('r')], requests: [request({ window, reason: 'backfill' })] })
  expect(statuses(answered)).toMatchObject({ '2026-11-21': 'missing ask' })
})

test('a later customer snapshot holds what an earlier one held', () => {
  const its = facts({ loads: [customer('2026-11-18'), customer('2026-11-20')] })
  expect(statuses(its, 'customer')).toEqual({
    '2026-11-18': 'received',
    '2026-11-19': 'late',
    '2026-11-20': 'received',
    '2026-11-21': 'missing ask',
  })
})

test('runs of missing days are one request, by change and a day longer; never beyond today', () => {
  const { asks } = judgeGaps(facts({ loads: [usage('2026-11-19'), ...all.map((day) => customer(day))] }), context)
  expect(asks).toEqual([
    { feed: 'usage', by: 'updated', window: { from: '2026-11-18', to: '2026-11-19' } },
    { feed: 'usage', by: 'updated', window: { from: '2026-11-20', to: '2026-11-22' } },
  ])
  expect(judgeGaps(facts({ loads: all.map((day) => usage(day)) }), context).asks).toEqual([
    { feed: 'customer', by: null, window: null },
  ])
})

describe('requests', () => {
  const window = { from: '2026-11-19', to: '2026-11-20' }
  const other = [usage('2026-11-18'), usage('2026-11-21')]
  test('answered: late; 204: empty, which is not missing', () => {
    expect(statuses(facts({ loads: other, requests: [request({ window })] }))).toMatchObject({
      '2026-11-19': 'late',
      '2026-11-20': 'late',
    })
    expect(statuses(facts({ loads: other, requests: [request({ window, status: 'no_data' })] }))).toMatchObject({
      '2026-11-19': 'empty',
    })
  })
  test('asked before the day was due, it says nothing about it', () => {
    const early = request({ window, askedAt: '2026-11-20T20:00:00.000Z', status: 'no_data' })
    expect(statuses(facts({ loads: other, requests: [early] }))).toMatchObject({
      '2026-11-19': 'missing ask',
      '2026-11-20': 'missing ask',
    })
  })
  test('under way: waits; so often: given up', () => {
    const accepted = request({ window, status: 'accepted', askedAt: '2026-11-22T21:00:00.000Z' })
    expect(statuses(facts({ loads: other, requests: [accepted] }))).toMatchObject({ '2026-11-19': 'missing wait' })
    const asked = Array.from({ length: asksPerGap }, () => request({ window, status: 'unanswered' }))
    const tired = facts({ loads: other, requests: asked })
    expect(statuses(tired)).toMatchObject({ '2026-11-19': 'missing give_up' })
    expect(judgeGaps(tired, context).asks.filter(({ feed }) => feed === 'usage')).toEqual([])
    expect(statuses(facts({ loads: other, requests: asked.slice(1) }))).toMatchObject({ '2026-11-19': 'missing ask' })
  })
})

describe('packages known and not fetched', () => {
  const partial: NotificationFact = {
    notificationId: '2026-11-20',
    receivedAt: noonAfter('2026-11-20'),
    isFailed: true,
    lacking: 1,
  }
  const loads = all.flatMap((day) => [usage(day), customer(day)])
  test('one of two files is not there: the day is asked for, and then made up for', () => {
    const its = facts({ loads, notifications: [partial] })
    expect(statuses(its)).toMatchObject({ '2026-11-20': 'missing ask' })
    expect(judgeGaps(its, context).packages).toMatchObject([{ lacking: 1, severity: 'warn' }])
    const again = {
      ...its,
      requests: [request({ window: { from: '2026-11-20', to: '2026-11-21' }, askedAt: '2026-11-22T03:00:00.000Z' })],
    }
    expect(judgeGaps(again, context).packages).toEqual([])
  })
  test('refused URLs lack nothing', () => {
    expect(judgeGaps(facts({ loads, notifications: [{ ...partial, lacking: 0 }] }), context).packages).toEqual([])
  })
  test('warn at 1 day, page at 3, lost at 5', () => {
    const hours = [23, 24, 71, 72, 119, 120].map((n) => severityOf(n * 3_600_000, 5))
    expect(hours).toEqual(['ok', 'warn', 'warn', 'page', 'page', 'lost'])
  })
})

test('facts are asked for from before the first day that is judged', () => {
  expect(factsSince({ timeZone, now })).toBe('2026-10-07T07:00:00.000Z')
  expect(factsSince({ timeZone, now, window: { from: '2026-11-10', to: '2026-11-12' } })).toBe(
    '2026-11-09T08:00:00.000Z',
  )
})
