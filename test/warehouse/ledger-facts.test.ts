/** What the ledger says of requests: which windows a backfill need not ask for again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LakeRoots } from '../../schemas/load-process.ts'
import type { RequestRecord } from '../../schemas/pull.ts'
import { readSettledWindows } from '../../warehouse/ledger-facts.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageNotification } from '../../warehouse/stage-notification.ts'
import { stageRequest } from '../../warehouse/stage-request.ts'
import { stageFeed, timeZone } from '../support/stage-feed.ts'

let dir: string
let roots: LakeRoots
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'meterlake-ledger-'))
  roots = { lake: join(dir, 'lake'), pii: join(dir, 'pii') }
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

const month = (n: number) => ({ from: `2026-0${n}-01`, to: `2026-0${n}-28` })

const request = (n: number, status: RequestRecord['status'], more: Partial<RequestRecord> = {}): RequestRecord => ({
  requestId: `${n}ea4f6a2-0000-4000-8000-000000000000`,
  feed: 'usage',
  by: 'published',
  window: month(n),
  reason: 'backfill',
  ask: 1,
  askedAt: '2026-11-22T10:00:00.000Z',
  changedAt: '2026-11-22T11:00:00.000Z',
  status,
  transaction: null,
  notificationId: null,
  resources: 0,
  loaded: 0,
  errorCode: null,
  message: null,
  ...more,
})

async function settled(): Promise<readonly string[]> {
  await publishStaged({ roots, timeZone })
  return (await readSettledWindows(roots)).map(({ from }) => from).sort()
}

test('answered and 204 settle a window of a backfill; nothing else does', async () => {
  expect(await readSettledWindows(roots)).toEqual([])
  await stageRequest(roots, request(1, 'answered'))
  await stageRequest(roots, request(2, 'no_data'))
  await stageRequest(roots, request(3, 'accepted'))
  await stageRequest(roots, request(4, 'unanswered'))
  await stageRequest(roots, request(5, 'answered', { reason: 'pull' }))
  expect(await settled()).toEqual(['2026-01-01', '2026-02-01'])
})

test('an answer of which a file did not get into the lake settles nothing until it is there', async () => {
  const notificationId = 'a'.repeat(64)
  const receivedAt = '2026-11-22T10:30:00.000Z'
  const counts = { resources: 2, refused: 0, loaded: 0 }
  await stageNotification(roots, { notificationId, receivedAt, status: 'partial', ...counts, message: null })
  await stageRequest(roots, request(1, 'answered', { notificationId, resources: 2, loaded: 1 }))
  await stageFeed(roots, { notificationId, salt: 'electric' })
  expect(await settled()).toEqual([])
  await stageFeed(roots, { notificationId, salt: 'gas' })
  expect(await settled()).toEqual(['2026-01-01'])
})
