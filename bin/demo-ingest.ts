/** One simulated day: the custodian prepares and notifies, meterlake ingests, and each step is shown as it happens. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { idOfList } from '../custodian/batch-list.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { IngestProgress, NotificationOutcome } from '../schemas/ingest.ts'
import { messageNames, workflowIds } from '../schemas/orchestration.ts'
import type { SimulatedCustodian } from '../sim/server.ts'
import { loadIdOf } from '../warehouse/paths.ts'
import type { DemoState } from './demo-state.ts'
import { formatBytes } from './human.ts'
import type { Steps } from './steps.ts'
import { untilStopped } from './stop-signal.ts'
import type { Meterlake } from './up.ts'

export interface IngestedDay {
  readonly status: NotificationOutcome['status']
  readonly loadIds: readonly string[]
}

export interface DemoDay {
  readonly state: DemoState
  readonly steps: Steps
  readonly signal: AbortSignal
  readonly meterlake: Meterlake
  readonly custodian: SimulatedCustodian
  /** Keeps the id of the notification under way across an interruption. */
  readonly remember: (notificationId: string) => Promise<void>
}

/** Has the day prepared and notified, and waits until it is in the lake. Throws the error of a package that failed. */
export async function followIngest(day: DemoDay): Promise<IngestedDay> {
  const { state, steps, signal, custodian, remember } = day
  await endInterrupted(day)
  const { notificationId, urls } = await steps.run(`the utility prepares ${state.nextDay} and notifies`, async () => {
    const prepared = await untilStopped(custodian.prepareDay(state.nextDay, { customers: true, notify: false }), signal)
    const urls = prepared.resources.map(({ url }) => url)
    const notificationId = idOfList(urls, new Uint8Array(), '')
    await remember(notificationId)
    const answer = await untilStopped(custodian.notify({ urls }), signal)
    if (answer.status !== 200)
      throw new MeterlakeError(
        'CONNECTION_FAILED',
        `the webhook answered ${answer.status ?? answer.error ?? 'nothing'}`,
      )
    return [{ notificationId, urls }, `BatchList of ${urls.length} URLs, answered 200`]
  })
  const outcome = await untilIngested(day, notificationId, urls)
  const loadIds = outcome.resources.flatMap((resource) => ('sha256' in resource ? [loadIdOf(resource.sha256)] : []))
  return { status: outcome.status, loadIds }
}

/** Shows each milestone as all packages reach it. No call is under way when it ends: one that is retried on a closed connection would crash. */
async function untilIngested(
  day: DemoDay,
  notificationId: string,
  urls: readonly string[],
): Promise<NotificationOutcome> {
  const { steps, signal, meterlake } = day
  const { client } = meterlake
  const calls = new AbortController()
  const answer = client.withAbortSignal(calls.signal, () => resultOf(client, notificationId))
  try {
    const result = untilStopped(Promise.race([answer, meterlake.done.then(brokenWorker)]), signal)
    result.catch(() => calls.abort())
    const passed = watchPackages(client, packageIds(notificationId, urls), result, calls.signal)
    for (const { title, step } of milestones)
      await steps.run(title, async (tell) => {
        await passed(step, tell)
        return [undefined, '']
      })
    return await steps.run('published', async () => {
      const outcome = await result
      failOn(outcome)
      return [outcome, summaryOf(outcome)]
    })
  } finally {
    calls.abort()
    await answer.catch(() => {})
  }
}

const brokenWorker = (): never => {
  throw new MeterlakeError('INTERNAL', 'the worker stopped before the day was in the lake')
}

/** The packages an interrupted run was promised went with its custodian; the same day is prepared again, byte for byte. */
async function endInterrupted({ state, steps, meterlake }: DemoDay): Promise<void> {
  if (state.notificationId === null) return
  const handle = meterlake.client.workflow.getHandle(workflowIds.notification(state.notificationId))
  const ended = await handle.terminate('the simulated utility was started anew').then(
    () => true,
    () => false,
  )
  if (ended) steps.say(`  ✓ carrying on after an interruption: ${state.nextDay} is asked for again`)
}

/** The workflow's result, also before the forwarder has started it. */
async function resultOf(client: Client, notificationId: string): Promise<NotificationOutcome> {
  const handle = client.workflow.getHandle(workflowIds.notification(notificationId))
  for (;;) {
    try {
      return (await handle.result()) as NotificationOutcome
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowNotFoundError') throw error
      await sleep(100)
    }
  }
}

const packageIds = (notificationId: string, urls: readonly string[]) =>
  urls.map((url) => workflowIds.resource(notificationId, createHash('sha256').update(url).digest('hex')))

/** What every package goes through, in this order. */
const order: readonly (IngestProgress['step'] | undefined)[] = [
  'reading',
  'token',
  'downloading',
  'loading',
  'publishing',
  'done',
]
const milestones = [
  { title: 'client token over mutual TLS', step: 'token' },
  { title: 'downloaded and archived', step: 'downloading' },
  { title: 'loaded: bytes to rows', step: 'loading' },
] as const

/**
 * Answers a function that resolves when all packages are past a step, and throws what made one fail once the whole has ended.
 */
function watchPackages(
  client: Client,
  ids: readonly string[],
  result: Promise<NotificationOutcome>,
  signal: AbortSignal,
) {
  const over = new AbortController()
  const end = () => over.abort()
  result.then(end, end)
  return async (step: IngestProgress['step'], tell: (how: string) => void): Promise<void> => {
    while (!over.signal.aborted) {
      const steps = await client.withAbortSignal(signal, () => Promise.all(ids.map((id) => progressOf(client, id))))
      const past = steps.filter((at) => order.indexOf(at) > order.indexOf(step)).length
      if (past === ids.length) return
      tell(`${past} of ${ids.length} packages`)
      await sleep(200)
    }
    failOn(await result)
  }
}

const progressOf = async (client: Client, workflowId: string): Promise<IngestProgress['step'] | undefined> =>
  client.workflow
    .getHandle(workflowId)
    .query<IngestProgress>(messageNames.progress)
    .then(
      ({ step }) => step,
      () => undefined,
    )

function summaryOf({ resources }: NotificationOutcome): string {
  const bytes = resources.reduce((sum, resource) => sum + ('bytes' in resource ? resource.bytes : 0), 0)
  return `${resources.length} packages, ${formatBytes(bytes)}`
}

function failOn({ status, resources }: NotificationOutcome): void {
  const failed = resources.find((resource) => resource.status === 'failed')
  if (status === 'ingested' || failed === undefined) return
  const code = failed.code === 'UNKNOWN' ? 'INTERNAL' : failed.code
  throw new MeterlakeError(code, failed.message)
}
