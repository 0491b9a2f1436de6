import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ArrivedFile, NotificationArrival, OutstandingRequest } from '../../schemas/pull.ts'
import { matchNotification } from '../../workflows/match-notification.ts'

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 22) + minutes * 60_000).toISOString()
const window = (from: string, to: string) => ({ from, to })
const january = window('2026-01-01', '2026-01-31')
const february = window('2026-01-30', '2026-02-28')

const usage = (
  requestId: string,
  days: OutstandingRequest['window'],
  more: Partial<OutstandingRequest> = {},
): OutstandingRequest => ({
  requestId,
  feed: 'usage',
  by: 'published',
  window: days,
  askedAt: at(0),
  expiresAt: at(10_000),
  workflowId: `pull/${requestId}`,
  ...more,
})
const customer = (requestId: string, minutes = 0) =>
  usage(requestId, null, { feed: 'customer', by: null, askedAt: at(minutes) })

const file = (days: ArrivedFile['days'], more: Partial<ArrivedFile> = {}): ArrivedFile => ({
  feed: 'usage',
  status: 'loaded',
  days,
  ...more,
})
const snapshot = file(null, { feed: 'customer', status: 'archived' })
const arrival = (files: readonly ArrivedFile[], minutes = 5): NotificationArrival => ({
  notificationId: 'n',
  receivedAt: at(minutes),
  files,
})
const matched = (outstanding: readonly OutstandingRequest[], its: NotificationArrival) =>
  Object.fromEntries(
    matchNotification(outstanding, its).map(({ requestId, resources, loaded, failed }) => [
      requestId,
      [resources, loaded, failed],
    ]),
  )

describe('the days of the readings decide', () => {
  test('out of order: each window finds its own', () => {
    const outstanding = [usage('jan', january), usage('feb', february, { askedAt: at(1) })]
    expect(
      matched(
        outstanding,
        arrival([file(window('2026-02-01', '2026-02-28')), file(window('2026-02-01', '2026-02-27'))]),
      ),
    ).toEqual({ feb: [2, 2, 0] })
    expect(matched(outstanding, arrival([file(january)]))).toEqual({ jan: [1, 1, 0] })
  })
  test('one notification with the files of two requests answers both', () => {
    expect(matched([usage('jan', january), usage('feb', february)], arrival([file(january), file(february)]))).toEqual({
      jan: [1, 1, 0],
      feb: [1, 1, 0],
    })
  })
  test('a daily package that overtakes the answer of a month past answers nothing', () => {
    const daily = [file(window('2025-02-01', '2026-11-21')), file(null), file(null, { status: 'failed' })]
    expect(matched([usage('jan', january)], arrival(daily))).toEqual({})
  })
  test('the inclusive maximum may bring a day more; two are another package', () => {
    expect(matched([usage('jan', january)], arrival([file(window('2026-01-01', '2026-02-01'))]))).toEqual({
      jan: [1, 1, 0],
    })
    expect(matched([usage('jan', january)], arrival([file(window('2026-01-01', '2026-02-02'))]))).toEqual({})
  })
  test('changes reach back for years, but a window of readings that holds them all is nearer', () => {
    const changes = usage('changes', window('2026-11-19', '2026-11-22'), { by: 'updated' })
    expect(matched([changes], arrival([file(window('2024-03-01', '2026-11-21'))]))).toEqual({ changes: [1, 1, 0] })
    expect(matched([changes, usage('jan', january)], arrival([file(january)]))).toEqual({ jan: [1, 1, 0] })
  })
  test('the same window asked for twice: the earlier ask', () => {
    expect(
      matched([usage('again', january, { askedAt: at(3) }), usage('first', january)], arrival([file(january)])),
    ).toEqual({ first: [1, 1, 0] })
  })
})

describe('without days, the order in time', () => {
  test('a snapshot answers the request for one that was asked first', () => {
    expect(matched([customer('b', 2), customer('a', 1), usage('jan', january)], arrival([snapshot]))).toEqual({
      a: [1, 1, 0],
    })
  })
  test('asked after the notification came: not its answer', () => {
    expect(matched([customer('later', 30)], arrival([snapshot]))).toEqual({})
  })
  test('files that failed go with their siblings, else to the one asked first', () => {
    const failed = file(null, { status: 'failed' })
    expect(matched([usage('jan', january), usage('feb', february)], arrival([file(february), failed]))).toEqual({
      feb: [2, 1, 1],
    })
    expect(matched([usage('feb', february, { askedAt: at(1) }), usage('jan', january)], arrival([failed]))).toEqual({
      jan: [1, 0, 1],
    })
  })
  test('what is still being prepared, and authorizations, answer nothing', () => {
    expect(
      matched([usage('jan', january)], arrival([file(null, { status: 'not_ready' }), file(null, { status: 'noted' })])),
    ).toEqual({})
    expect(matched([usage('jan', january)], arrival([]))).toEqual({})
  })
})

test('any list: each file at most once, only to requests of its feed asked before it came', () => {
  const day = fc.integer({ min: 0, max: 60 }).map((n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10))
  const days = fc.tuple(day, day).map(([a, b]) => (a < b ? window(a, b) : window(b, a)))
  const feed = fc.constantFrom('usage', 'customer', 'program')
  const requests = fc.array(
    fc.record({ feed, days, minutes: fc.integer({ min: 0, max: 20 }), by: fc.constantFrom('published', 'updated') }),
    { maxLength: 6 },
  )
  const files = fc.array(
    fc.record({ feed, days: fc.option(days), status: fc.constantFrom('loaded', 'failed', 'not_ready', 'known') }),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(requests, files, (asked, came) => {
      const outstanding = asked.map((its, n) =>
        usage(String(n), its.days, { feed: its.feed, by: its.by, askedAt: at(its.minutes) }),
      )
      const answers = matchNotification(outstanding, arrival(came, 10))
      expect(new Set(answers.map(({ requestId }) => requestId)).size).toBe(answers.length)
      expect(answers.reduce((sum, { resources }) => sum + resources, 0)).toBeLessThanOrEqual(
        came.filter(({ status }) => status !== 'not_ready').length,
      )
      for (const { requestId } of answers) {
        const request = asked[Number(requestId)]
        expect(request?.minutes).toBeLessThanOrEqual(11)
        expect(came.some((its) => its.feed === request?.feed)).toBe(true)
      }
    }),
  )
})
