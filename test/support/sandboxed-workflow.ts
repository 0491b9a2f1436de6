/**
 * One workflow in the SDK's own sandbox without a server, at a time the test sets. It uses internals of the SDK (pinned exactly), as the
 * SDK's own tests do.
 */
import { defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common'
import { msToTs } from '@temporalio/common/lib/time.js'
import { coresdk } from '@temporalio/proto'
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js'
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js'
import { createUnsafeRandomSource } from '@temporalio/workflow/lib/random-helpers.js'

export const fromPayload = (payload: unknown): unknown => defaultPayloadConverter.fromPayload(payload as never)
export const toPayload = (value: unknown) => defaultPayloadConverter.toPayload(value)

export type Job = coresdk.workflow_activation.IWorkflowActivationJob
export type Command = coresdk.workflow_commands.IWorkflowCommand

export interface SandboxOptions {
  /** The bundle. */
  readonly code: string
  readonly workflowType: string
  readonly workflowId: string
  /** Names of the activities it may call. */
  readonly activities: readonly string[]
  readonly startMs: number
  /** Asked from the first activation on. */
  readonly now: () => number
}

export interface SandboxedWorkflow extends AsyncDisposable {
  /** One activation with these jobs; answers the commands of the workflow. Throws where the workflow task fails. */
  activate(
    jobs: readonly Job[],
    suggestions?: { readonly continueAsNewSuggested: boolean },
  ): Promise<readonly Command[]>
  /** The job that starts it. */
  readonly initialized: (input: unknown) => Job
}

export async function openSandboxedWorkflow(options: SandboxOptions): Promise<SandboxedWorkflow> {
  const { code, workflowType, workflowId, activities, startMs, now } = options
  const creator = await ReusableVMWorkflowCreator.create(parseWorkflowCode(code), 5_000, new Set(activities))
  const runId = `run-${Math.random()}`
  const start = new Date(startMs)
  const workflow = await creator.createWorkflow({
    info: {
      workflowType,
      runId,
      workflowId,
      namespace: 'default',
      firstExecutionRunId: runId,
      attempt: 1,
      taskTimeoutMs: 10_000,
      taskQueue: 'meterlake',
      searchAttributes: {},
      typedSearchAttributes: new TypedSearchAttributes(),
      historyLength: 3,
      historySize: 300,
      continueAsNewSuggested: false,
      targetWorkerDeploymentVersionChanged: false,
      startTime: start,
      runStartTime: start,
      unsafe: {
        isReplaying: false,
        isReplayingHistoryEvents: false,
        now,
        random: createUnsafeRandomSource(Math.random),
      },
    },
    randomnessSeed: [1, 3, 3, 7, 0, 0, 0, 0],
    now: startMs,
    showStackTraceSources: false,
  } as never)
  return {
    initialized: (input) => ({ initializeWorkflow: { workflowId, workflowType, arguments: [toPayload(input)] } }),
    async activate(jobs, suggestions = { continueAsNewSuggested: false }) {
      const activation = { runId, timestamp: msToTs(now()), jobs: [...jobs], historyLength: 3, ...suggestions }
      const { successful, failed } = await workflow.activate(
        coresdk.workflow_activation.WorkflowActivation.fromObject(activation),
      )
      if (failed) throw new Error(failed.failure?.message ?? 'the workflow task failed')
      return successful?.commands ?? []
    },
    async [Symbol.asyncDispose]() {
      await workflow.dispose()
      await creator.destroy()
    },
  }
}
