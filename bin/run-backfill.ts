/** `meterlake backfill`: plan, start, status, cancel. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client'
import { localDayOf } from '../custodian/zone-days.ts'
import { addDays, type DayWindow } from '../schemas/calendar-day.ts'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import { messageNames, priorityKeys, taskQueues, workflowIds, workflowNames } from '../schemas/orchestration.ts'
import type { BackfillInput, BackfillProgress } from '../schemas/pull.ts'
import { readSettledWindows } from '../warehouse/ledger-facts.ts'
import { type Format, rootsOf } from './command-context.ts'
import { type BackfillPlan, planBackfill } from './plan-backfill.ts'
import { exitCodes } from './report-error.ts'
import { configuredClient } from './configured-client.ts'
import { connectRunning } from './running-temporal.ts'

export interface BackfillOptions extends Pick<
  BackfillInput,
  'range' | 'monthsPerRequest' | 'inFlight' | 'asks' | 'notifyWithinMs'
> {
  readonly format: Format
  readonly dryRun: boolean
}

/** Prints the plan; without `dryRun` hands it over to the workers. Throws USAGE for days to come, and where another backfill of the client runs. */
export async function runBackfill(config: Config, options: BackfillOptions): Promise<number> {
  const { clientAlias, profile } = configuredClient(config)
  const { format, dryRun, ...wished } = options
  const now = new Date()
  const settings = { ...wished, range: pastOf(wished.range, localDayOf(now.getTime(), profile.timeZone)) }
  const settled = await readSettledWindows(rootsOf(config))
  printPlan(planBackfill({ ...settings, settled, profile, now }), format)
  if (dryRun) return exitCodes.done
  await using temporal = await connectRunning(config)
  const workflowId = workflowIds.backfill(clientAlias)
  const input: BackfillInput = { clientAlias, ...settings }
  try {
    await temporal.client.workflow.start(workflowNames.backfill, {
      workflowId,
      taskQueue: taskQueues.orchestrate,
      args: [input],
      priority: { priorityKey: priorityKeys.backfill },
    })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    throw new MeterlakeError('USAGE', 'a backfill runs already: see `meterlake backfill status`, or cancel it first')
  }
  console.error(`backfill is under way: meterlake backfill status`)
  return exitCodes.done
}

/** The range without days that are not over: asked for now, they would count as settled for good. */
function pastOf({ from, to }: DayWindow, today: string): DayWindow {
  const yesterday = addDays(today, -1)
  if (from > yesterday) throw new MeterlakeError('USAGE', `--from ${from}: that day is not over yet`)
  return { from, to: to < yesterday ? to : yesterday }
}

/** Prints how the latest backfill stands; 3 where windows failed. */
export async function showBackfill(config: Config, format: Format): Promise<number> {
  const { clientAlias } = configuredClient(config)
  await using temporal = await connectRunning(config)
  const handle = temporal.client.workflow.getHandle(workflowIds.backfill(clientAlias))
  let progress: BackfillProgress & { readonly run: string }
  try {
    const { status } = await handle.describe()
    progress = { ...(await handle.query<BackfillProgress>(messageNames.progress)), run: status.name.toLowerCase() }
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error
    console.error('no backfill was ever started, or it ended longer ago than Temporal remembers; ops.request does')
    return exitCodes.done
  }
  if (format === 'table') printProgress(progress)
  else console.log(JSON.stringify(progress, null, format === 'json' ? 2 : 0))
  return progress.failed.length > 0 ? exitCodes.incomplete : exitCodes.done
}

/** Cancels the running backfill; what it has brought stays, and the next one carries on. */
export async function cancelBackfill(config: Config): Promise<number> {
  const { clientAlias } = configuredClient(config)
  await using temporal = await connectRunning(config)
  try {
    await temporal.client.workflow.getHandle(workflowIds.backfill(clientAlias)).cancel()
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error
    throw new MeterlakeError('USAGE', 'no backfill runs')
  }
  console.error('the backfill is being cancelled; start it again to carry on')
  return exitCodes.done
}

function printPlan(plan: BackfillPlan, format: Format): void {
  if (format !== 'table') {
    console.log(JSON.stringify(plan, null, format === 'json' ? 2 : 0))
    return
  }
  const { windows, settled, forecast, finishAt, assumes } = plan
  const [newest, oldest] = [windows[0], windows.at(-1)]
  const range = newest && oldest ? `, ${oldest.from} to ${newest.to}, the latest first` : ''
  console.log(`${windows.length} windows${range}${settled > 0 ? `; ${settled} settled by earlier runs` : ''}`)
  console.log(`${forecast.requests} requests (each window: 1 to ask, ${assumes.filesPerRequest} files to fetch)`)
  for (const [limit, at] of Object.entries(forecast.binds))
    console.log(`limit ${limit}: ${at === null ? 'never binds' : `binds from ${at}`}`)
  console.log(
    `through by ${finishAt} at the earliest, if a package is ready ${assumes.readyAfterMinutes} minutes after it was asked for`,
  )
}

function printProgress({
  run,
  status,
  windows,
  finished,
  answered,
  noData,
  failed,
  inFlight,
  loaded,
}: BackfillProgress & { readonly run: string }): void {
  console.log(`backfill: ${run}${run === 'running' ? '' : `, ${status}`}`)
  console.log(
    `${finished} of ${windows} windows: ${answered} answered, ${noData} without data, ${failed.length} failed; ${loaded} files`,
  )
  for (const { from, to } of inFlight) console.log(`  under way: ${from} to ${to}`)
  for (const { from, to, code } of failed) console.log(`  failed: ${from} to ${to} (${code})`)
}
