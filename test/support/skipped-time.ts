/**
 * One entity workflow in the SDK's own sandbox without a server, at a time the test sets: days pass in milliseconds. It uses internals of
 * the SDK (pinned exactly), as the SDK's own tests do.
 */
import { defaultPayloadConverter, TypedSearchAttributes } from '@temporalio/common'
import { msToTs } from '@temporalio/common/lib/time.js'
import { coresdk } from '@temporalio/proto'
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js'
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js'
import { createUnsafeRandomSource } from '@temporalio/workflow/lib/random-helpers.js'

const fromPayload = (payload: unknown): unknown => defaultPayloadConverter.fromPayload(payload as never)
const toPayload = (value: unknown) => defaultPayloadConverter.toPayload(value)

interface Answers extends AsyncDisposable {
  nowMs: number
  /** The answer of an update at `nowMs`; activities it needs are run by `activities`, and end at once. */
  update(name: string, input: unknown): Promise<unknown>
  /** Runs activities that were left for the background. */
  settle(): Promise<void>
}

export interface SkippedTime extends Answers {
  /** What it continued as new with; absent: it still runs. */
  readonly continuedWith: unknown
}

export type FakeActivities = Readonly<Record<string, (nowMs: number) => unknown>>

type Job = coresdk.workflow_activation.IWorkflowActivationJob

/** Starts `workflowType` of the bundle with one argument. Activities run only when an update waits for them, or in `settle`. */
export async function startSkippedTime(options: {
  readonly code: string
  readonly workflowType: string
  readonly input: unknown
  readonly nowMs: number
  readonly activities: FakeActivities
}): Promise<SkippedTime> {
  const { code, workflowType, input, activities } = options
  const creator = await ReusableVMWorkflowCreator.create(
    parseWorkflowCode(code),
    5_000,
    new Set(Object.keys(activities)),
  )
  const runId = `run-${Math.random()}`
  const start = new Date(options.nowMs)
  const workflow = await creator.createWorkflow({
    info: {
      workflowType,
      runId,
      workflowId: 'entity',
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
        now: () => state.nowMs,
        random: createUnsafeRandomSource(Math.random),
      },
    },
    randomnessSeed: [1, 3, 3, 7, 0, 0, 0, 0],
    now: options.nowMs,
    showStackTraceSources: false,
  } as never)
  const pending: { readonly seq: number; readonly type: string }[] = []
  const answers = new Map<string, unknown>()
  let updates = 0

  async function activate(jobs: readonly Job[]): Promise<void> {
    const activation = { runId, timestamp: msToTs(state.nowMs), jobs: [...jobs], historyLength: 3 }
    const { successful, failed } = await workflow.activate(
      coresdk.workflow_activation.WorkflowActivation.fromObject(activation),
    )
    if (failed) throw new Error(failed.failure?.message ?? 'the workflow task failed')
    for (const command of successful?.commands ?? []) {
      const { scheduleActivity, updateResponse, continueAsNewWorkflowExecution } = command
      if (scheduleActivity) {
        pending.push({ seq: scheduleActivity.seq ?? 0, type: scheduleActivity.activityType ?? '' })
      }
      if (updateResponse?.completed) {
        answers.set(updateResponse.protocolInstanceId ?? '', fromPayload(updateResponse.completed))
      }
      if (updateResponse?.rejected) throw new Error(updateResponse.rejected.message ?? 'the update was rejected')
      const [next] = continueAsNewWorkflowExecution?.arguments ?? []
      if (next) state.continuedWith = fromPayload(next)
    }
  }

  async function settle(): Promise<void> {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const result = toPayload(activities[next.type]?.(state.nowMs))
      await activate([{ resolveActivity: { seq: next.seq, result: { completed: { result } } } }])
    }
  }

  const state: Answers & { continuedWith: unknown } = {
    nowMs: options.nowMs,
    continuedWith: undefined,
    settle,
    async update(name, argument) {
      updates += 1
      const id = `u${updates}`
      const doUpdate = { id, protocolInstanceId: id, name, input: [toPayload(argument)], runValidator: true }
      await activate([{ doUpdate }])
      if (!answers.has(id)) await settle()
      const answer = answers.get(id)
      answers.delete(id)
      return answer
    },
    [Symbol.asyncDispose]: async () => {
      await workflow.dispose()
      await creator.destroy()
    },
  }
  const initialize = { workflowId: 'entity', workflowType, arguments: [toPayload(input)] }
  await activate([{ initializeWorkflow: initialize }])
  return state
}
