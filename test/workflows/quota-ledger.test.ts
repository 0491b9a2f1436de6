/** The ledger against an independent count of what arrives: the simulated custodian's own meter. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AcquireAnswer, AcquireInput, QuotaLedger, QuotaLimits } from '../../schemas/quota.ts'
import { acquire, emptyLedger, settle, usageOf } from '../../workflows/quota-ledger.ts'
import { pacific, simulate, violationsOf } from './quota-traffic.ts'

const pge: QuotaLimits = { spacingMs: 1_000, marginMs: 200, perHour: 2_000, hourMs: 3_600_000, perDay: 20_000 }
const none = { spacing: 0, hour: 0, day: 0 }
const at = (iso: string) => Date.parse(iso)
const seconds = 1_000
const hour = 3_600 * seconds

/** The turn of an answer that gives one. */
const admitted = (answer: AcquireAnswer) => {
  if (!('sendAtMs' in answer)) throw new Error(`not admitted: ${JSON.stringify(answer)}`)
  return answer
}

describe('never more than allowed, hardly less', () => {
  const fromMs = at('2026-11-22T10:00:00Z')
  /** Requests a second of an hour at one a second. */
  const rateOf = (delays: Partial<Parameters<typeof simulate>[0]>) => {
    const limits = { ...pge, perHour: 100_000 }
    const senders = ['a', 'a', 'a', 'b', 'b', 'b']
    const { arrivals } = simulate({ limits, senders, fromMs, untilMs: fromMs + hour, ...delays })
    expect(violationsOf(arrivals, limits)).toEqual(none)
    expect(new Set(arrivals.map(({ client }) => client))).toEqual(new Set(['a', 'b']))
    return arrivals.length / 3_600
  }

  test('one a second over two clients: what an answer takes is lost, and no more', () => {
    expect(rateOf({})).toBeGreaterThan(0.99)
    expect(rateOf({ messageMs: () => 40, travelMs: () => 5, answerMs: () => 20 })).toBeGreaterThan(0.97)
  })

  test('a slow answer costs the margin at most', () => {
    expect(rateOf({ messageMs: () => 60, travelMs: () => 30, answerMs: () => 5_000 })).toBeGreaterThan(0.82)
  })

  test('a busy machine: questions of 150 ms, a tenth sent a quarter of a second late', () => {
    let n = 0
    const lateMs = () => ((n += 1) % 10 === 0 ? 250 : 10)
    expect(rateOf({ messageMs: () => 150, lateMs, travelMs: () => 10, answerMs: () => 30 })).toBeGreaterThan(0.9)
  })

  test('2,000 an hour, four hours long', () => {
    const { arrivals } = simulate({ limits: pge, senders: ['a', 'a', 'a'], fromMs, untilMs: fromMs + 4 * hour })
    expect(violationsOf(arrivals, pge)).toEqual(none)
    expect(arrivals.length).toBeGreaterThanOrEqual(8_000 * 0.95)
  })

  test.each([
    ['summer', '2026-07-05', 3, '2026-07-07T00:00:00Z'],
    ['the day the clock goes forward', '2026-03-07', 3, '2026-03-09T00:00:00Z'],
    ['the day the clock goes back', '2026-10-31', 3, '2026-11-02T01:00:00Z'],
  ])('20,000 a day from 17:00 Pacific: %s', (_, date, days, lastBound) => {
    const limits = { ...pge, perHour: 60_000, perDay: 2_000 }
    const untilMs = at(lastBound) + 45 * 60 * seconds
    const { arrivals } = simulate({ limits, senders: ['a', 'a'], fromMs: at(`${date}T12:00:00Z`), untilMs })
    for (const clockAheadMs of [-1_900, 0, 1_900]) expect(violationsOf(arrivals, limits, clockAheadMs)).toEqual(none)
    expect(arrivals.length).toBeGreaterThanOrEqual(2_000 * days * 0.95)
    // The last day begins where it should, to the second.
    const first = arrivals.find(({ arrival }) => arrival >= at(lastBound) - 60 * seconds)
    expect((first?.arrival ?? 0) - at(lastBound)).toBeLessThan(10 * seconds)
    expect((first?.arrival ?? 0) - at(lastBound)).toBeGreaterThanOrEqual(0)
  })

  test('any limits, any crowd, any delays, senders that die, any clock within two seconds', () => {
    fc.assert(
      fc.property(
        fc.record({
          spacingMs: fc.integer({ min: 1, max: 2_000 }),
          marginMs: fc.integer({ min: 1, max: 400 }),
          perHour: fc.integer({ min: 1, max: 40 }),
          hourMs: fc.integer({ min: 1_000, max: 60_000 }),
          perDay: fc.integer({ min: 1, max: 200 }),
        }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -120_000, max: 10_000 }),
        fc.integer({ min: -1_000, max: 1_000 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (limits, senders, offset, clockAheadMs, chance) => {
          const upTo = (most: number) => () => Math.floor((chance.next().value ?? 0) * most)
          const fates = ['no', 'no', 'no', 'no', 'no', 'no', 'before', 'after'] as const
          const { arrivals, ledger } = simulate({
            limits,
            senders,
            fromMs: at('2026-11-22T01:00:00Z') + offset,
            untilMs: at('2026-11-22T01:00:00Z') + offset + 90_000,
            messageMs: upTo(300),
            lateMs: upTo(700),
            travelMs: upTo(limits.marginMs),
            answerMs: upTo(2 * limits.marginMs),
            dies: () => fates[upTo(fates.length)()] ?? 'no',
          })
          expect(violationsOf(arrivals, limits, clockAheadMs)).toEqual(none)
          expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('a full hour of both clients is small enough to carry on', () => {
    const { ledger } = simulate({ limits: pge, senders: ['a', 'b'], fromMs, untilMs: fromMs + 1.2 * hour })
    expect(ledger.clients['a']?.hour.length).toBeGreaterThan(1_700)
    expect(JSON.stringify(ledger).length).toBeLessThan(100_000)
  })
})

describe('answers', () => {
  const nowMs = at('2026-11-22T10:00:00Z')
  let asked = 0
  const ask = (client: string, limits = pge, requestId = `r${(asked += 1)}`): AcquireInput => {
    return { client, kind: 'package', requestId, leadMs: 0, limits, day: pacific(nowMs) }
  }
  /** One after the other, each answered at its moment. */
  const used = (ledger: QuotaLedger, count: number, limits = pge) => {
    let [next, clockMs] = [ledger, nowMs]
    for (let n = 0; n < count; n += 1) {
      const question = ask('a', limits)
      const taken = acquire(next, question, clockMs)
      clockMs = admitted(taken.answer).sendAtMs
      next = settle(taken.ledger, { requestId: question.requestId, arrivedByMs: clockMs, isAnswered: true }, clockMs)
    }
    return { ledger: next, clockMs }
  }

  test('one turn at a time: who asks again has the same, others come again', () => {
    const one = ask('a')
    const first = acquire(emptyLedger, one, nowMs)
    const turn = { sendAtMs: nowMs, latestMs: nowMs + 500, isAfterUnanswered: false }
    expect(first.answer).toEqual({ nowMs, ...turn })
    expect(acquire(first.ledger, one, nowMs + 400).answer).toEqual({ nowMs: nowMs + 400, ...turn })
    const second = acquire(first.ledger, ask('b'), nowMs)
    expect(second.answer).toEqual({ nowMs, askAgainAtMs: nowMs + 150 })
    // One behind the other, and who comes again keeps his place.
    const third = ask('b')
    const queued = acquire(second.ledger, third, nowMs)
    expect(queued.answer).toEqual({ nowMs, askAgainAtMs: nowMs + 1_150 })
    expect(acquire(queued.ledger, third, nowMs).answer).toEqual({ nowMs, askAgainAtMs: nowMs + 1_150 })
  })

  test('the next is counted from the arrival; a late one moves it, one given back does not', () => {
    const question = ask('a')
    const { requestId } = question
    const { ledger } = acquire(emptyLedger, question, nowMs)
    const nextAfter = (arrivedByMs: number | null, saidMs: number) =>
      admitted(
        acquire(settle(ledger, { requestId, arrivedByMs, isAnswered: true }, saidMs), ask('b'), nowMs + 600).answer,
      ).sendAtMs
    expect(nextAfter(nowMs + 10, nowMs + 30)).toBe(nowMs + 1_010)
    expect(nextAfter(nowMs + 480, nowMs + 490)).toBe(nowMs + 1_480)
    expect(nextAfter(null, nowMs + 510)).toBe(nowMs + 600)
    // A sender whose clock is wrong blocks nobody for long.
    expect(nextAfter(nowMs + 1e9, nowMs + 100)).toBe(nowMs + 1_300)
  })

  test('a turn that nobody settles counts as used as late as it could be', () => {
    const { ledger } = acquire(emptyLedger, ask('a'), nowMs)
    expect(acquire(ledger, ask('b'), nowMs + 700).answer).toHaveProperty('askAgainAtMs')
    expect(admitted(acquire(ledger, ask('b'), nowMs + 701).answer)).toMatchObject({
      sendAtMs: nowMs + 1_700,
      isAfterUnanswered: true,
    })
  })

  test('a denial says until when, and the moment it speaks of is there then', () => {
    const limits = { ...pge, perHour: 2 }
    const { ledger, clockMs } = used(emptyLedger, 2, limits)
    const { answer } = acquire(ledger, ask('a', limits), clockMs)
    if (!('deniedUntilMs' in answer)) throw new Error('it was admitted')
    expect(answer).toMatchObject({ reason: 'hour' })
    expect(acquire(ledger, ask('a', limits), answer.deniedUntilMs).answer).toHaveProperty('askAgainAtMs')
    const later = acquire(ledger, ask('a', limits), nowMs + hour - 300).answer
    expect(admitted(later).sendAtMs).toBe(nowMs + hour)
    expect(admitted(acquire(ledger, ask('b', limits), clockMs).answer).sendAtMs).toBe(clockMs + 1_000)
  })

  test('a penalty holds for every client, and has an end', () => {
    const told = { requestId: 'gone', arrivedByMs: null, isAnswered: true }
    const waiting = settle(emptyLedger, { ...told, waitUntilMs: nowMs + 5_000 }, nowMs)
    const ledger = settle(waiting, { ...told, waitUntilMs: nowMs + 2_000 }, nowMs)
    expect(acquire(ledger, ask('b'), nowMs).answer).toEqual({ nowMs, askAgainAtMs: nowMs + 4_700 })
    expect(admitted(acquire(ledger, ask('b'), nowMs + 4_700).answer).sendAtMs).toBe(nowMs + 5_000)
    const far = settle(ledger, { ...told, waitUntilMs: nowMs + 1e12 }, nowMs)
    const { answer } = acquire(far, ask('b'), nowMs)
    expect(answer).toMatchObject({ reason: 'asked to wait' })
    expect('deniedUntilMs' in answer && answer.deniedUntilMs - nowMs).toBeLessThan(hour)
  })

  test('a changed limit counts at once', () => {
    const { ledger, clockMs } = used(emptyLedger, 5)
    expect(acquire(ledger, ask('a', { ...pge, perHour: 5 }), clockMs).answer).toMatchObject({ reason: 'hour' })
  })

  test('without a margin turns are moments, and nobody need say what became of them', () => {
    const loose = { ...pge, spacingMs: 20, marginMs: 0 }
    let ledger: QuotaLedger = emptyLedger
    const moments = [0, 1, 2].map(() => {
      const taken = acquire(ledger, ask('a', loose), nowMs)
      ledger = taken.ledger
      expect(taken.answer).toMatchObject({ latestMs: null })
      return admitted(taken.answer).sendAtMs - nowMs
    })
    expect(moments).toEqual([0, 20, 40])
  })

  test('usage tells what was used, by kind; not what was given back', () => {
    let ledger: QuotaLedger = emptyLedger
    for (const [n, kind] of ['token', 'package', 'package', 'package'].entries()) {
      const question = { ...ask('a'), kind }
      const clockMs = nowMs + n * 1_000
      ;({ ledger } = acquire(ledger, question, clockMs))
      const arrivedByMs = n === 3 ? null : clockMs
      ledger = settle(ledger, { requestId: question.requestId, arrivedByMs, isAnswered: true }, clockMs)
    }
    const { startsAtMs } = pacific(nowMs)
    expect(usageOf(ledger, nowMs + 3_000)).toEqual({
      waiting: 0,
      penalisedUntilMs: 0,
      clients: { a: { hour: 3, days: [{ startsAtMs, requests: 3, byKind: { token: 1, package: 2 } }] } },
    })
  })
})
