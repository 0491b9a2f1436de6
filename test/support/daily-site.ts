/** A running site that is given one operating day after another, and knows what its lake must hold of them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openTemporalServer, type TemporalServer } from '../../bin/temporal-server.ts'
import type { Meterlake } from '../../bin/up.ts'
import { createFleet } from '../../sim/fleet.ts'
import { dailyPackage } from '../../sim/package.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import type { Row } from './lake-rows.ts'
import { createLake } from './lake.ts'
import { notificationIdOfUrls, openSite, type Site } from './site.ts'
import { temporalBinary } from './temporal.ts'

type Figures = Readonly<Record<string, readonly Row[]>>

export interface DailySite extends AsyncDisposable {
  readonly site: Site
  readonly meterlake: Meterlake
  /** Feeds that must be in the lake, in the order they came; the test says which. */
  readonly taken: string[]
  /** The next operating day as a file, served as a package. */
  offerNext(options?: { readonly notify?: boolean }): Promise<Offer>
  /** The row of ops.notification of a list of URLs. */
  notificationRow(urls: readonly string[]): Promise<Row | undefined>
  /** Whether worker or server have broken. */
  isOver(): boolean
  stopTemporal(): Promise<void>
  /** At the address where it was. */
  startTemporal(): Promise<void>
  /** Of each day in the lake, and in one that has loaded `taken` undisturbed: how many readings, and their checksum. */
  figures(): Promise<{ readonly found: Figures; readonly expected: Figures }>
}

export interface Offer {
  readonly path: string
  readonly url: string
  /** What the webhook answered; null where it was not notified. */
  readonly answered: number | null
}

const seededFleet = () => createFleet({ seed: 5, meters: 20, firstPackage: '2025-11-01' })

export async function openDailySite(): Promise<DailySite> {
  await using stack = new AsyncDisposableStack()
  const fleet = seededFleet()
  const site = stack.use(await openSite({ custodian: { fleet } }))
  const openTemporal = async (port?: number): Promise<TemporalServer> =>
    openTemporalServer({
      namespace: 'default',
      stateDir: join(site.dir, 'temporal'),
      binary: temporalBinary(),
      ...(port !== undefined && { port }),
    })
  let temporal = await openTemporal()
  const { address } = temporal
  stack.defer(async () => temporal[Symbol.asyncDispose]())
  const configured = { ...site.config, temporal: { ...site.config.temporal, address } }
  const meterlake = stack.use(await site.start(undefined, configured))
  let over = false
  const end = () => {
    over = true
  }
  meterlake.done.then(end, end)
  const taken: string[] = []
  let day = 0
  const owned = stack.move()
  return {
    site,
    meterlake,
    taken,
    isOver: () => over,
    async offerNext({ notify = true } = {}) {
      const date = new Date(Date.UTC(2025, 10, 1 + day)).toISOString().slice(0, 10)
      day += 1
      const path = join(site.dir, `${date}.xml`)
      await writeFile(path, [...renderFeed(dailyPackage(fleet, date), 'electricity')])
      const { resources, notification } = await site.custodian.serveFile(path, { notify })
      return { path, url: resources[0]?.url ?? '', answered: notification?.status ?? null }
    },
    async notificationRow(urls) {
      const [row] = await site.query(
        `SELECT status, n_resources, n_refused, n_loaded, message FROM ops.notification WHERE notification_id = '${notificationIdOfUrls(urls)}'`,
      )
      return row
    },
    stopTemporal: async () => temporal[Symbol.asyncDispose](),
    startTemporal: async () => {
      temporal = await openTemporal(Number(address.split(':')[1]))
    },
    async figures() {
      await using lake = await createLake()
      for (const file of taken) await lake.load([file])
      return { found: await figuresOf((sql) => site.query(sql)), expected: await figuresOf((sql) => lake.query(sql)) }
    },
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  }
}

const byDay = (view: string) => `SELECT local_date, load_id, count(*) AS n, sum(hash(t)::HUGEINT) AS checksum
  FROM (SELECT * EXCLUDE (known_at) FROM ${view}) t GROUP BY ALL ORDER BY ALL`

const figuresOf = async (query: (sql: string) => Promise<readonly Row[]>): Promise<Figures> => ({
  intervals: await query(byDay('core.interval')),
  versions: await query(byDay('core.interval_version')),
  loads: await query("SELECT load_id FROM ops.load WHERE status <> 'failed' ORDER BY ALL"),
})
