/** Three worker processes, two client ids, one vendor: nothing arrives that the custodian would call too much, and little time is lost. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messageNames, workflowIds } from '../../schemas/orchestration.ts'
import type { QuotaUsage } from '../../schemas/quota.ts'
import { clients, type Ground, none, openGround, openSite } from './quota-site.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(async () => ground[Symbol.asyncDispose]())

/**
 * How long a request may be on its way. Test machines stall for longer than the default covers; answers come in a few
 * milliseconds, so that it costs nothing while they do not.
 */
const marginMs = 800

/**
 * Requests a second in the best stretch of a dozen: what the quota leaves unused, and not for how long the machine stood still or a
 * worker was missing.
 */
function bestRate(times: readonly number[]): number {
  const stretch = 12
  const spans = times.slice(stretch).map((at, n) => at - (times[n] ?? 0))
  return (stretch * 1_000) / Math.min(...spans)
}

test('one a second: no two requests closer, four fifths of the rate used, across a restart', async () => {
  await using site = await openSite(ground, 'real', {}, { perSecond: 1, marginMs })
  await using _first = await site.start(clients[0])
  await using second = await site.start(clients[0])
  await using _third = await site.start(clients[1])
  const asked = [
    site.ask(clients[0], { requests: 14, atOnce: 6, withinMs: 100_000 }),
    site.ask(clients[1], { requests: 12, atOnce: 4, withinMs: 100_000 }),
  ]
  await expect.poll(() => site.custodian.requests.length, { timeout: 60_000 }).toBeGreaterThan(12)
  await second[Symbol.asyncDispose]()
  await using _again = await site.start(clients[0])
  expect(await Promise.all(asked)).toEqual([
    { answered: 14, refused: 0 },
    { answered: 12, refused: 0 },
  ])
  const counts = site.custodian.limitCounts()
  expect(counts.violations, `shortest distance ${counts.shortestGapMs} ms`).toEqual(none)
  expect(counts.requests).toBe(26)
  expect(bestRate(site.custodian.requests.map(({ at_ms }) => at_ms))).toBeGreaterThanOrEqual(0.8)
  const entity = ground.temporal.client.workflow.getHandle(workflowIds.apiQuota('real'))
  const usage = await entity.query<QuotaUsage>(messageNames.usage)
  expect(Object.values(usage.clients).map(({ hour }) => hour)).toEqual([expect.any(Number), expect.any(Number)])
}, 150_000)

test('so many an hour, so many a day, each client by itself, and a worker killed: all of it used, none too much', async () => {
  const [perHour, hourMs, perDay] = [20, 6_000, 36]
  // Not at the time of the test: the day would be over.
  const hour = Number(
    new Intl.DateTimeFormat('en-US', { timeZone: 'America/Los_Angeles', hour: 'numeric', hourCycle: 'h23' }).format(),
  )
  const dayStartsAtHour = hour === 16 || hour === 17 ? 20 : 17
  await using site = await openSite(
    ground,
    'fast',
    { spacingMs: 50, perHour, hourMs, perDay, dayStartsAtHour },
    {
      perSecond: 20,
      marginMs,
      perHourPerClient: perHour,
      hourMs,
      perDayPerClient: perDay,
      dayStartsAtLocal: `${dayStartsAtHour}:00`,
    },
  )
  await using _first = await site.start(clients[0])
  await using second = await site.start(clients[0])
  await using _third = await site.start(clients[1])
  const asked = [
    site.ask(clients[0], { requests: 42, atOnce: 8, withinMs: 30_000 }),
    site.ask(clients[1], { requests: 15, atOnce: 4, withinMs: 30_000 }),
  ]
  await expect.poll(() => site.custodian.requests.length, { timeout: 60_000 }).toBeGreaterThan(20)
  second.kill('SIGKILL')
  const [first, other] = await Promise.all(asked)
  const { violations, clients: used } = site.custodian.limitCounts()
  expect(violations).toEqual(none)
  expect(other).toEqual({ answered: 15, refused: 0 })
  expect(used[clients[1].clientId]?.requests).toBe(15)
  // The killed process took its moments along.
  expect(used[clients[0].clientId]?.requests).toBeGreaterThanOrEqual(perDay * 0.8)
  expect(used[clients[0].clientId]?.requests).toBeLessThanOrEqual(perDay)
  expect((first?.answered ?? 0) + (first?.refused ?? 0)).toBe(42)
}, 150_000)
