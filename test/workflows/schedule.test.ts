/** The reconcile's Schedule as a Temporal server keeps it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureReconcileSchedule } from '../../bin/reconcile-schedule.ts'
import { scheduleIds, workflowIds } from '../../schemas/orchestration.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

let temporal: TestTemporal
beforeAll(async () => {
  temporal = await startTestTemporal()
})
afterAll(async () => temporal[Symbol.asyncDispose]())

test('18:00 Pacific whatever the season, buffered by one, caught up within a day, without retry; made once', async () => {
  const { client } = temporal
  await ensureReconcileSchedule(client, 'pge-1', 'America/Los_Angeles')
  const handle = client.schedule.getHandle(scheduleIds.reconcile('pge-1'))
  await handle.pause('an operator did')
  await ensureReconcileSchedule(client, 'pge-1', 'America/Los_Angeles')
  const { spec, policies, action, state, info } = await handle.describe()
  expect(policies).toMatchObject({ overlap: 'BUFFER_ONE', catchupWindow: 86_400_000, pauseOnFailure: false })
  expect(action).toMatchObject({
    workflowType: 'reconcile',
    workflowId: workflowIds.reconcile('pge-1'),
    args: [{ clientAlias: 'pge-1' }],
  })
  expect(action.retry).toBeUndefined()
  expect(state).toMatchObject({ paused: true, note: 'an operator did' })
  expect(spec.timezone).toBe('America/Los_Angeles')
  const pacific = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Los_Angeles', timeStyle: 'short' })
  expect(info.nextActionTimes.length).toBeGreaterThan(2)
  for (const time of info.nextActionTimes) expect(pacific.format(time)).toBe('18:00')
})
