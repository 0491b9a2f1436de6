/** What the spool recognises again, also after a restart, and what it forgets. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newestMembers } from '../../custodian/newest-members.ts'
import { openSpool } from '../../custodian/spool.ts'
import { pruneSpool } from '../../custodian/spool-retention.ts'

const nowMs = Date.UTC(2026, 10, 22)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-spool-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

const list = (id: string) =>
  Buffer.from(
    `<BatchList xmlns="http://naesb.org/espi"><resources>https://a.example/Bulk/1?correlationID=${id}</resources></BatchList>`,
  )

/** `n` files, the first a day younger than the second, and so on. */
async function fill(directory: string, state: string, n: number, age_days: (at: number) => number): Promise<void> {
  await mkdir(join(directory, state), { recursive: true })
  for (let at = 0; at < n; at += 1) {
    const path = join(directory, state, `${String(at).padStart(5, '0')}.xml`)
    await writeFile(path, '')
    const time = new Date(nowMs - age_days(at) * 86_400_000)
    await utimes(path, time, time)
  }
}

const count = async (directory: string, state: string) => (await readdir(join(directory, state))).length

test('forgets what is older than 90 days, but nothing that waits', async () => {
  const directory = join(folder, 'old')
  for (const state of ['new', 'done', 'bad']) await fill(directory, state, 5, (at) => 88.5 + at)
  expect(await pruneSpool(directory, nowMs)).toEqual({ done: 3, bad: 3 })
  expect(await readdir(join(directory, 'done'))).toEqual(['00000.xml', '00001.xml'])
  expect([await count(directory, 'new'), await count(directory, 'bad')]).toEqual([5, 2])
})

test('of more than a thousand malformed ones the oldest go, unless they are of the last two days', async () => {
  const directory = join(folder, 'many')
  await fill(directory, 'done', 1_010, (at) => at / 100)
  await fill(directory, 'bad', 1_010, (at) => at / 400)
  expect(await pruneSpool(directory, nowMs)).toEqual({ done: 0, bad: 10 })
  await fill(directory, 'bad', 1_010, () => 1)
  expect(await pruneSpool(directory, nowMs)).toEqual({ done: 0, bad: 0 })
})

test('a notification that comes many times at once, again, and after a restart is one', async () => {
  const directory = join(folder, 'again')
  await using spool = await openSpool(directory)
  const [first, ...others] = await Promise.all(Array.from({ length: 50 }, async () => spool.put(list('a'))))
  expect(first?.duplicate).toBe(false)
  expect(new Set(others.map(({ duplicate }) => duplicate))).toEqual(new Set([true]))
  await using restarted = await openSpool(directory)
  const { duplicate: _, ...received } = first ?? (await spool.put(list('a')))
  expect(await restarted.put(list('a'))).toEqual({ ...received, duplicate: true })
  await restarted.finish(received.notificationId)
  expect((await spool.put(list('a'))).duplicate).toBe(true)
  expect([await count(directory, 'new'), await count(directory, 'done'), await count(directory, 'tmp')]).toEqual([
    0, 1, 0,
  ])
})

test('one that could not be kept is kept when it comes again', async () => {
  const directory = join(folder, 'refused')
  await using spool = await openSpool(directory)
  await rm(join(directory, 'tmp'), { recursive: true })
  const refused = await Promise.allSettled([spool.put(list('b')), spool.put(list('b'))])
  expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await mkdir(join(directory, 'tmp'))
  expect((await spool.put(list('b'))).duplicate).toBe(false)
})

test('a set of the newest forgets the oldest', () => {
  const members = newestMembers<number>(3)
  for (const member of [1, 2, 3, 2, 4]) members.add(member)
  expect([1, 2, 3, 4].filter((member) => members.has(member))).toEqual([2, 3, 4])
})
