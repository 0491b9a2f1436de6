import type { RequestRecord } from '../schemas/pull.ts'
import type { Deps } from './deps.ts'

/** Stages how a request stands, for ops.request; the next publish commits it. */
export const recordRequest =
  (deps: Deps) =>
  async (record: RequestRecord): Promise<void> =>
    deps.lake.stageRequest(record)
