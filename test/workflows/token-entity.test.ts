/** Lives of tokens lived through with skipped time: an hour, five minutes, and a day on which nothing runs. */
import { beforeAll, describe, expect, test } from 'vitest'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import type { TokenHandle } from '../../schemas/ingest.ts'
import { messageNames } from '../../schemas/orchestration.ts'
import { renewAt } from '../../schemas/token-life.ts'
import { type SkippedTime, startSkippedTime } from '../support/skipped-time.ts'

let code: string
beforeAll(async () => {
  ;({ code } = await bundleWorkflows(silentLog))
})

const startMs = Date.parse('2026-11-22T10:00:00Z')

async function startEntity(life_s: number) {
  const refreshes: number[] = []
  const activities = {
    refreshClientToken: (nowMs: number): TokenHandle => {
      refreshes.push(nowMs)
      const expiresAtMs = nowMs + life_s * 1_000
      return {
        fingerprint: `token-${refreshes.length}`,
        expiresAt: new Date(expiresAtMs).toISOString(),
        renewAt: new Date(renewAt(expiresAtMs, nowMs)).toISOString(),
      }
    },
  }
  const input = { clientAlias: 'cca', handle: null }
  const entity = await startSkippedTime({ code, workflowType: 'clientToken', input, nowMs: startMs, activities })
  return { entity, refreshes }
}

const ask = async (entity: SkippedTime, staleFingerprint: string | null = null) =>
  (await entity.update(messageNames.ensureFresh, { staleFingerprint })) as TokenHandle

describe.each([
  ['an hour', 3_600, 54 * 60],
  ['five minutes', 300, 270],
])('a token of %s', (_, life_s, renewedAfter_s) => {
  test('three hours of work: always valid, never waited for, renewed as rarely as can be', async () => {
    const { entity, refreshes } = await startEntity(life_s)
    await using _entity = entity
    for (let second = 0; second <= 3 * 3_600; second += 10) {
      entity.nowMs = startMs + second * 1_000
      const before = refreshes.length
      const token = await ask(entity)
      expect(Date.parse(token.expiresAt)).toBeGreaterThan(entity.nowMs)
      // Nobody waits but the first.
      expect(refreshes.length).toBe(Math.max(1, before))
      await entity.settle()
    }
    expect(refreshes.length).toBe(1 + Math.floor((3 * 3_600) / renewedAfter_s))
  })

  test('a day on which nothing runs costs nothing, and the next who asks gets a new one', async () => {
    const { entity, refreshes } = await startEntity(life_s)
    await using _entity = entity
    expect((await ask(entity)).fingerprint).toBe('token-1')
    entity.nowMs = startMs + 86_400_000
    await entity.settle()
    expect(refreshes).toHaveLength(1)
    expect((await ask(entity)).fingerprint).toBe('token-2')
  })

  test('refused before its end: renewed at once, once for all who were refused', async () => {
    const { entity, refreshes } = await startEntity(life_s)
    await using _entity = entity
    await ask(entity)
    entity.nowMs = startMs + 60_000
    for (let caller = 0; caller < 5; caller += 1) {
      expect((await ask(entity, 'token-1')).fingerprint).toBe('token-2')
    }
    expect(refreshes).toHaveLength(2)
  })
})

test('it continues as new with what it knows, never with a token', async () => {
  const { entity, refreshes } = await startEntity(3_600)
  await using _entity = entity
  const handle = await ask(entity)
  while (entity.continuedWith === undefined) await ask(entity)
  expect(entity.continuedWith).toEqual({ clientAlias: 'cca', handle })
  expect(refreshes).toHaveLength(1)
})
