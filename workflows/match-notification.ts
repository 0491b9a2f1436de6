/**
 * Which request a notification answers: pure. The custodian promises no id that ties them (utility.md, Endpoints), so it is judged by what
 * came: the feed, the order in time, and the days of the readings. A notification is ingested by its own workflow whatever is decided here;
 * a wrong guess costs a request too many or one report too early, never data.
 */
import { addDays, dayCount } from '../schemas/calendar-day.ts'
import type { ArrivedFile, NotificationArrival, OutstandingRequest, RequestArrival } from '../schemas/pull.ts'

/** Clocks of webhook and worker may differ so much. */
const clockSkewMs = 60_000

/**
 * What of `arrival` answers which of the outstanding requests. One notification may answer several (it may group files), one
 * request is answered by one notification: further files of it that come by themselves match nothing.
 *
 * - Only a request of the same feed that was asked before the notification came.
 * - Readings are known by their days: the shortest `published` window that holds them all, else an `updated` one that ends no earlier
 *   (corrections reach back for years). Of equal windows the one asked first. Where no window holds them, they answer none: a daily package.
 * - A file without known days (customers, bills alone, failed, none) goes with its siblings of the same feed, else to the one asked first.
 * - A file that is still being prepared, or an Authorization, answers none.
 */
export function matchNotification(
  outstanding: readonly OutstandingRequest[],
  arrival: NotificationArrival,
): readonly RequestArrival[] {
  const receivedMs = Date.parse(arrival.receivedAt)
  const candidates = outstanding
    .filter(({ askedAt }) => Date.parse(askedAt) <= receivedMs + clockSkewMs)
    .sort((a, b) => Date.parse(a.askedAt) - Date.parse(b.askedAt))
  const answers = new Map<OutstandingRequest, ArrivedFile[]>()
  const give = (request: OutstandingRequest | undefined, file: ArrivedFile): void => {
    if (request !== undefined) answers.set(request, [...(answers.get(request) ?? []), file])
  }
  const files = arrival.files.filter(({ status }) => status !== 'not_ready' && status !== 'noted')
  for (const file of files) if (file.days !== null) give(holderOf(candidates, file), file)
  for (const file of files) {
    if (file.days !== null) continue
    const ofFeed = ({ feed }: OutstandingRequest) => feed === file.feed
    // Siblings with days that answered nothing: this is a daily package, and so is the rest of it.
    const isDaily = files.some(({ feed, days }) => feed === file.feed && days !== null)
    give([...answers.keys()].find(ofFeed) ?? (isDaily ? undefined : candidates.find(ofFeed)), file)
  }
  return [...answers].map(([{ requestId }, its]) => ({
    requestId,
    notificationId: arrival.notificationId,
    resources: its.length,
    loaded: its.filter(({ status }) => isInLake(status)).length,
    failed: its.filter(({ status }) => status === 'failed').length,
  }))
}

const isInLake = (status: ArrivedFile['status']): boolean =>
  status === 'loaded' || status === 'quarantined' || status === 'archived' || status === 'known'

/** The request whose window holds the days of a file best; candidates are in the order they were asked. */
function holderOf(
  candidates: readonly OutstandingRequest[],
  { feed, days }: ArrivedFile,
): OutstandingRequest | undefined {
  const holding = candidates.filter(({ feed: asked, by, window }) => {
    if (asked !== feed || window === null || days === null) return false
    // The maximum is inclusive, and gas days begin a second late: a day more may come.
    const endsInside = days.to <= addDays(window.to, 1)
    return endsInside && (by === 'updated' || days.from >= addDays(window.from, -1))
  })
  return holding.reduce<OutstandingRequest | undefined>(
    (best, request) => (best === undefined || length(request) < length(best) ? request : best),
    undefined,
  )
}

/** Windows of readings before windows of changes, short before long. */
const length = ({ by, window }: OutstandingRequest): number =>
  window === null ? Number.POSITIVE_INFINITY : dayCount(window) + (by === 'updated' ? 100_000 : 0)
