/** `meterlake pull`: hands a pull to the workers and waits for what comes of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, WorkflowIdConflictPolicy } from '@temporalio/client'
import type { Config } from '../schemas/config.ts'
import { messageNames, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { PullInput, PullOutcome, PullProgress, PullTarget } from '../schemas/pull.ts'
import type { Format } from './command-context.ts'
import { exitCodes } from './report-error.ts'
import { configuredClient } from './configured-client.ts'
import { connectRunning } from './running-temporal.ts'
import { listenForStop, untilStopped } from './stop-signal.ts'

export interface PullOptions {
  readonly format: Format
  /** Return once the pull is handed over. */
  readonly detach: boolean
  readonly notifyWithinMs: number
  readonly asks: number
}

const pollMs = 1_000

/** Starts the pull, or joins the one that asks for the same; Ctrl-C leaves it running. Answers the exit code. */
export async function runPull(config: Config, target: PullTarget, options: PullOptions): Promise<number> {
  const { clientAlias } = configuredClient(config)
  await using temporal = await connectRunning(config)
  const { client } = temporal
  const { asks, notifyWithinMs } = options
  const input: PullInput = { ...target, clientAlias, reason: 'pull', asks, notifyWithinMs }
  const workflowId = workflowIds.pull(clientAlias, target)
  const handle = await client.workflow.start(workflowNames.pullFeed, {
    workflowId,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    taskQueue: taskQueues.orchestrate,
    args: [input],
  })
  console.error(`pull ${workflowId} is under way; it goes on if this command ends`)
  if (options.detach) return exitCodes.done
  using stop = listenForStop(() => console.error('stopped watching; the pull goes on'))
  const watching = new AbortController()
  const watched = tellProgress(client, workflowId, watching.signal)
  try {
    const outcome = (await untilStopped(handle.result(), stop.signal)) as PullOutcome
    printOutcome(outcome, target, options.format)
    return exitCodeOf(outcome)
  } finally {
    watching.abort()
    await watched
  }
}

async function tellProgress(client: Client, workflowId: string, signal: AbortSignal): Promise<void> {
  let said = ''
  while (!signal.aborted) {
    const progress = await client.workflow
      .getHandle(workflowId)
      .query<PullProgress>(messageNames.progress)
      .catch(() => undefined)
    if (progress !== undefined && !signal.aborted) {
      const { step, asked, windowsLeft } = progress
      const line = `${step}: ${asked} asked${windowsLeft > 0 ? `, ${windowsLeft} windows left` : ''}`
      if (line !== said) console.error(line)
      said = line
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

const said: Readonly<Record<PullOutcome['status'], string>> = {
  answered: 'answered',
  no_data: 'the utility has no data for this range (204); recorded',
  not_entitled: 'not entitled: the utility does not give demand-response enrolment to this client; recorded',
  partial: 'answered in part',
  failed: 'failed',
}

function printOutcome(outcome: PullOutcome, { feed }: PullTarget, format: Format): void {
  if (format !== 'table') {
    console.log(JSON.stringify(outcome, null, format === 'json' ? 2 : 0))
    return
  }
  const { status, asked, answered, loaded, code, message } = outcome
  const counts = answered > 0 ? `: ${answered} windows answered, ${loaded} files in the lake, ${asked} requests` : ''
  console.log(`${feed}: ${said[status]}${counts}`)
  if (message !== null) console.log(code === null ? message : `${message} (${code})`)
}

/** `not_entitled` and `no_data` are answers: 0; an answer of which files are not in the lake is incomplete. */
const exitCodeOf = ({ status, message }: PullOutcome): number =>
  status === 'failed' ? exitCodes.failed : message === null ? exitCodes.done : exitCodes.incomplete
