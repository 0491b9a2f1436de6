/** A lake with a history: days of a fleet, corrections, customers, notifications, requests, authorizations, a file that failed. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFeedReader } from '../../espi/feed-reader.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'
import type { RequestRecord } from '../../schemas/pull.ts'
import { createFleet, type Fleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderCustomerFeed } from '../../sim/render-customer.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { stageAuthorizations } from '../../warehouse/authorizations.ts'
import { ensurePersonalViews } from '../../warehouse/personal-views.ts'
import { ensureViews } from '../../warehouse/views.ts'
import { isKnownLoad } from '../../warehouse/ledger.ts'
import { publishStaged } from '../../warehouse/publish.ts'
import { archiveRaw } from '../../warehouse/raw-archive.ts'
import { stageNotification } from '../../warehouse/stage-notification.ts'
import { stageRequest } from '../../warehouse/stage-request.ts'
import { stageLoad } from '../../warehouse/stage.ts'
import { openRoots } from '../../warehouse/storage.ts'
import { createLake, type TestLake } from '../support/lake.ts'
import {
  blockEntry,
  feedOf,
  meterReadingEntry,
  meterReadingPath,
  type ReadingParts,
  readingTypeEntry,
  readingXml,
  usagePointEntry,
} from '../support/small-feed.ts'

export const timeZone = 'America/Los_Angeles'
const requestId = '5f1c9e0e-7a52-4b5e-9d3c-0a1b2c3d4e5f'

export interface TracedLake extends TestLake {
  readonly fleet: Fleet
  /** Number of commits. */
  readonly commits: number
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
export const notificationOf = (day: string) => sha256(`notification ${day}`)

interface Arrival {
  readonly name: string
  readonly bytes: Buffer
  /** Its notification; absent: a file on disk. */
  readonly notificationId?: string
  readonly receivedAt: string
}

/** Archives and stages one feed, as the worker does; a feed that is refused is staged as failed. */
export async function stageArrival(
  { dir, roots }: TestLake,
  { name, bytes, notificationId, receivedAt }: Arrival,
): Promise<void> {
  const file = join(dir, name)
  await writeFile(file, bytes)
  const source = notificationId === undefined ? 'file' : 'notification'
  const sourceName = notificationId === undefined ? name : '/espi/1_1/resource/Batch/Bulk/1'
  const correlationId = notificationId === undefined ? null : `c-${name}`
  const raw = await archiveRaw({ ...openRoots(roots), file, receivedAt, source, sourceName, correlationId })
  try {
    await stageLoad({
      roots,
      profile: { name: 'pge', timeZone, usagePointIdentity: 'id' },
      request: { raw, source, sourceName, notificationId: notificationId ?? null, correlationId },
      openReader: openFeedReader,
      parser: 'meterlake test',
      isKnown: (hash) => isKnownLoad(roots, hash),
      signal: new AbortController().signal,
    })
  } catch (error) {
    if (!isMeterlakeError(error) || !error.code.startsWith('FEED_')) throw error
  }
}

const request = (status: RequestRecord['status'], changedAt: string, notificationId: string | null): RequestRecord => ({
  requestId,
  reason: 'pull',
  feed: 'usage',
  by: 'published',
  window: { from: '2025-11-01', to: '2025-11-02' },
  ask: 1,
  askedAt: '2025-11-03T17:00:00.000Z',
  changedAt,
  status,
  transaction: null,
  notificationId,
  resources: notificationId === null ? 0 : 2,
  loaded: notificationId === null ? 0 : 2,
  errorCode: null,
  message: null,
})

const hour_s = Date.parse('2025-11-02T08:00:00Z') / 1000
const hours = (n: number, value: number) => Array.from({ length: n }, (_, at) => ({ start: hour_s + at * 3600, value }))
const quarters = (n: number, value: number) =>
  Array.from({ length: n }, (_, at) => ({ start: hour_s + at * 900, duration: 900, value }))

/** A small feed: readings of a meter, with or without what they belong to. */
const smallFeed = (
  readings: readonly ReadingParts[],
  published: string,
  { meter = 'M1', isAlone = false } = {},
): Buffer => {
  const path = meterReadingPath('U1', meter)
  const parents = isAlone ? [] : [readingTypeEntry('T1'), usagePointEntry(), meterReadingEntry(path)]
  return Buffer.from(feedOf(...parents, blockEntry(readings.map(readingXml), path, published)))
}

/** Ten commits from the middle of a simulated November, with customers unless told otherwise. */
export async function createTracedLake({ customers = true, meters = 20 } = {}): Promise<TracedLake> {
  const lake = await createLake()
  const { roots } = lake
  const fleet = createFleet({ seed: 5, meters, firstPackage: '2025-11-02' })
  const feeds = (day: string) =>
    (['electricity', 'gas'] as const).map((service) => ({
      name: `${day}-${service}.xml`,
      bytes: Buffer.concat([...renderFeed(dailyPackage(fleet, day), service)]),
    }))
  let commits = 0
  const commit = async (at: string, stage: () => Promise<void>) => {
    await stage()
    const published = await publishStaged({ roots, timeZone, now: () => new Date(at), deferViews: true })
    if (published.commit === null) throw new Error('nothing was published')
    commits = published.commit
  }
  const day = async (date: string, receivedAt: string) => {
    const notificationId = notificationOf(date)
    for (const feed of feeds(date)) await stageArrival(lake, { ...feed, notificationId, receivedAt })
    await stageNotification(roots, {
      notificationId,
      receivedAt,
      status: 'ingested',
      resources: 2,
      refused: 0,
      loaded: 2,
      message: null,
    })
  }
  await commit('2025-11-03T18:00:00Z', async () => {
    await stageRequest(roots, request('accepted', '2025-11-03T17:00:00.000Z', null))
    await day('2025-11-02', '2025-11-03T17:50:00.000Z')
  })
  // a commit without loads
  await commit('2025-11-03T18:00:01Z', () =>
    stageRequest(roots, request('answered', '2025-11-03T18:00:00.500Z', notificationOf('2025-11-02'))),
  )
  await commit('2025-11-04T18:00:00Z', async () => {
    await day('2025-11-03', '2025-11-04T17:50:00.000Z')
    if (customers)
      await stageArrival(lake, {
        name: 'customers.xml',
        bytes: Buffer.concat([...renderCustomerFeed(fleet, Date.parse('2025-11-04T12:00:00Z'))]),
        notificationId: notificationOf('2025-11-03'),
        receivedAt: '2025-11-04T17:51:00.000Z',
      })
  })
  // one that was cut, in a commit of its own; authorizations
  await commit('2025-11-04T18:00:00Z', async () => {
    const [feed] = feeds('2025-11-04')
    const bytes = (feed?.bytes ?? Buffer.alloc(0)).subarray(0, 20_000)
    await stageArrival(lake, { name: 'cut.xml', bytes, receivedAt: '2025-11-04T17:59:00.000Z' })
    const told = { authorizationId: 'A1', gone: false, status: 1, authorizedStartAt: '2024-01-01T00:00:00Z' }
    const nothing = {
      publishedStartAt: null,
      publishedEndAt: null,
      expiresAt: null,
      customerResource: null,
      updatedAt: null,
    }
    await stageAuthorizations(roots, '2025-11-04T17:00:00.000Z', [
      { ...told, ...nothing, authorizedEndAt: null, scope: 'FB=1', resource: '/Batch/Bulk/1', publishedAt: null },
    ])
  })
  await commit('2025-11-05T18:00:00Z', () => day('2025-11-04', '2025-11-05T17:50:00.000Z'))
  await commit('2025-11-06T18:00:00Z', async () => {
    await day('2025-11-05', '2025-11-06T17:50:00.000Z')
    // older than what is known: it comes late, from a file
    const [late] = feeds('2025-11-01')
    if (late) await stageArrival(lake, { ...late, receivedAt: '2025-11-06T17:55:00.000Z' })
  })
  // hours become quarters and what came between is late; one is said twice; a meter's parents come after its readings
  await commit('2025-11-07T18:00:00Z', async () => {
    const receivedAt = '2025-11-07T17:00:00.000Z'
    await stageArrival(lake, { name: 'h.xml', bytes: smallFeed(hours(30, 5), '2025-11-05T01:00:00Z'), receivedAt })
    await stageArrival(lake, {
      name: 'a.xml',
      bytes: smallFeed(hours(3, 6), '2025-11-05T02:00:00Z', { meter: 'M2', isAlone: true }),
      receivedAt,
    })
  })
  await commit('2025-11-08T18:00:00Z', async () => {
    const receivedAt = '2025-11-08T17:00:00.000Z'
    await stageArrival(lake, { name: 'q.xml', bytes: smallFeed(quarters(8, 2), '2025-11-06T01:00:00Z'), receivedAt })
    await stageArrival(lake, {
      name: 'm.xml',
      bytes: Buffer.from(feedOf(readingTypeEntry('T1'), meterReadingEntry(meterReadingPath('U1', 'M2')))),
      receivedAt,
    })
  })
  await commit('2025-11-09T18:00:00Z', async () => {
    const receivedAt = '2025-11-09T17:00:00.000Z'
    await stageArrival(lake, { name: 'again.xml', bytes: smallFeed(hours(30, 5), '2025-11-07T01:00:00Z'), receivedAt })
  })
  await commit('2025-11-10T18:00:00Z', async () => {
    const receivedAt = '2025-11-10T17:00:00.000Z'
    const twice = [...hours(4, 7), ...hours(2, 8)]
    await stageArrival(lake, { name: 'late.xml', bytes: smallFeed(twice, '2025-11-06T12:00:00Z'), receivedAt })
  })
  await ensureViews(roots)
  await ensurePersonalViews(roots)
  return { ...lake, fleet, commits }
}
