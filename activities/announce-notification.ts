/** Tells those who wait for an answer what a notification brought. */
import { getClient } from '@temporalio/activity'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { AnnouncedFile } from '../schemas/ingest.ts'
import { messageNames, workflowIds } from '../schemas/orchestration.ts'
import type { ArrivedFile, NotificationArrival } from '../schemas/pull.ts'
import { loadIdOf } from '../warehouse/paths.ts'
import type { Deps } from './deps.ts'

/** A signal is small; no request is answered by more files. */
const filesTold = 500

/** After the ingest of a notification: its files, with the days of their readings. Nobody waiting is no error. */
export const announceNotification =
  (deps: Deps) =>
  async (notification: {
    readonly notificationId: string
    readonly receivedAt: string
    readonly files: readonly AnnouncedFile[]
  }): Promise<void> => {
    const { notificationId, receivedAt } = notification
    const told = notification.files.slice(0, filesTold)
    const handle = getClient().workflow.getHandle(workflowIds.outstandingRequests(deps.clientAlias))
    try {
      const days = await deps.lake.loadDays(told.flatMap(({ sha256 }) => (sha256 === null ? [] : [loadIdOf(sha256)])))
      const files = told.flatMap(({ feed, status, sha256 }): ArrivedFile[] =>
        feed === 'authorization'
          ? []
          : [{ feed, status, days: (sha256 === null ? undefined : days.get(loadIdOf(sha256))) ?? null }],
      )
      await handle.signal<[NotificationArrival]>(messageNames.arrived, { notificationId, receivedAt, files })
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
    }
  }
