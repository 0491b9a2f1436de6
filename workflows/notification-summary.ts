/** From the outcomes of its URLs to the outcome of a notification and its row in ops.notification. */
import type {
  AnnouncedFile,
  NotificationOutcome,
  NotificationPage,
  NotificationRecord,
  ReceivedNotification,
  ResourceOutcome,
} from '../schemas/ingest.ts'

/** `failed` if nothing came of it, `partial` if some of it failed, was refused or is still being prepared, else what the plan said. */
export function summarise(
  received: ReceivedNotification,
  page: Pick<NotificationPage, 'status' | 'refused' | 'message' | 'total'>,
  outcomes: readonly ResourceOutcome[],
): { readonly outcome: NotificationOutcome; readonly record: NotificationRecord } {
  const failures = outcomes.filter((outcome) => outcome.status === 'failed')
  const late = outcomes.filter((outcome) => outcome.status === 'not_ready' && outcome.waits === true).length
  const status = statusOf(page, outcomes.length, failures.length, late)
  const codes = [...new Set(failures.map(({ code }) => code))].join(', ')
  const reasons = [
    page.message,
    failures.length === 0 ? null : `${failures.length} failed: ${codes}`,
    late === 0 ? null : `${late} still being prepared`,
  ]
  const message = reasons.filter((text) => text !== null).join('; ')
  return {
    outcome: { status, resources: outcomes },
    record: {
      notificationId: received.notificationId,
      receivedAt: received.receivedAt,
      status,
      resources: page.total + page.refused,
      refused: page.refused,
      loaded: outcomes.filter(({ status: its }) => isInLake(its)).length,
      message: message === '' ? null : message,
    },
  }
}

/** What those who wait for an answer are told of one file. */
export const announced = (outcome: ResourceOutcome, feed: AnnouncedFile['feed']): AnnouncedFile => ({
  feed,
  status: outcome.status,
  sha256: 'sha256' in outcome ? outcome.sha256 : null,
})

const isInLake = (status: ResourceOutcome['status']): boolean =>
  status === 'loaded' || status === 'quarantined' || status === 'archived' || status === 'known'

function statusOf(
  page: Pick<NotificationPage, 'status' | 'refused'>,
  total: number,
  failed: number,
  late: number,
): NotificationOutcome['status'] {
  if (page.status !== 'ingest') return page.status
  if (total > 0 && failed === total) return 'failed'
  return failed + late > 0 || page.refused > 0 ? 'partial' : 'ingested'
}
