/** Ad hoc requests whose notification never comes, or comes before their 202: the pull ends answered, the lake holds what was asked for. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configuredClient } from '../../bin/configured-client.ts'
import type { Meterlake } from '../../bin/up.ts'
import { taskQueues, workflowIds, workflowNames } from '../../schemas/orchestration.ts'
import type { PullInput, PullOutcome } from '../../schemas/pull.ts'
import { namedFault } from '../../sim/fault-catalogue.ts'
import { createFleet } from '../../sim/fleet.ts'
import { renderFeed } from '../../sim/render-feed.ts'
import { lakeValues } from '../support/lake-values.ts'
import { createLake } from '../support/lake.ts'
import { openSite, type Site } from '../support/site.ts'

let site: Site
let meterlake: Meterlake
beforeAll(async () => {
  site = await openSite({ custodian: { fleet: createFleet({ seed: 3, meters: 6, firstPackage: '2026-01-01' }) } })
  meterlake = await site.start()
})
afterAll(async () => {
  await meterlake[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

/** A pull of usage; a notification is waited for `notifyWithinMs`. */
async function pull(window: PullInput['window'], notifyWithinMs: number): Promise<PullOutcome> {
  const { clientAlias } = configuredClient(site.config)
  const target = { feed: 'usage', by: 'published', window } as const
  const input: PullInput = { ...target, clientAlias, reason: 'pull', asks: 3, notifyWithinMs }
  return (await meterlake.client.workflow.execute(workflowNames.pullFeed, {
    workflowId: workflowIds.pull(clientAlias, target),
    taskQueue: taskQueues.orchestrate,
    args: [input],
  })) as PullOutcome
}

const requests = async () => site.query('SELECT ask, status FROM ops.request ORDER BY asked_at')

test('silence after the 202: asked again, answered', async () => {
  site.custodian.faults.add(namedFault('silence'))
  const outcome = await pull({ from: '2026-01-01', to: '2026-01-31' }, 20_000)
  expect(outcome).toMatchObject({ status: 'answered', failed: 0 })
  const asks = await requests()
  expect(asks[0]).toEqual({ ask: '1', status: 'unanswered' })
  // A busy machine may ask once more before it has ingested the answer.
  expect(asks.at(-1)?.['status']).toBe('answered')
})

test('the notification before the 202: answered at once', async () => {
  site.custodian.faults.add(namedFault('early'))
  const outcome = await pull({ from: '2026-03-01', to: '2026-03-31' }, 120_000)
  expect(outcome).toMatchObject({ status: 'answered', asked: 1, failed: 0 })
})

test('the lake holds what the utility prepared', async () => {
  const packages = site.custodian.preparations.flatMap(({ feedPackage }) => feedPackage ?? [])
  expect(packages.length).toBeGreaterThanOrEqual(2)
  await using faultless = await createLake()
  for (const [at, feedPackage] of packages.entries()) {
    for (const service of ['electricity', 'gas'] as const) {
      const path = join(faultless.dir, `${at}-${service}.xml`)
      await writeFile(path, [...renderFeed(feedPackage, service)])
      await faultless.load([path])
    }
  }
  const found = await lakeValues((sql) => site.query(sql))
  expect(found.intervals.length).toBeGreaterThan(5_000)
  expect(found).toEqual(await lakeValues((sql) => faultless.query(sql)))
})
