/**
 * The requests whose notifications are waited for, as an entity: one run a client. A request is entered before it is sent, so a notification
 * that overtakes the 202 finds it. Notifications are told here after their ingest; the pull that asked is told what came. It ends when
 * nothing is outstanding, and the next request starts it anew.
 */
import {
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { NotificationArrival, OutstandingInput, OutstandingRequest, RequestArrival } from '../schemas/pull.ts'
import { arrivedSignal, askedSignal, cameSignal, closedSignal, outstandingQuery } from './contracts.ts'
import { matchNotification } from './match-notification.ts'

/** Runs while requests are outstanding, and a minute longer. Signals `asked`, `closed`, `arrived`; query `outstanding`. */
export async function outstandingRequests(input: OutstandingInput): Promise<void> {
  const outstanding = new Map<string, OutstandingRequest>(
    input.outstanding.map((request) => [request.requestId, request]),
  )
  const arrivals: NotificationArrival[] = []
  setHandler(askedSignal, (request) => {
    outstanding.set(request.requestId, request)
  })
  setHandler(closedSignal, (requestIds) => {
    for (const requestId of requestIds) outstanding.delete(requestId)
  })
  setHandler(arrivedSignal, (arrival) => {
    arrivals.push(arrival)
  })
  setHandler(outstandingQuery, () => [...outstanding.values()])

  for (;;) {
    for (let arrival = arrivals.shift(); arrival !== undefined; arrival = arrivals.shift()) {
      for (const matched of matchNotification([...outstanding.values()], arrival)) {
        const request = outstanding.get(matched.requestId)
        outstanding.delete(matched.requestId)
        if (request !== undefined) await tell(request.workflowId, matched)
      }
    }
    for (const { requestId, expiresAt } of outstanding.values())
      if (Date.parse(expiresAt) <= Date.now()) outstanding.delete(requestId)
    setCurrentDetails(`${outstanding.size} outstanding`)
    if (workflowInfo().continueAsNewSuggested && arrivals.length === 0)
      await continueAsNew<typeof outstandingRequests>({ outstanding: [...outstanding.values()] })
    const came = await condition(() => arrivals.length > 0, outstanding.size === 0 ? '1 minute' : '1 hour')
    if (!came && outstanding.size === 0 && arrivals.length === 0) return
  }
}

async function tell(workflowId: string, matched: RequestArrival): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(cameSignal, matched)
  } catch (error) {
    // The pull has ended: what came is in the lake all the same.
    if (isCancellation(error)) throw error
  }
}
