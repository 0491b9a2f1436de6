/** Senders around the ledger as events on a clock of their own: delays of every kind, turns that are missed, senders that die. */
import { quotaDayOf } from '../../activities/quota-day.ts'
import type { AcquireInput, QuotaLedger, QuotaLimits } from '../../schemas/quota.ts'
import { createLimitMeter } from '../../sim/limit-meter.ts'
import { acquire, emptyLedger, settle } from '../../workflows/quota-ledger.ts'

export const pacific = (nowMs: number) => quotaDayOf(nowMs, 'America/Los_Angeles', '17:00')

export interface Traffic {
  readonly limits: QuotaLimits
  /** One sender each, which asks for the next turn as soon as it has used one. */
  readonly senders: readonly string[]
  readonly fromMs: number
  readonly untilMs: number
  readonly start?: QuotaLedger
  /** Of a question or its answer. */
  readonly messageMs?: () => number
  /** Of the sender after its moment. */
  readonly lateMs?: () => number
  /** From sending to arrival: below the margin. */
  readonly travelMs?: () => number
  /** From arrival to answer. */
  readonly answerMs?: () => number
  /** Whether a sender dies with its turn: with or without having sent. */
  readonly dies?: () => 'no' | 'before' | 'after'
}

export interface Arrival {
  readonly client: string
  readonly arrival: number
}

export function simulate(traffic: Traffic) {
  const { limits, senders, fromMs, untilMs, dies = () => 'no' } = traffic
  const { messageMs = none, lateMs = none, travelMs = none, answerMs = none } = traffic
  let ledger = traffic.start ?? emptyLedger
  let nowMs = fromMs
  let asked = 0
  const arrivals: Arrival[] = []
  const events: { readonly at: number; readonly happen: () => void }[] = []
  const after = (ms: number, happen: () => void): void => {
    events.push({ at: nowMs + ms, happen })
  }
  let day = pacific(fromMs)
  const today = () => (nowMs < day.endsAtMs ? day : (day = pacific(nowMs)))

  const ask = (client: string, requestId: string): void => {
    const question: AcquireInput = { client, kind: 'package', requestId, leadMs: 0, limits, day: today() }
    after(messageMs(), () => {
      const { ledger: next, answer } = acquire(ledger, question, nowMs)
      ledger = next
      const answeredMs = nowMs
      after(messageMs(), () => {
        if ('sendAtMs' in answer) {
          const waitMs = Math.max(0, answer.sendAtMs - nowMs)
          after(waitMs + lateMs(), () => {
            send(client, requestId, answer.latestMs)
          })
        } else {
          const againMs = 'askAgainAtMs' in answer ? answer.askAgainAtMs : answer.deniedUntilMs
          if (againMs <= answeredMs) throw new Error('asked to come again at once')
          after(Math.max(0, againMs - nowMs), () => {
            ask(client, 'askAgainAtMs' in answer ? requestId : newId())
          })
        }
      })
    })
  }
  const tell = (requestId: string, arrivedByMs: number | null, isAnswered: boolean): void =>
    after(messageMs(), () => {
      ledger = settle(ledger, { requestId, arrivedByMs, isAnswered }, nowMs)
    })
  const send = (client: string, requestId: string, latestMs: number | null): void => {
    const death = dies()
    if (latestMs !== null && nowMs > latestMs) tell(requestId, null, false)
    else if (death !== 'before') {
      const sentMs = nowMs
      const travel = travelMs()
      after(travel, () => arrivals.push({ client, arrival: nowMs }))
      const answeredMs = travel + answerMs()
      if (death === 'no' && latestMs !== null) {
        const certainMs = Math.min(answeredMs, limits.marginMs)
        after(certainMs, () => {
          tell(requestId, sentMs + certainMs, certainMs === answeredMs)
        })
      }
    }
    after(1, () => {
      ask(client, newId())
    })
  }
  const newId = (): string => `r${(asked += 1)}`

  for (const client of senders) ask(client, newId())
  while (nowMs < untilMs) {
    const next = events.reduce((first, event, index) => (event.at < (events[first]?.at ?? Infinity) ? index : first), 0)
    const [event] = events.splice(next, 1)
    if (event === undefined) break
    nowMs = event.at
    event.happen()
  }
  return { arrivals, ledger }
}

const none = (): number => 0

/** What the custodian's own meter says of these arrivals. */
export function violationsOf(arrivals: readonly Arrival[], limits: QuotaLimits, clockAheadMs = 0) {
  const { spacingMs, perHour, hourMs, perDay } = limits
  const meter = createLimitMeter({ spacingMs, perHour, hourMs, perDay })
  for (const { client, arrival } of arrivals.toSorted((a, b) => a.arrival - b.arrival)) {
    meter.arrive(client, arrival + clockAheadMs)
  }
  return meter.counts(Date.parse('2030-01-01T00:00:00Z')).violations
}
