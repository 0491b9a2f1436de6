/** A package that is known and not fetched: warn at 1 day, page at 3, lost at 5, in `gaps` and `status`. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { rootsOf } from '../../bin/command-context.ts'
import { readStatus } from '../../bin/lake-status.ts'
import { readGaps } from '../../bin/read-gaps.ts'
import { showGaps } from '../../bin/show-gaps.ts'
import { showStatus } from '../../bin/show-status.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { stageNotification } from '../../warehouse/stage-notification.ts'
import { openSite, type Site } from '../support/site.ts'

const dayMs = 86_400_000

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(async () => site[Symbol.asyncDispose]())

/** A notification of two packages, one of them not in the lake, that came so many days ago. */
async function lackSince(days: number): Promise<void> {
  const roots = rootsOf(site.config)
  const notificationId = String(Math.round(days * 10)).padStart(64, '0')
  const receivedAt = new Date(Date.now() - days * dayMs).toISOString()
  const counts = { resources: 2, refused: 0, loaded: 1 }
  await stageNotification(roots, { notificationId, receivedAt, status: 'partial', ...counts, message: null })
  await publishStaged({ roots, timeZone: 'America/Los_Angeles' })
}

async function quietly<T>(command: () => Promise<T>): Promise<{ readonly answer: T; readonly said: string }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    return { answer: await command(), said: log.mock.calls.map(([text]) => String(text)).join('\n') }
  } finally {
    log.mockRestore()
  }
}

const unfetched = async () => {
  const { answer, said } = await quietly(async () => showStatus(site.config, 'json', 0))
  return { code: answer, ...(JSON.parse(said) as { unfetched: string; lost: number }) }
}

test('from a half day to more than five', { timeout: 60_000 }, async () => {
  await lackSince(0.5)
  expect(await unfetched()).toMatchObject({ code: 0, unfetched: 'ok', lost: 0 })
  await lackSince(1.1)
  expect(await unfetched()).toMatchObject({ code: 3, unfetched: 'warn' })
  await lackSince(3.1)
  expect(await unfetched()).toMatchObject({ code: 3, unfetched: 'page' })
  await lackSince(5.1)
  expect(await unfetched()).toMatchObject({ code: 3, unfetched: 'lost', lost: 1 })
  const { packages } = await readGaps(site.config)
  expect(packages.map(({ severity }) => severity)).toEqual(['lost', 'page', 'warn', 'ok'])
  // What is lost is counted; what can still be fetched has an age.
  const { oldestUnfetchedAt } = await readStatus(site.config, 0)
  expect((Date.now() - Number(oldestUnfetchedAt)) / dayMs).toBeCloseTo(3.1, 1)
  const { answer } = await quietly(async () =>
    showGaps(site.config, { format: 'json', plan: false, all: false, window: undefined }),
  )
  expect(answer).toBe(3)
})
