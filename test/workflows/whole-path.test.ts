/**
 * The main job with nothing in place of the real thing but the utility: notification over mutual TLS → spool → workflow → token →
 * download → archive → load → publish → SQL, with real Share My Data feeds.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { describe, expect, test } from 'vitest'
import { openViews } from '../../warehouse/query.ts'
import { startMeterlake } from '../../bin/up.ts'
import { bundleWorkflows } from '../../bin/worker.ts'
import { silentLog } from '../../custodian/log.ts'
import type { NotificationOutcome } from '../../schemas/ingest.ts'
import type { LakeRoots } from '../../schemas/load-process.ts'
import { workflowIds } from '../../schemas/orchestration.ts'
import { openIngestSite } from '../support/ingest-site.ts'
import { runningActivities } from '../support/running-activities.ts'
import { sharedPath } from '../support/shared.ts'

const samples = sharedPath('espi/samples')
const usageSamples = [
  'pge-bulk-elec-hourly-1day-2019-10-17.xml',
  'pge-bulk-elec-hourly-2019-10-23.xml',
  'pge-bulk-gas-daily-2020-05.xml',
]
const customerSample = 'pge-batch-retailcustomer.xml'

interface Expected {
  readonly series: readonly {
    readonly usage_point_id: string
    readonly meter_reading_id: string
    readonly n: number
    readonly sum_value: string
    readonly sum_kwh: string | null
  }[]
}

/** n, sum of values and sum of 10⁻⁹ kWh by series: two of the samples are days of one meter. */
function sumsOf(series: Expected['series']): Map<string, [number, string, string]> {
  const sums = new Map<string, [number, string, string]>()
  for (const { usage_point_id, meter_reading_id, n, sum_value, sum_kwh } of series) {
    const key = `${usage_point_id} ${meter_reading_id}`
    const [count, value, nano] = sums.get(key) ?? [0, '0', '0']
    const [whole = '0', fraction = ''] = (sum_kwh ?? '0').split('.')
    const its = BigInt(`${whole}${fraction.padEnd(9, '0')}`)
    sums.set(key, [count + n, String(BigInt(value) + BigInt(sum_value)), String(BigInt(nano) + its)])
  }
  return sums
}

const expectedOf = (sample: string) =>
  JSON.parse(
    readFileSync(fileURLToPath(new URL(`../real/expected/${sample}.json`, import.meta.url)), 'utf8'),
  ) as Expected

async function query(roots: LakeRoots, sql: string) {
  await using views = await openViews(roots)
  return await views.database.rows(sql)
}

/** Histories of all runs, with their payloads decoded. */
async function allHistories(client: Client): Promise<string> {
  const texts: string[] = []
  for await (const { workflowId, runId } of client.workflow.list()) {
    const text = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory())
    const payloads = [...text.matchAll(/"data":\s*"([^"]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString(),
    )
    texts.push(text, ...payloads)
  }
  return texts.join('\n')
}

describe.skipIf(samples === undefined)('real feeds, the whole path', () => {
  test('from the notification to the numbers, and nothing secret on the way', async () => {
    const logged: string[] = []
    const write = (fields: object, message: string) => logged.push(`${JSON.stringify(fields)} ${message}`)
    const log = { debug: write, info: write, warn: write, error: write }
    await using site = await openIngestSite()
    const notifications: string[] = []
    await using meterlake = await startMeterlake(site.config(), {
      log,
      onNotification: ({ notificationId }) => notifications.push(notificationId),
    })
    const { client, webhook } = meterlake
    site.custodian.setNotifyUrl(`https://localhost:${webhook?.port}/notify`)
    const offer = { notify: false }
    const usage = await site.custodian.serveFile(
      usageSamples.map((name) => join(samples ?? '', name)),
      offer,
    )
    const customer = await site.custodian.serveFile(join(samples ?? '', customerSample), { ...offer, feed: 'customer' })
    const urls = [...usage.resources, ...customer.resources].map(({ url }) => url)
    expect(await site.custodian.notify({ urls })).toMatchObject({ status: 200 })
    // The same list again is the same notification:
    expect(await site.custodian.notify({ urls })).toMatchObject({ status: 200 })

    await expect.poll(() => notifications.length, { timeout: 120_000 }).toBe(1)
    const handle = client.workflow.getHandle(workflowIds.notification(notifications[0] ?? ''))
    const outcome = (await handle.result()) as NotificationOutcome
    expect(outcome).toMatchObject({
      status: 'ingested',
      resources: [{ status: 'loaded' }, { status: 'loaded' }, { status: 'loaded' }, { status: 'loaded' }],
    })

    const found = await query(
      site.roots,
      `SELECT usage_point_id || ' ' || meter_reading_id AS series, count(*)::INTEGER AS n, sum(value)::VARCHAR AS sum_value,
         coalesce(replace(sum(energy_kwh)::VARCHAR, '.', '')::HUGEINT, 0)::VARCHAR AS sum_nano FROM core.interval GROUP BY ALL`,
    )
    expect(new Map(found.map(({ series, n, sum_value, sum_nano }) => [series, [n, sum_value, sum_nano]]))).toEqual(
      sumsOf(usageSamples.flatMap((sample) => expectedOf(sample).series)),
    )
    const [notification] = await query(site.roots, 'SELECT * FROM ops.notification')
    expect(notification).toMatchObject({ status: 'ingested', n_resources: 4, n_refused: 0, n_loaded: 4 })
    const tokenRequests = site.custodian.requests.filter(({ path }) => path.endsWith('/token'))
    expect(tokenRequests).toHaveLength(1)
    expect(site.custodian.requests).toHaveLength(1 + urls.length)

    const state = join(site.roots.lake, 'state')
    const stored = readdirSync(state).find((name) => name.startsWith('token-')) ?? ''
    const { token } = JSON.parse(await readFile(join(state, stored), 'utf8')) as { token: string }
    const said = `${await allHistories(client)}\n${logged.join('\n')}`
    expect(said).toContain('downloadResource')
    const secrets = [token, site.custodian.clientSecret, ...personalTexts()]
    expect(secrets).toContain('ACME INDUSTRIES')
    for (const secret of secrets) expect(said.includes(secret), `${secret.slice(0, 3)}… was found`).toBe(false)
    for (const line of logged) expect(line).not.toMatch(/correlationID=/)
  }, 120_000)

  test.each(['token', 'download'])(
    'stopped during the %s and started again, it carries on',
    async (when) => {
      const bundle = await bundleWorkflows(silentLog)
      await using site = await openIngestSite()
      let notificationId = ''
      {
        await using meterlake = await startMeterlake(site.config(), {
          log: silentLog,
          bundle,
          onSpooled: (received) => {
            notificationId = received.notificationId
          },
        })
        site.custodian.setNotifyUrl(`https://localhost:${meterlake.webhook?.port}/notify`)
        // Bodies that come by the drop: the stop comes in the middle of one.
        const path = when === 'token' ? /token$/ : /Batch/
        site.custodian.faults.add({ path, on: 'all', effect: { kind: 'slow', bytes: 16, delayMs: 500 } })
        await site.custodian.serveFile(join(samples ?? '', usageSamples[0] ?? ''))
        const activity = when === 'token' ? 'refreshClientToken' : 'downloadResource'
        await expect.poll(async () => runningActivities(meterlake.client), { timeout: 120_000 }).toContain(activity)
      }
      site.custodian.faults.clear()
      await using again = await startMeterlake(site.config(), { log: silentLog, bundle })
      const handle = again.client.workflow.getHandle(workflowIds.notification(notificationId))
      expect(await handle.result()).toMatchObject({ status: 'ingested', resources: [{ status: 'loaded' }] })
      const [row] = await query(site.roots, 'SELECT count(*)::INTEGER AS n FROM core.interval')
      expect(row).toEqual({ n: 24 })
    },
    120_000,
  )
})

/** What the customer feed says of persons: names, streets, places, and every text with a letter and a space in it. */
function personalTexts(): string[] {
  const xml = readFileSync(join(samples ?? '', customerSample), 'utf8')
  const texts = [
    ...xml.matchAll(
      /<(?:\w+:)?(?:customerName|streetDetail|name|townDetail|addressGeneral|localNumber|areaCode|email1)>([^<]+)</g,
    ),
  ]
  return [
    ...new Set(texts.map(([, text]) => (text ?? '').trim()).filter((text) => text.length >= 6 && /[a-z]/i.test(text))),
  ]
}
