/** Packages that failed and wait for an operator: which they are, and an operator's order to one of them. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { MeterlakeError } from '../schemas/errors.ts'
import type { IngestProgress } from '../schemas/ingest.ts'
import { messageNames, parkedStatus, workflowNames } from '../schemas/orchestration.ts'

export interface ParkedPackage {
  readonly workflowId: string
  readonly feed: string
  /** The error that parked it; null where no worker runs that could tell. */
  readonly code: string | null
  readonly since: Date
  /** Until when the custodian keeps it. */
  readonly deadlineAt: Date | null
}

/** Oldest first. Asks each of its error where `withCodes`, which needs a worker that runs. */
export async function readOperatorWork(client: Client, withCodes = true): Promise<readonly ParkedPackage[]> {
  const query = `WorkflowType = '${workflowNames.ingestResource}' AND ExecutionStatus = 'Running' AND MeterlakeStatus = '${parkedStatus}'`
  const found: ParkedPackage[] = []
  for await (const { workflowId, startTime, typedSearchAttributes } of client.workflow.list({ query })) {
    const values = new Map(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))
    const deadlineAt = values.get('MeterlakeDeadline')
    found.push({
      workflowId,
      feed: String(values.get('MeterlakeFeed') ?? ''),
      code: withCodes ? await codeOf(client, workflowId) : null,
      since: startTime,
      deadlineAt: deadlineAt instanceof Date ? deadlineAt : null,
    })
  }
  return found.sort((a, b) => Number(a.since) - Number(b.since))
}

async function codeOf(client: Client, workflowId: string): Promise<string | null> {
  const progress = client.workflow.getHandle(workflowId).query<IngestProgress>(messageNames.progress)
  return progress.then(
    ({ code }) => code ?? null,
    () => null,
  )
}

/** Has one tried at once, or gives it up. Throws USAGE where no run of that id is under way. */
export async function orderParked(client: Client, order: 'retry' | 'abandon', workflowId: string): Promise<void> {
  const name = order === 'retry' ? messageNames.retryNow : messageNames.abandon
  try {
    await client.workflow.getHandle(workflowId).executeUpdate(name)
  } catch (cause) {
    if (!(cause instanceof WorkflowNotFoundError)) throw cause
    throw new MeterlakeError(
      'USAGE',
      `no package ${workflowId} is under way: see meterlake loads parked`,
      {},
      { cause },
    )
  }
}
