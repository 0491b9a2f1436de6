/** The ledger against an independent count of what arrives: the simulated custodian's own meter. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quotaDayOf } from '../../activities/quota-day.ts'
import type { AcquireInput, QuotaLedger, QuotaLimits } from '../../schemas/quota.ts'
import { createLimitMeter } from '../../sim/limit-meter.ts'
import { emptyLedger, penalise, reserve, usageOf } from '../../workflows/quota-ledger.ts'

const pge: QuotaLimits = { spacingMs: 1_000, marginMs: 50, perHour: 2_000, hourMs: 3_600_000, perDay: 20_000 }
const pacific = (nowMs: number) => quotaDayOf(nowMs, 'America/Los_Angeles', '17:00')

let asked = 0
const ask = (nowMs: number, client: string, limits: QuotaLimits, day = pacific(nowMs)): AcquireInput => {
  asked += 1
  return { client, kind: 'package', requestId: `r${asked}`, leadMs: 0, limits, day }
}

/** What came of asking as often as a moment is given, by `callers` that wait for theirs, until `untilMs`. */
function saturate(options: {
  readonly limits: QuotaLimits
  readonly clients: readonly string[]
  readonly fromMs: number
  readonly untilMs: number
  /** Between moment and arrival; under the margin. */
  readonly delay?: () => number
  readonly start?: QuotaLedger
}) {
  const { limits, clients, fromMs, untilMs, delay = () => 0 } = options
  let ledger = options.start ?? emptyLedger
  const moments: { readonly client: string; readonly moment: number; readonly arrival: number }[] = []
  const freeAt = clients.map(() => fromMs)
  let day = pacific(fromMs)
  for (;;) {
    const nowMs = Math.min(...freeAt)
    if (nowMs >= untilMs) break
    if (nowMs >= day.endsAtMs) day = pacific(nowMs)
    const index = freeAt.indexOf(nowMs)
    const client = clients[index] ?? ''
    const { ledger: next, answer } = reserve(ledger, ask(nowMs, client, limits, day), nowMs)
    ledger = next
    if ('sendAtMs' in answer) {
      moments.push({ client, moment: answer.sendAtMs, arrival: answer.sendAtMs + delay() })
      freeAt[index] = answer.sendAtMs + 1
    } else freeAt[index] = answer.deniedUntilMs
    expect(freeAt[index]).toBeGreaterThan(nowMs)
  }
  return { moments, ledger }
}

function judge(moments: ReturnType<typeof saturate>['moments'], limits: QuotaLimits, clockAheadMs = 0) {
  const { spacingMs, perHour, hourMs, perDay } = limits
  const meter = createLimitMeter({ spacingMs, perHour, hourMs, perDay })
  const sorted = moments.toSorted((a, b) => a.arrival - b.arrival)
  for (const { client, arrival } of sorted) meter.arrive(client, arrival + clockAheadMs)
  return meter.counts(Date.parse('2030-01-01T00:00:00Z')).violations
}
const none = { spacing: 0, hour: 0, day: 0 }

const at = (iso: string) => Date.parse(iso)

describe('never more than allowed, hardly less', () => {
  test('one a second over two clients, an hour long', () => {
    const fromMs = at('2026-11-22T10:00:00Z')
    const limits = { ...pge, perHour: 100_000 }
    const { moments } = saturate({ limits, clients: ['a', 'b', 'b'], fromMs, untilMs: fromMs + 3_600_000 })
    expect(judge(moments, limits)).toEqual(none)
    expect(moments.length).toBeGreaterThanOrEqual(3_600 * 0.95)
    expect(new Set(moments.map(({ client }) => client))).toEqual(new Set(['a', 'b']))
  })

  test('2,000 an hour, four hours long', () => {
    const fromMs = at('2026-11-22T10:00:00Z')
    const { moments } = saturate({ limits: pge, clients: ['a', 'a', 'a'], fromMs, untilMs: fromMs + 4 * 3_600_000 })
    expect(judge(moments, pge)).toEqual(none)
    expect(moments.length).toBeGreaterThanOrEqual(8_000 * 0.95)
  })

  test.each([
    ['summer', '2026-07-05', 3, '2026-07-07T00:00:00Z'],
    ['the day the clock goes forward', '2026-03-07', 3, '2026-03-09T00:00:00Z'],
    ['the day the clock goes back', '2026-10-31', 3, '2026-11-02T01:00:00Z'],
  ])('20,000 a day from 17:00 Pacific: %s', (_, date, days, lastBound) => {
    const limits = { ...pge, perHour: 60_000, perDay: 2_000 }
    const fromMs = at(`${date}T12:00:00Z`)
    const untilMs = at(lastBound) + 45 * 60_000
    const { moments } = saturate({ limits, clients: ['a', 'a'], fromMs, untilMs })
    for (const clockAheadMs of [-1_900, 0, 1_900]) expect(judge(moments, limits, clockAheadMs)).toEqual(none)
    expect(moments.length).toBeGreaterThanOrEqual(2_000 * days * 0.95)
    // The last day begins where it should, to the second.
    const first = moments.find(({ moment }) => moment >= at(lastBound) - 60_000)
    expect((first?.moment ?? 0) - at(lastBound)).toBeLessThan(10_000)
    expect((first?.moment ?? 0) - at(lastBound)).toBeGreaterThanOrEqual(0)
  })

  test('any limits, any crowd, any delay under the margin, any clock within two seconds', () => {
    fc.assert(
      fc.property(
        fc.record({
          spacingMs: fc.integer({ min: 1, max: 2_000 }),
          marginMs: fc.integer({ min: 0, max: 200 }),
          perHour: fc.integer({ min: 1, max: 40 }),
          hourMs: fc.integer({ min: 1_000, max: 60_000 }),
          perDay: fc.integer({ min: 1, max: 200 }),
        }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -120_000, max: 10_000 }),
        fc.integer({ min: -2_000, max: 1_999 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (limits, clients, offset, clockAheadMs, chance) => {
          const fromMs = at('2026-11-22T01:00:00Z') + offset
          const delay = () => Math.floor((chance.next().value ?? 0) * limits.marginMs)
          const { moments, ledger } = saturate({ limits, clients, fromMs, untilMs: fromMs + 90_000, delay })
          // An arrival on the margin's last millisecond may be in the next day.
          const skew = Math.min(clockAheadMs, 1_999 - limits.marginMs)
          expect(judge(moments, limits, skew)).toEqual(none)
          expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger)
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('answers', () => {
  const nowMs = at('2026-11-22T10:00:00Z')

  test('the same request id has the same moment, others another', () => {
    const one = ask(nowMs, 'a', pge)
    const first = reserve(emptyLedger, one, nowMs)
    expect(first.answer).toEqual({ nowMs, waitMs: 0, sendAtMs: nowMs })
    const again = reserve(first.ledger, one, nowMs + 400)
    expect(again.answer).toEqual({ nowMs: nowMs + 400, waitMs: 0, sendAtMs: nowMs })
    expect(again.ledger).toBe(first.ledger)
    expect(reserve(again.ledger, ask(nowMs, 'b', pge), nowMs).answer).toMatchObject({ waitMs: 1_050 })
  })

  test('a denial says until when, and the moment it speaks of is there then', () => {
    const limits = { ...pge, perHour: 2 }
    let ledger = emptyLedger
    for (let n = 0; n < 2; n += 1) ({ ledger } = reserve(ledger, ask(nowMs, 'a', limits), nowMs))
    const { answer } = reserve(ledger, ask(nowMs, 'a', limits), nowMs)
    if (!('deniedUntilMs' in answer)) throw new Error('it was admitted')
    expect(answer).toMatchObject({ reason: 'hour' })
    const later = reserve(ledger, ask(answer.deniedUntilMs, 'a', limits), answer.deniedUntilMs).answer
    expect(later).toMatchObject({ sendAtMs: nowMs + 3_600_050 })
    expect(reserve(ledger, ask(nowMs, 'b', limits), nowMs).answer).toMatchObject({ waitMs: 2_100 })
  })

  test('a penalty holds for every client, takes moments back, and has an end', () => {
    const one = ask(nowMs, 'a', pge)
    const two = ask(nowMs, 'a', pge)
    let { ledger } = reserve(emptyLedger, one, nowMs)
    ledger = reserve(ledger, two, nowMs).ledger
    ledger = penalise(penalise(ledger, nowMs + 20_000, nowMs), nowMs + 5_000, nowMs)
    expect(reserve(ledger, ask(nowMs, 'b', pge), nowMs).answer).toMatchObject({ sendAtMs: nowMs + 20_000 })
    // Told again that its moment is in the penalty:
    expect(reserve(ledger, two, nowMs).answer).toMatchObject({ sendAtMs: nowMs + 20_000 })
    expect(reserve(ledger, one, nowMs).answer).toMatchObject({ sendAtMs: nowMs })
    const far = penalise(ledger, nowMs + 1e12, nowMs)
    const { answer } = reserve(far, ask(nowMs, 'b', pge), nowMs)
    expect(answer).toMatchObject({ reason: 'asked to wait' })
    expect('deniedUntilMs' in answer && answer.deniedUntilMs - nowMs).toBeLessThan(3_600_000)
  })

  test('a changed limit counts at once', () => {
    let ledger = emptyLedger
    for (let n = 0; n < 5; n += 1) ({ ledger } = reserve(ledger, ask(nowMs, 'a', pge), nowMs))
    expect(reserve(ledger, ask(nowMs, 'a', { ...pge, perHour: 5 }), nowMs).answer).toMatchObject({ reason: 'hour' })
  })

  test('usage tells what was used, by kind', () => {
    let ledger = emptyLedger
    for (const kind of ['token', 'package', 'package']) {
      ;({ ledger } = reserve(ledger, { ...ask(nowMs, 'a', pge), kind }, nowMs))
    }
    const { startsAtMs } = pacific(nowMs)
    expect(usageOf(ledger, nowMs + 1_060)).toEqual({
      waiting: 1,
      penalisedUntilMs: 0,
      clients: { a: { hour: 2, days: [{ startsAtMs, requests: 3, byKind: { token: 1, package: 2 } }] } },
    })
  })

  test('a full hour of both clients is small enough to carry on', () => {
    const untilMs = nowMs + 4_300_000
    const { ledger } = saturate({ limits: pge, clients: ['a', 'b'], fromMs: nowMs, untilMs })
    expect(ledger.clients['a']?.hour.length).toBeGreaterThan(1_700)
    expect(JSON.stringify(ledger).length).toBeLessThan(100_000)
  })
})

const hours = (ms: number) => ms / 3_600_000

describe('days of the custodian', () => {
  test.each([
    ['2026-03-07T20:00:00Z', '2026-03-07T01:00:00Z', 24],
    ['2026-03-08T01:00:00Z', '2026-03-08T01:00:00Z', 23],
    ['2026-03-08T23:59:59Z', '2026-03-08T01:00:00Z', 23],
    ['2026-03-09T00:00:00Z', '2026-03-09T00:00:00Z', 24],
    ['2026-11-01T08:59:00Z', '2026-11-01T00:00:00Z', 25],
    ['2026-11-02T01:00:00Z', '2026-11-02T01:00:00Z', 24],
  ])('%s is in the day from %s, of %i hours', (now, start, length) => {
    const { startsAtMs, endsAtMs } = pacific(at(now))
    expect([new Date(startsAtMs).toISOString(), hours(endsAtMs - startsAtMs)]).toEqual([
      new Date(start).toISOString(),
      length,
    ])
  })

  test('a start that the clock leaps over is where the leap ends; one that comes twice is the first', () => {
    const spring = quotaDayOf(at('2026-03-08T15:00:00Z'), 'America/Los_Angeles', '02:30')
    expect(new Date(spring.startsAtMs).toISOString()).toBe('2026-03-08T10:30:00.000Z')
    const autumn = quotaDayOf(at('2026-11-01T15:00:00Z'), 'America/Los_Angeles', '01:30')
    expect(new Date(autumn.startsAtMs).toISOString()).toBe('2026-11-01T08:30:00.000Z')
  })

  test('days follow each other without gap, everywhere', () => {
    const zones = ['America/Los_Angeles', 'UTC', 'Asia/Kolkata', 'Australia/Lord_Howe']
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
        fc.constantFrom(...zones),
        fc.constantFrom('00:00', '02:30', '17:00', '23:59'),
        (now, zone, start) => {
          const day = quotaDayOf(now.getTime(), zone, start)
          expect(day.startsAtMs).toBeLessThanOrEqual(now.getTime())
          expect(day.endsAtMs).toBeGreaterThan(now.getTime())
          expect(quotaDayOf(day.endsAtMs, zone, start).startsAtMs).toBe(day.endsAtMs)
        },
      ),
      { numRuns: 200 },
    )
  })
})
