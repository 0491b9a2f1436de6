/** Waits of days and histories of months, with skipped time: pulls, the requests that wait, backfills. */
import { beforeAll, expect, test } from 'vitest'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { addDays, type DayWindow, dayCount } from '../../schemas/calendar-day.ts'
import { messageNames, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type {
  BackfillInput,
  OutstandingRequest,
  PackageAnswer,
  PackageRequest,
  PullInput,
  PullOutcome,
  RequestRecord,
} from '../../schemas/pull.ts'
import { startSkippedDays } from '../support/skipped-days.ts'

let code: string
beforeAll(async () => {
  ;({ code } = await bundleWorkflows(silentLog))
})

const hourMs = 3_600_000
const startMs = Date.parse('2026-11-22T10:00:00Z')
const january = { from: '2026-01-01', to: '2026-01-31' }
const input: PullInput = {
  feed: 'usage',
  by: 'published',
  window: january,
  clientAlias: 'cca',
  reason: 'pull',
  asks: 3,
  notifyWithinMs: 24 * hourMs,
}

/** What a pull's activities know and do. */
function surroundings(answer: (request: PackageRequest) => PackageAnswer['status'] = () => 'accepted') {
  const requests: { readonly window: DayWindow | null; readonly atMs: number }[] = []
  const registered: OutstandingRequest[] = []
  const records: RequestRecord[] = []
  const activities = {
    registerRequest: (request: OutstandingRequest) => void registered.push(request),
    ensureClientToken: (_: unknown, nowMs: number) => ({
      fingerprint: 'f',
      expiresAt: new Date(nowMs + hourMs).toISOString(),
    }),
    requestPackage: (request: PackageRequest, atMs: number): PackageAnswer => {
      requests.push({ window: request.window, atMs })
      return { status: answer(request), transaction: null, raw: null }
    },
    recordRequest: (record: RequestRecord) => void records.push(record),
    publishLake: () => [],
  }
  return { requests, registered, records, activities }
}

test('a pull that hears nothing asks every day, three times, then fails by name', async () => {
  const { requests, activities, records } = surroundings()
  await using pull = await startSkippedDays({
    code,
    workflowType: workflowNames.pullFeed,
    input,
    nowMs: startMs,
    activities,
  })
  await pull.skip(72 * hourMs - 1)
  expect(pull.result).toBeUndefined()
  expect(requests.map(({ atMs }) => (atMs - startMs) / hourMs)).toEqual([0, 24, 48])
  await pull.skip(1)
  expect(pull.result).toMatchObject({ status: 'failed', code: 'REQUEST_UNANSWERED', asked: 3 })
  expect(records.map(({ status }) => status)).toEqual(
    Array.from({ length: 3 }, () => ['accepted', 'unanswered']).flat(),
  )
  expect(pull.sent).toMatchObject([{ workflowId: workflowIds.outstandingRequests('cca'), name: messageNames.closed }])
})

test('the notification of the first ask comes on the third day: it is the answer', async () => {
  const { registered, activities, records } = surroundings()
  await using pull = await startSkippedDays({
    code,
    workflowType: workflowNames.pullFeed,
    input,
    nowMs: startMs,
    activities,
  })
  await pull.skip(60 * hourMs)
  const [first] = registered
  const arrival = { requestId: first?.requestId, notificationId: 'n', resources: 2, loaded: 2, failed: 0 }
  await pull.signal(messageNames.came, arrival)
  expect(pull.result).toMatchObject({ status: 'answered', asked: 3, loaded: 2 })
  expect(records.at(-1)).toMatchObject({ status: 'answered', notificationId: 'n' })
})

test('a request waits in the mailbox as long as its package may come, is answered on the fifth day, and forgotten after', async () => {
  const request = (requestId: string, days: number): OutstandingRequest => ({
    ...input,
    requestId,
    workflowId: `pull/${requestId}`,
    askedAt: new Date(startMs).toISOString(),
    expiresAt: new Date(startMs + days * 24 * hourMs).toISOString(),
  })
  await using mailbox = await startSkippedDays({
    code,
    workflowType: workflowNames.outstandingRequests,
    input: { outstanding: [] },
    nowMs: startMs,
    activities: {},
  })
  await mailbox.signal(messageNames.asked, request('five-days', 6))
  await mailbox.signal(messageNames.asked, { ...request('never', 8), window: { from: '2025-01-01', to: '2025-01-31' } })
  await mailbox.skip(119 * hourMs)
  const receivedAt = new Date(mailbox.nowMs).toISOString()
  const files = [{ feed: 'usage', status: 'loaded', days: january }]
  await mailbox.signal(messageNames.arrived, { notificationId: 'n', receivedAt, files })
  expect(mailbox.sent).toMatchObject([
    { workflowId: 'pull/five-days', name: messageNames.came, argument: { loaded: 1 } },
  ])
  expect(mailbox.result).toBeUndefined()
  await mailbox.skip(4 * 24 * hourMs)
  expect(mailbox.result).toBeNull()
  expect(mailbox.sent).toHaveLength(1)
})

test('a custodian that takes a day at a time: a year is asked for in days, over runs of bounded length', async () => {
  const window = { from: '2026-01-01', to: '2026-12-31' }
  const asked = new Map<string, number>()
  let runs = 0
  let next: PullInput = { ...input, window }
  let outcome: PullOutcome | undefined
  while (outcome === undefined) {
    const { activities } = surroundings(({ window: its }) => {
      if (its === null || dayCount(its) > 1) return 'too_large'
      asked.set(its.from, (asked.get(its.from) ?? 0) + 1)
      return 'no_data'
    })
    runs += 1
    await using pull = await startSkippedDays({
      code,
      workflowType: workflowNames.pullFeed,
      input: next,
      nowMs: startMs,
      activities,
      suggestsContinueAsNew: (activations) => activations > 300,
    })
    outcome = pull.result as PullOutcome | undefined
    next = pull.continuedWith as PullInput
  }
  expect(runs).toBeGreaterThan(5)
  expect(asked.size).toBe(dayCount(window))
  expect([...asked.values()].every((n) => n === 1)).toBe(true)
  expect(outcome).toMatchObject({ status: 'no_data', noData: dayCount(window), asked: 2 * dayCount(window) - 1 })
})

test('a backfill over many runs: every window once, what failed is named and left to the next', async () => {
  const range = { from: '2006-01-01', to: '2025-12-31' }
  const settled: DayWindow[] = []
  const asked: DayWindow[] = []
  const pullFeed = ({ window }: PullInput): PullOutcome => {
    if (window === null) throw new Error('a backfill asks for windows')
    asked.push(window)
    const isBad = window.from === '2025-10-01'
    if (!isBad) settled.push({ from: addDays(window.from, -2), to: window.to })
    const counts = { asked: 1, answered: isBad ? 0 : 1, noData: 0, failed: isBad ? 1 : 0, loaded: isBad ? 0 : 2 }
    return {
      status: isBad ? 'failed' : 'answered',
      ...counts,
      code: isBad ? 'REQUEST_UNANSWERED' : null,
      message: null,
    }
  }
  let next: BackfillInput = {
    clientAlias: 'cca',
    range,
    monthsPerRequest: 1,
    inFlight: 4,
    asks: 1,
    notifyWithinMs: hourMs,
  }
  let runs = 0
  let result: unknown
  while (result === undefined) {
    runs += 1
    await using backfill = await startSkippedDays({
      code,
      workflowType: workflowNames.backfill,
      input: next,
      nowMs: startMs,
      activities: { settledWindows: () => settled },
      children: { pullFeed },
      suggestsContinueAsNew: (activations) => activations > 20,
    })
    result = backfill.result
    next = backfill.continuedWith as BackfillInput
  }
  expect(runs).toBeGreaterThan(3)
  expect(asked).toHaveLength(240)
  expect(new Set(asked.map(({ from }) => from)).size).toBe(240)
  expect(result).toMatchObject({
    status: 'incomplete',
    windows: 240,
    finished: 240,
    answered: 239,
    loaded: 478,
    failed: [{ from: '2025-10-01', to: '2025-10-31', code: 'REQUEST_UNANSWERED' }],
  })
})
