/**
 * The custodian's limits as arithmetic: which moment a request may have. Pure; time comes in as numbers, days as their bounds, so
 * that no clock and no zone database is asked in a workflow.
 *
 * One turn is open at a time. The next is counted from when its request has arrived for certain: when it was answered, or a margin after
 * it was sent. So nothing that delays a sender, the way or the custodian brings two requests closer than the limit, and what the
 * sender says arrives long before the next moment. A turn that nobody settles counts as used at the last instant it could be.
 */
import type {
  AcquireAnswer,
  AcquireInput,
  ClientLedger,
  DenialReason,
  OpenTurn,
  QuotaLedger,
  QuotaLimits,
  QuotaUsage,
  SettleInput,
} from '../schemas/quota.ts'
import { afterDay, startsOfDays, withoutRequest, withRequest } from './quota-days.ts'

export const emptyLedger: QuotaLedger = {
  arrivedByMs: 0,
  isAnswered: true,
  open: null,
  waiting: [],
  penalisedUntilMs: 0,
  clients: {},
}

/** A sender may be late by so much; later it has to ask anew. Costs time only where a sender dies with its turn. */
const latenessMs = 500

/** After so long most requests are answered, and the answer is known here. */
const usuallySettledMs = 150
const askAgainAfterMs = 80

/** Who would wait longer is sent away until shortly before. */
const longestWaitMs = 10_000

/** A moment that an hour, a day or a penalty moves further than this beyond the spacing is not given yet: another client may have an earlier one. */
const aheadMs = 300

/** Who did not ask again so long after he was to is gone. */
const goneAfterMs = 600

/** What is past is kept so long beyond its use, against a server's clock that is set back. */
const keepMs = 60_000

/** No wait that a custodian asks for is longer: a clock gone wrong must not park a package beyond its five days. */
const longestPenaltyMs = 3_600_000

const newClient: ClientLedger = { hour: [], hourMs: 0, days: [] }

interface Answered {
  readonly ledger: QuotaLedger
  readonly answer: AcquireAnswer
}

/** The answer to one request, and the ledger with it. */
export function acquire(before: QuotaLedger, ask: AcquireInput, nowMs: number): Answered {
  const ledger = withoutGone(before, nowMs)
  const { open } = ledger
  if (open?.requestId === ask.requestId) return { ledger, answer: granted(open, ledger, nowMs) }
  if (open !== null) return comeAgain(ledger, ask, open.sendAtMs + usuallySettledMs, 'too many wait', nowMs)
  const spacedMs = Math.max(nowMs + ask.leadMs, ledger.arrivedByMs + ask.limits.spacingMs)
  const [first] = ahead(ledger, ask.requestId)
  if (first !== undefined && first < spacedMs) return comeAgain(ledger, ask, first, 'too many wait', nowMs)
  const { moment, reason } = earliest(ledger, ask, spacedMs)
  if (moment > spacedMs + aheadMs) return comeAgain(ledger, ask, moment - aheadMs, reason, nowMs)
  const turn = openTurn(ledger, ask, moment)
  const next = enter(ledger, ask, turn, nowMs)
  const answer = granted(turn, ledger, nowMs)
  if (ask.limits.marginMs > 0) return { ledger: { ...next, open: turn }, answer }
  return { ledger: { ...next, arrivedByMs: moment, isAnswered: true }, answer: { ...answer, latestMs: null } }
}

/** What became of a turn; one that is over already changes nothing but the penalty. */
export function settle(ledger: QuotaLedger, told: SettleInput, nowMs: number): QuotaLedger {
  const { requestId, arrivedByMs, isAnswered, waitUntilMs } = told
  const { open } = ledger
  const settled =
    open?.requestId !== requestId
      ? ledger
      : arrivedByMs === null
        ? givenBack(ledger, open)
        : arrived(ledger, open, Math.min(arrivedByMs, nowMs + open.marginMs), isAnswered)
  return waitUntilMs === undefined ? settled : penalised(settled, waitUntilMs, nowMs)
}

export function usageOf({ waiting, penalisedUntilMs, clients }: QuotaLedger, nowMs: number): QuotaUsage {
  return {
    waiting: waiting.filter(({ askAtMs }) => askAtMs > nowMs - goneAfterMs).length,
    penalisedUntilMs,
    clients: Object.fromEntries(
      Object.entries(clients).map(([client, { hour, hourMs, days }]) => [
        client,
        { hour: hour.filter((arrival) => arrival > nowMs - hourMs).length, days },
      ]),
    ),
  }
}

/** From now on nobody gets a moment before `untilMs`, an hour ahead at most; the latest such wish counts. */
function penalised(ledger: QuotaLedger, untilMs: number, nowMs: number): QuotaLedger {
  const bounded = Math.min(untilMs, nowMs + longestPenaltyMs)
  return { ...ledger, penalisedUntilMs: Math.max(ledger.penalisedUntilMs, bounded) }
}

function earliest(
  { penalisedUntilMs, clients }: QuotaLedger,
  { client, limits, day }: AcquireInput,
  spacedMs: number,
): { readonly moment: number; readonly reason: DenialReason } {
  const { hour, days } = clients[client] ?? newClient
  const allowed = Math.max(spacedMs, penalisedUntilMs)
  const inHour = Math.max(allowed, afterHour(hour, limits))
  const inDay = afterDay(days, inHour, limits.perDay, day)
  return { moment: inDay, reason: inDay > inHour ? 'day' : inHour > allowed ? 'hour' : 'asked to wait' }
}

/** When the oldest of a full hour is an hour ago. */
function afterHour(hour: readonly number[], { perHour, hourMs }: QuotaLimits): number {
  const oldest = hour.at(-perHour)
  return hour.length < perHour || oldest === undefined ? 0 : oldest + hourMs
}

/** When those ask again who come before this one, ascending. */
function ahead({ waiting }: QuotaLedger, requestId: string): number[] {
  const place = waiting.find((other) => other.requestId === requestId)?.askAtMs ?? Number.POSITIVE_INFINITY
  return waiting
    .map(({ askAtMs }) => askAtMs)
    .filter((askAtMs) => askAtMs < place)
    .toSorted((a, b) => a - b)
}

/** Where no other comes, a turn after those before; who comes again keeps his place. */
function comeAgain(
  ledger: QuotaLedger,
  { requestId, limits }: AcquireInput,
  fromMs: number,
  reason: DenialReason,
  nowMs: number,
): Answered {
  const others = ledger.waiting.filter((other) => other.requestId !== requestId)
  let askAtMs = Math.max(nowMs + askAgainAfterMs, fromMs)
  for (const other of ahead(ledger, requestId)) {
    if (other >= askAtMs + limits.spacingMs) break
    askAtMs += limits.spacingMs
  }
  if (askAtMs - nowMs > longestWaitMs) {
    const deniedUntilMs = Math.max(nowMs + limits.spacingMs, askAtMs - limits.spacingMs)
    return { ledger: { ...ledger, waiting: others }, answer: { nowMs, deniedUntilMs, reason } }
  }
  return {
    ledger: { ...ledger, waiting: [...others, { requestId, askAtMs }] },
    answer: { nowMs, askAgainAtMs: askAtMs },
  }
}

/** Without turns that are over and those who wait no longer. */
function withoutGone(ledger: QuotaLedger, nowMs: number): QuotaLedger {
  const { open } = ledger
  const lastArrivalMs = open === null ? 0 : open.latestMs + open.marginMs
  return {
    ...(open !== null && nowMs > lastArrivalMs ? arrived(ledger, open, lastArrivalMs, false) : ledger),
    waiting: ledger.waiting.filter(({ askAtMs }) => askAtMs > nowMs - goneAfterMs),
  }
}

const granted = ({ sendAtMs, latestMs }: OpenTurn, { isAnswered }: QuotaLedger, nowMs: number) => ({
  nowMs,
  sendAtMs,
  latestMs,
  isAfterUnanswered: !isAnswered,
})

const openTurn = ({ clients }: QuotaLedger, ask: AcquireInput, sendAtMs: number): OpenTurn => ({
  requestId: ask.requestId,
  client: ask.client,
  kind: ask.kind,
  sendAtMs,
  latestMs: sendAtMs + latenessMs,
  marginMs: ask.limits.marginMs,
  days: startsOfDays(sendAtMs, sendAtMs + latenessMs, clients[ask.client]?.days ?? [], ask.day),
})

function enter(ledger: QuotaLedger, { limits, day }: AcquireInput, turn: OpenTurn, nowMs: number): QuotaLedger {
  const { hour, days } = ledger.clients[turn.client] ?? newClient
  const oldest = nowMs - limits.hourMs - keepMs
  return {
    ...ledger,
    waiting: ledger.waiting.filter(({ requestId }) => requestId !== turn.requestId),
    clients: {
      ...ledger.clients,
      [turn.client]: {
        hour: [...hour.filter((arrival) => arrival > oldest), turn.sendAtMs],
        hourMs: limits.hourMs,
        days: turn.days
          .reduce((all, start) => withRequest(all, start, turn.kind), days)
          .filter(({ startsAtMs }) => startsAtMs > day.startsAtMs - 2 * 86_400_000),
      },
    },
  }
}

function arrived(ledger: QuotaLedger, open: OpenTurn, atMs: number, isAnswered: boolean): QuotaLedger {
  const arrivedByMs = Math.max(open.sendAtMs, atMs)
  const { clients } = ledger
  const client = clients[open.client] ?? newClient
  return {
    ...ledger,
    arrivedByMs,
    isAnswered,
    open: null,
    clients: { ...clients, [open.client]: { ...client, hour: [...client.hour.slice(0, -1), arrivedByMs] } },
  }
}

function givenBack(ledger: QuotaLedger, { client: name, kind, days }: OpenTurn): QuotaLedger {
  const { clients } = ledger
  const client = clients[name] ?? newClient
  const without = {
    ...client,
    hour: client.hour.slice(0, -1),
    days: days.reduce((all, start) => withoutRequest(all, start, kind), client.days),
  }
  return { ...ledger, open: null, clients: { ...clients, [name]: without } }
}
