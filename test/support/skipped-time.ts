/** One entity workflow without a server, asked by updates: days pass in milliseconds. */
import { fromPayload, type Job, openSandboxedWorkflow, toPayload } from './sandboxed-workflow.ts'

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

/** Starts `workflowType` of the bundle with one argument. Activities run only when an update waits for them, or in `settle`. */
export async function startSkippedTime(options: {
  readonly code: string
  readonly workflowType: string
  readonly input: unknown
  readonly nowMs: number
  readonly activities: FakeActivities
}): Promise<SkippedTime> {
  const { code, workflowType, input, activities } = options
  const workflow = await openSandboxedWorkflow({
    code,
    workflowType,
    workflowId: 'entity',
    activities: Object.keys(activities),
    startMs: options.nowMs,
    now: () => state.nowMs,
  })
  const pending: { readonly seq: number; readonly type: string }[] = []
  const answers = new Map<string, unknown>()
  let updates = 0

  async function activate(jobs: readonly Job[]): Promise<void> {
    for (const command of await workflow.activate(jobs)) {
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
    [Symbol.asyncDispose]: async () => workflow[Symbol.asyncDispose](),
  }
  await activate([workflow.initialized(input)])
  return state
}
