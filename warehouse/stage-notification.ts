/** A row of ops.notification on its way to the next commit. */
import type { NotificationRecord } from '../schemas/ingest.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import type { StagedNotification } from '../schemas/stage.ts'
import { formatPath, notificationStageId } from './paths.ts'
import { openRoots } from './storage.ts'

/** Stages a notification, once however often it is asked: the first record of one receipt stands. Raises LAKE_NOT_WRITABLE, LAKE_DISK_FULL. */
export async function stageNotification(roots: LakeRoots, record: NotificationRecord): Promise<void> {
  const { notificationId, receivedAt, status, resources, refused, loaded, message } = record
  const stage: StagedNotification = {
    stage: 'notification',
    format: 1,
    notificationId,
    receivedAt,
    status,
    resources,
    refused,
    loaded,
    message,
  }
  const id = notificationStageId(notificationId, receivedAt)
  await openRoots(roots).lake.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify(stage))
}
