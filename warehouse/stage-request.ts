/** A row of ops.request on its way to the next commit. */
import type { LakeRoots } from '../schemas/load-process.ts'
import type { RequestRecord } from '../schemas/pull.ts'
import type { StagedRequest } from '../schemas/stage.ts'
import { formatPath, requestStageId } from './paths.ts'
import { openRoots } from './storage.ts'

/** Stages how a request stands, once a status however often it is asked. Raises LAKE_NOT_WRITABLE, LAKE_DISK_FULL. */
export async function stageRequest(roots: LakeRoots, record: RequestRecord): Promise<void> {
  const { requestId, status } = record
  const stage: StagedRequest = { stage: 'request', format: 1, ...record }
  const id = requestStageId(requestId, status)
  await openRoots(roots).lake.putIfAbsent(formatPath({ kind: 'stage', id }), JSON.stringify(stage))
}
