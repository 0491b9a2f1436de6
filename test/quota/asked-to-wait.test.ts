/** A 429 or 503 with Retry-After is told to one client; every client of the vendor keeps it, in every process. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clients, type Ground, none, openGround, openSite } from './quota-site.ts'

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(async () => ground[Symbol.asyncDispose]())

const waitMs = 5_000

test.each([429, 503])(
  '%i with Retry-After: 5',
  async (status) => {
    const limits = { perSecond: 4, marginMs: 400 }
    await using site = await openSite(ground, `wait-${status}`, { spacingMs: 250 }, limits)
    await using _first = await site.start(clients[0])
    await using _other = await site.start(clients[1])
    const asked = clients.map(async (client) => site.ask(client, { requests: 8, atOnce: 3, withinMs: 60_000 }))
    await expect.poll(() => site.custodian.requests.length, { timeout: 60_000 }).toBeGreaterThan(5)
    const effect = { kind: 'answer', status, headers: { 'retry-after': '5' }, body: 'slow down' } as const
    site.custodian.faults.add({ effect })
    expect(await Promise.all(asked)).toEqual(clients.map(() => ({ answered: 8, refused: 0 })))
    const { requests } = site.custodian
    const told = requests.findIndex((request) => request.status === status)
    const [at, next] = requests.slice(told, told + 2).map((request) => request.at_ms)
    // The custodian counts from when it has answered, which is after the arrival.
    expect((next ?? 0) - (at ?? 0)).toBeGreaterThanOrEqual(waitMs)
    // Both clients went on after it.
    expect(requests.slice(told + 1).length).toBeGreaterThan(4)
    expect(site.custodian.limitCounts().violations).toEqual(none)
  },
  120_000,
)
