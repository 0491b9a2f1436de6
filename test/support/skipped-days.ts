/** One workflow without a server, with its surroundings: weeks of waiting pass in milliseconds. */
import { tsToMs } from '@temporalio/common/lib/time.js'
import { type Command, fromPayload, type Job, openSandboxedWorkflow, toPayload } from './sandboxed-workflow.ts'

export interface SkippedDays extends AsyncDisposable {
  nowMs: number
  /** Signals sent to other workflows, in order. */
  readonly sent: readonly { readonly workflowId: string; readonly name: string; readonly argument: unknown }[]
  /** How it ended: its result (null: none), or what it continued as new with; undefined while it runs. */
  readonly result: unknown
  readonly continuedWith: unknown
  signal(name: string, argument: unknown): Promise<void>
  /** Lets time pass; timers fire when they are due. */
  skip(durationMs: number): Promise<void>
}

export interface Surroundings {
  readonly code: string
  readonly workflowType: string
  readonly input: unknown
  readonly nowMs: number
  /** What activities answer, by name; each ends at once. */
  readonly activities: Readonly<Record<string, (input: never, nowMs: number) => unknown>>
  /** What children answer, by workflow type; each ends at once. */
  readonly children?: Readonly<Record<string, (input: never) => unknown>>
  /** Whether the server suggests to continue as new, after so many activations. */
  readonly suggestsContinueAsNew?: (activations: number) => boolean
}

/** Starts it and runs it until it waits for a timer or a signal. */
export async function startSkippedDays(surroundings: Surroundings): Promise<SkippedDays> {
  const { code, workflowType, input, activities, children = {} } = surroundings
  const { suggestsContinueAsNew = () => false } = surroundings
  const workflow = await openSandboxedWorkflow({
    code,
    workflowType,
    workflowId: 'skipping',
    activities: Object.keys(activities),
    startMs: surroundings.nowMs,
    now: () => state.nowMs,
  })
  const timers = new Map<number, number>()
  const sent: { workflowId: string; name: string; argument: unknown }[] = []
  let activations = 0

  /** What the surroundings answer to a command. */
  function answersTo(command: Command): Job[] {
    const { scheduleActivity, startTimer, cancelTimer, startChildWorkflowExecution: child } = command
    const { signalExternalWorkflowExecution: signal } = command
    if (startTimer) timers.set(startTimer.seq ?? 0, state.nowMs + tsToMs(startTimer.startToFireTimeout))
    if (cancelTimer) timers.delete(cancelTimer.seq ?? 0)
    if (scheduleActivity) {
      const [argument] = scheduleActivity.arguments ?? []
      const run = activities[scheduleActivity.activityType ?? '']
      const result = toPayload(run?.((argument && fromPayload(argument)) as never, state.nowMs))
      return [{ resolveActivity: { seq: scheduleActivity.seq ?? 0, result: { completed: { result } } } }]
    }
    if (child) {
      const { seq } = child
      const [argument] = child.input ?? []
      const result = toPayload(children[child.workflowType ?? '']?.((argument && fromPayload(argument)) as never))
      return [
        { resolveChildWorkflowExecutionStart: { seq: seq ?? 0, succeeded: { runId: 'child' } } },
        { resolveChildWorkflowExecution: { seq: seq ?? 0, result: { completed: { result } } } },
      ]
    }
    if (signal) {
      const [argument] = signal.args ?? []
      const workflowId = signal.workflowExecution?.workflowId ?? ''
      sent.push({ workflowId, name: signal.signalName ?? '', argument: argument && fromPayload(argument) })
      return [{ resolveSignalExternalWorkflow: { seq: signal.seq ?? 0 } }]
    }
    return []
  }

  async function activate(jobs: readonly Job[]): Promise<void> {
    let next = [...jobs]
    while (next.length > 0 && state.result === undefined && state.continuedWith === undefined) {
      activations += 1
      const continueAsNewSuggested = suggestsContinueAsNew(activations)
      const commands = await workflow.activate(next, { continueAsNewSuggested })
      next = []
      for (const command of commands) {
        const { completeWorkflowExecution: completed, continueAsNewWorkflowExecution: continued } = command
        if (completed) state.result = fromPayload(completed.result ?? undefined) ?? null
        if (continued) state.continuedWith = fromPayload(continued.arguments?.[0])
        const { failWorkflowExecution: broken } = command
        if (broken) throw new Error(broken.failure?.message ?? 'the workflow failed')
        next.push(...answersTo(command))
      }
    }
  }

  const state = {
    nowMs: surroundings.nowMs,
    sent,
    result: undefined as unknown,
    continuedWith: undefined as unknown,
    signal: async (name: string, argument: unknown) =>
      activate([{ signalWorkflow: { signalName: name, input: [toPayload(argument)], identity: '', headers: {} } }]),
    async skip(durationMs: number) {
      const untilMs = state.nowMs + durationMs
      for (;;) {
        const [seq, dueMs] = [...timers].sort(([, a], [, b]) => a - b)[0] ?? []
        if (seq === undefined || dueMs === undefined || dueMs > untilMs) break
        timers.delete(seq)
        state.nowMs = Math.max(state.nowMs, dueMs)
        await activate([{ fireTimer: { seq } }])
      }
      state.nowMs = untilMs
    },
    [Symbol.asyncDispose]: async () => workflow[Symbol.asyncDispose](),
  }
  await activate([workflow.initialized(input)])
  return state
}
