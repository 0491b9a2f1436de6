import type { NotificationRecord } from '../schemas/ingest.ts'
import type { Deps } from './deps.ts'

/** Stages the row of ops.notification; the next publish commits it. */
export const recordNotification =
  (deps: Deps) =>
  async (record: NotificationRecord): Promise<void> =>
    deps.lake.stageNotification(record)
