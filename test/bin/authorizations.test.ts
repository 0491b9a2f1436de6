/** Authorizations from the utility to SQL: asked for, told of by notification, revoked; and corrections after their end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configuredClient } from '../../bin/configured-client.ts'
import type { Meterlake } from '../../bin/up.ts'
import { messageNames, workflowIds } from '../../schemas/orchestration.ts'
import type { QuotaUsage } from '../../schemas/quota.ts'
import { createFleet } from '../../sim/fleet.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))

let site: Site
let running: Meterlake
let config: string

beforeAll(async () => {
  site = await openSite({ custodian: { fleet: createFleet({ seed: 6, meters: 20, firstPackage: '2025-11-01' }) } })
  running = await site.start()
  config = await site.configFile()
  const { resources } = await site.custodian.prepareDay('2025-11-01')
  await outcomeOfUrls(running.client, resources)
}, 120_000)
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await site[Symbol.asyncDispose]()
})

async function meterlake(...args: readonly string[]) {
  const child = spawn(process.execPath, [cli, ...args, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await exit) as [number]
  return { stdout, stderr, code }
}

/** Workflow ids of all runs about an authorization. */
async function runs(): Promise<string[]> {
  const ids: string[] = []
  const query = "WorkflowType = 'ingestResource' AND MeterlakeFeed = 'authorization'"
  for await (const { workflowId } of running.client.workflow.list({ query })) ids.push(workflowId)
  return ids
}

test('authorizations: listed, kept where they changed, revoked only if said so', async () => {
  const versions = async () =>
    site.query('SELECT authorization_id AS id, status, gone FROM core.authorization_version ORDER BY observed_at, 1')
  const { stdout, code } = await meterlake('authorizations', 'list', '--format', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject([
    { authorization_id: '1' },
    { authorization_id: '2' },
    { authorization_id: '1000417', status: 1 },
  ])
  await meterlake('authorizations', 'list')
  expect(await versions()).toHaveLength(3)
  expect(await meterlake('authorizations', 'revoke', '1000417')).toMatchObject({ code: 2 })
  expect(await meterlake('authorizations', 'revoke', '1000417', '--yes')).toMatchObject({ code: 0 })
  expect(site.custodian.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  expect((await versions()).at(-1)).toEqual({ id: '1000417', status: '0', gone: 'false' })
  site.custodian.registry.entitled = false
  expect(await meterlake('authorizations', 'list')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('NOT_ENTITLED') as string,
  })
  site.custodian.registry.entitled = true
  // A person's requests count as all others.
  const { profile } = configuredClient(site.config)
  const entity = running.client.workflow.getHandle(workflowIds.apiQuota(profile.name))
  const [used] = Object.values((await entity.query<QuotaUsage>(messageNames.usage)).clients)
  const sent = site.custodian.requests.filter(({ path }) => path.includes('/Authorization'))
  expect(used?.days.at(-1)?.byKind['authorization']).toBe(sent.length)
})

test('a notification of the third kind: each time a new run, and what changed is known', async () => {
  const url = `${site.custodian.resourceUrl}/Authorization/1000417`
  site.custodian.registry.remove('1000417')
  for (const _ of [1, 2]) expect(await site.custodian.notify({ urls: [url] })).toMatchObject({ status: 200 })
  await expect.poll(async () => (await runs()).length, { timeout: 20_000 }).toBe(2)
  for (const id of await runs()) await running.client.workflow.getHandle(id).result()
  expect(
    await site.query("SELECT status, gone, scope FROM core.authorization WHERE authorization_id = '1000417'"),
  ).toEqual([{ status: '0', gone: 'true', scope: 'FB=1_3_4_5;BR=50916' }])
  expect(
    await site.query("SELECT count(*) AS n FROM core.authorization_version WHERE authorization_id = '1000417'"),
  ).toEqual([{ n: '3' }])
})

test('corrections of an authorization that has ended are taken as any other', async () => {
  const before = await site.query('SELECT count(*) AS n FROM core.interval_version')
  const { resources } = await site.custodian.prepareDay('2025-11-03')
  expect(await outcomeOfUrls(running.client, resources)).toMatchObject({
    status: 'ingested',
  })
  const after = await site.query('SELECT count(*) AS n FROM core.interval_version')
  expect(Number(after[0]?.['n'])).toBeGreaterThan(Number(before[0]?.['n']))
  expect(await site.query("SELECT count(*) AS n FROM ops.quarantine WHERE severity = 'error'")).toEqual([{ n: '0' }])
})
