/** The quota entity with skipped time: one turn at a time, and nothing is lost when it continues as new. */
import { beforeAll, expect, test } from 'vitest'
import { clockAheadMs } from '../../activities/quota-turns.ts'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { messageNames } from '../../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, ApiQuotaInput, SettleInput } from '../../schemas/quota.ts'
import { startSkippedTime } from '../support/skipped-time.ts'

let code: string
beforeAll(async () => {
  ;({ code } = await bundleWorkflows(silentLog))
})

const startMs = Date.parse('2026-11-22T10:00:00Z')
const day = { startsAtMs: startMs - 9 * 3_600_000, endsAtMs: startMs + 15 * 3_600_000 }
const limits = { spacingMs: 1_000, marginMs: 200, perHour: 200, hourMs: 3_600_000, perDay: 20_000 }
const open = async (input: ApiQuotaInput, nowMs = startMs) =>
  startSkippedTime({ code, workflowType: 'apiQuota', input, nowMs, activities: {} })
type Entity = Awaited<ReturnType<typeof open>>

const acquire = async (entity: Entity, requestId: string, client = 'a') => {
  const ask: AcquireInput = { client, kind: 'package', requestId, leadMs: 0, limits, day }
  return (await entity.update(messageNames.acquire, ask)) as AcquireAnswer
}
const settle = async (entity: Entity, told: SettleInput) => entity.update(messageNames.settle, told)

test('hundreds of turns: then as new, with every limit still held', async () => {
  await using first = await open({ vendor: 'pge' })
  const moments: number[] = []
  let denied = 0
  for (let n = 0; first.continuedWith === undefined; n += 1) {
    const requestId = `r${n}`
    const answer = await acquire(first, requestId)
    if ('sendAtMs' in answer) {
      moments.push(answer.sendAtMs)
      first.nowMs = answer.sendAtMs
      await settle(first, { requestId, arrivedByMs: first.nowMs, isAnswered: true })
    } else denied += 1
  }
  expect(moments).toHaveLength(200)
  expect(denied).toBeGreaterThan(0)
  const carried = first.continuedWith as ApiQuotaInput
  expect(carried).toMatchObject({ vendor: 'pge' })

  await using second = await open(carried, first.nowMs)
  expect(await acquire(second, 's1')).toMatchObject({ reason: 'hour' })
  expect(await acquire(second, 's2', 'b')).toMatchObject({ sendAtMs: first.nowMs + 1_000 })
  await settle(second, { requestId: 's2', arrivedByMs: null, isAnswered: false })
  second.nowMs = (moments[0] ?? 0) + 3_600_000
  expect(await acquire(second, 's3')).toMatchObject({ sendAtMs: second.nowMs })
})

test('a turn that is open when the entity continues as new is still the only one', async () => {
  await using first = await open({ vendor: 'pge' })
  await acquire(first, 'r1')
  for (let n = 0; first.continuedWith === undefined; n += 1) await acquire(first, 'r1')
  await using second = await open(first.continuedWith as ApiQuotaInput, startMs + 100)
  expect(await acquire(second, 'r1')).toMatchObject({ sendAtMs: startMs })
  expect(await acquire(second, 'r2')).toHaveProperty('askAgainAtMs')
  await settle(second, { requestId: 'r1', arrivedByMs: startMs + 90, isAnswered: true })
  second.nowMs = startMs + 300
  expect(await acquire(second, 'r2')).toMatchObject({ sendAtMs: startMs + 1_090 })
})

test('who was asked to wait makes all wait', async () => {
  await using entity = await open({ vendor: 'pge' })
  await acquire(entity, 'a1')
  await settle(entity, { requestId: 'a1', arrivedByMs: startMs, isAnswered: true, waitUntilMs: startMs + 20_000 })
  expect(await acquire(entity, 'b1', 'b')).toMatchObject({ reason: 'asked to wait' })
  entity.nowMs = startMs + 19_800
  expect(await acquire(entity, 'b1', 'b')).toMatchObject({ sendAtMs: startMs + 20_000 })
})

test('a clock is corrected by no more than is certain', () => {
  expect(clockAheadMs(1_000, 1_020, 1_040)).toBe(0)
  expect(clockAheadMs(1_000, 1_340, 1_040)).toBe(300)
  expect(clockAheadMs(1_000, 700, 1_040)).toBe(-300)
})
