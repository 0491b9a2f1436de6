/**
 * Years of history: windows of whole months, the latest first, a few pulls at a time. What earlier runs have settled is not asked for again.
 * It gives way to daily work (priority), ends early only where no further request can succeed, and continues as new between windows.
 */
import {
  continueAsNew,
  executeChild,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { DayWindow } from '../schemas/calendar-day.ts'
import { priorityKeys, workflowIds } from '../schemas/orchestration.ts'
import type { BackfillInput, BackfillProgress, PullInput, PullOutcome } from '../schemas/pull.ts'
import { backfillProgressQuery, searchable } from './contracts.ts'
import { failureOf } from './failure-code.ts'
import { lightActivity } from './policies.ts'
import { pullFeed } from './pull-feed.ts'
import { monthWindows, unsettled } from './request-windows.ts'

const { settledWindows } = proxyActivities<Pick<Activities, 'settledWindows'>>(lightActivity)

/** Where these fail one window they fail the next. */
const hopelessCodes: ReadonlySet<string> = new Set(['CERTIFICATE_REFUSED', 'TOKEN_REFUSED'])

/** Failures that are listed one by one; their number is bounded by the answer's size. */
const failuresListed = 500

/** Answers how it ended: `incomplete` names the windows that failed, for the next run. Query `progress`. */
export async function backfill(input: BackfillInput): Promise<BackfillProgress> {
  const windows = monthWindows(input.range, input.monthsPerRequest)
  const inFlight = new Set<DayWindow>()
  let progress: BackfillProgress = input.resume ?? {
    status: 'running',
    windows: windows.length,
    finished: 0,
    answered: 0,
    noData: 0,
    failed: [],
    inFlight: [],
    loaded: 0,
    asked: 0,
  }
  const change = (more: Partial<BackfillProgress>): void => {
    progress = { ...progress, ...more, inFlight: [...inFlight] }
    setCurrentDetails(`${progress.finished} of ${progress.windows} windows`)
  }
  setHandler(backfillProgressQuery, () => progress)
  upsertSearchAttributes([searchable.feed('backfill'), searchable.status('running')])

  const failedBefore = new Set(progress.failed.map(({ from }) => from))
  const open = unsettled(windows, await settledWindows()).filter(({ from }) => !failedBefore.has(from))
  // Windows of which nothing is left; of others what is left is asked for.
  const settled = windows.filter(
    (window) => !open.some(({ from, to }) => window.from <= from && to <= window.to),
  ).length
  change({ windows: settled + open.length, finished: settled })
  let next = 0
  const takeTurns = async (): Promise<void> => {
    while (progress.status === 'running' && !workflowInfo().continueAsNewSuggested) {
      const window = open[next++]
      if (window === undefined) return
      inFlight.add(window)
      change({})
      const outcome = await pullWindow(input, window)
      inFlight.delete(window)
      change(added(progress, window, outcome))
    }
  }
  await Promise.all(Array.from({ length: input.inFlight }, takeTurns))
  if (progress.status === 'running' && next < open.length)
    await continueAsNew<typeof backfill>({ ...input, resume: progress })
  if (progress.status === 'running') change({ status: progress.failed.length === 0 ? 'done' : 'incomplete' })
  upsertSearchAttributes([searchable.status(progress.status)])
  return progress
}

async function pullWindow(input: BackfillInput, window: DayWindow): Promise<PullOutcome> {
  const { clientAlias, asks, notifyWithinMs } = input
  const target = { feed: 'usage', by: 'published', window } as const
  const args: [PullInput] = [{ ...target, clientAlias, reason: 'backfill', asks, notifyWithinMs }]
  try {
    return await executeChild(pullFeed, {
      workflowId: `${workflowIds.backfill(clientAlias)}/${window.from}_${window.to}`,
      args,
      priority: { priorityKey: priorityKeys.backfill },
      staticSummary: `${window.from} to ${window.to}`,
    })
  } catch (error) {
    if (isCancellation(error)) throw error
    const { code, message } = failureOf(error)
    return { status: 'failed', asked: 0, answered: 0, noData: 0, failed: 1, loaded: 0, code, message }
  }
}

/** The progress after a window has ended. */
function added(progress: BackfillProgress, window: DayWindow, outcome: PullOutcome): Partial<BackfillProgress> {
  const isFailed = outcome.status === 'failed' || outcome.status === 'partial'
  const failure = { ...window, code: outcome.code ?? 'UNKNOWN' }
  return {
    status: hopelessCodes.has(failure.code) ? 'stopped' : progress.status,
    finished: progress.finished + 1,
    answered: progress.answered + outcome.answered,
    noData: progress.noData + outcome.noData,
    failed: isFailed ? [...progress.failed, failure].slice(-failuresListed) : progress.failed,
    loaded: progress.loaded + outcome.loaded,
    asked: progress.asked + outcome.asked,
  }
}
