/** One request a turn: what is said of each, and when nothing may be sent. */
import { describe, expect, test } from 'vitest'
import type { Turns } from '../../custodian/turn.ts'
import { openScene } from './token-scene.ts'
import { errorOf } from './wire.ts'

/** Turns as a script: each says whether the moment is kept. */
function scriptTurns(kept: readonly boolean[]) {
  const said: string[] = []
  let turn = 0
  const turns: Turns = {
    take: async (kind) => {
      said.push(kind)
      const isKept = kept[turn++] ?? true
      return {
        arrive: () => Promise.resolve(isKept),
        sent: () => void said.push('sent'),
        ended: (waitMs) => {
          said.push(waitMs === undefined ? 'ended' : `ended, wait ${waitMs}`)
          return Promise.resolve()
        },
        release: () => void said.push('released'),
      }
    },
  }
  return { turns, said }
}
const used = ['sent', 'ended']

describe('turns', () => {
  test('each request takes one; a missed one sends nothing and takes the next', async () => {
    const { turns, said } = scriptTurns([true, false, false, true])
    await using scene = await openScene({ turns })
    await scene.custodian.refreshToken()
    await scene.custodian.serviceStatus()
    expect(said).toEqual(['token', ...used, 'status', 'released', 'status', 'released', 'status', ...used])
    expect(scene.sim.requests).toHaveLength(2)
  })

  test('always missed: told, to be tried later, and nothing sent', async () => {
    const { turns, said } = scriptTurns(Array.from({ length: 9 }, () => false))
    await using scene = await openScene({ turns })
    const error = await errorOf(scene.custodian.refreshToken())
    expect(error).toMatchObject({ code: 'QUOTA_EXHAUSTED', details: { retryAfterMs: 10_000 } })
    expect(scene.sim.requests).toHaveLength(0)
    expect(said).toEqual(Array.from({ length: 5 }, () => ['token', 'released']).flat())
  })

  test('given back where nothing can be sent in it', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    await scene.sim[Symbol.asyncDispose]()
    expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(said).toEqual(['token', 'released'])
  })

  test('a request without an answer has ended too', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    scene.sim.faults.add({ path: '/token', effect: { kind: 'reset', bytes: 0 } })
    expect(await errorOf(scene.custodian.refreshToken())).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(said).toEqual(['token', ...used])
  })

  test.each([429, 503])('%i with Retry-After makes everyone wait, without it nobody', async (status) => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    const body = 'slow down'
    scene.sim.faults.add({ effect: { kind: 'answer', status, headers: { 'retry-after': '30' }, body } })
    await errorOf(scene.custodian.refreshToken())
    scene.sim.faults.add({ effect: { kind: 'answer', status, body } })
    await errorOf(scene.custodian.refreshToken())
    expect(said).toEqual(['token', 'sent', 'ended, wait 30000', 'token', ...used])
  })

  test('no turn is taken for a token that is not there', async () => {
    const { turns, said } = scriptTurns([])
    await using scene = await openScene({ turns })
    expect(await errorOf(scene.custodian.serviceStatus())).toMatchObject({ code: 'TOKEN_EXPIRED' })
    expect(said).toEqual([])
  })

  test('a prepared connection that the custodian has closed is opened again', async () => {
    const { turns } = scriptTurns([])
    await using scene = await openScene({
      turns: {
        ...turns,
        take: async (kind) => ({
          ...(await turns.take(kind)),
          arrive: async () => {
            scene.sim.dropConnections()
            await new Promise((resolve) => setTimeout(resolve, 50))
            return true
          },
        }),
      },
    })
    await scene.custodian.refreshToken()
    expect(scene.sim.requests).toHaveLength(1)
  })
})
