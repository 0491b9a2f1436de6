/** The quota entity with skipped time: answers at once, is idempotent, and loses nothing when it continues as new. */
import { beforeAll, expect, test } from 'vitest'
import { clockAheadMs } from '../../activities/quota-turns.ts'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import { messageNames } from '../../schemas/orchestration.ts'
import type { AcquireAnswer, AcquireInput, ApiQuotaInput } from '../../schemas/quota.ts'
import { startSkippedTime } from '../support/skipped-time.ts'

let code: string
beforeAll(async () => {
  ;({ code } = await bundleWorkflows(silentLog))
})

const startMs = Date.parse('2026-11-22T10:00:00Z')
const day = { startsAtMs: startMs - 9 * 3_600_000, endsAtMs: startMs + 15 * 3_600_000 }
const limits = { spacingMs: 1_000, marginMs: 50, perHour: 400, hourMs: 3_600_000, perDay: 20_000 }
const open = async (input: ApiQuotaInput, nowMs = startMs) =>
  startSkippedTime({ code, workflowType: 'apiQuota', input, nowMs, activities: {} })

const ask = (requestId: string): AcquireInput => ({ client: 'a', kind: 'package', requestId, leadMs: 0, limits, day })

test('a thousand questions: then as new, with every limit still held', async () => {
  await using first = await open({ vendor: 'pge' })
  const moments: number[] = []
  let denied = 0
  for (let n = 0; n < 1_000; n += 1) {
    expect(first.continuedWith).toBeUndefined()
    const answer = (await first.update(messageNames.acquire, ask(`r${n}`))) as AcquireAnswer
    if ('sendAtMs' in answer) {
      moments.push(answer.sendAtMs)
      first.nowMs = answer.sendAtMs
    } else denied += 1
  }
  expect([moments.length, denied]).toEqual([400, 600])
  const carried = first.continuedWith as ApiQuotaInput
  expect(carried).toMatchObject({ vendor: 'pge' })

  await using second = await open(carried, first.nowMs)
  const again = (await second.update(messageNames.acquire, ask('r399'))) as AcquireAnswer
  expect(again).toMatchObject({ sendAtMs: moments.at(-1) })
  expect(await second.update(messageNames.acquire, ask('s1'))).toMatchObject({ reason: 'hour' })
  second.nowMs = (moments[0] ?? 0) + 3_600_050
  expect(await second.update(messageNames.acquire, ask('s2'))).toMatchObject({ waitMs: 0 })
})

test('who was asked to wait makes all wait', async () => {
  await using entity = await open({ vendor: 'pge' })
  await entity.update(messageNames.penalise, { untilMs: startMs + 20_000 })
  const ask: AcquireInput = { client: 'b', kind: 'token', requestId: 'b1', leadMs: 0, limits, day }
  expect(await entity.update(messageNames.acquire, ask)).toMatchObject({ sendAtMs: startMs + 20_000 })
})

test('a clock is corrected by no more than is certain', () => {
  expect(clockAheadMs(1_000, 1_020, 1_040)).toBe(0)
  expect(clockAheadMs(1_000, 1_340, 1_040)).toBe(300)
  expect(clockAheadMs(1_000, 700, 1_040)).toBe(-300)
})
