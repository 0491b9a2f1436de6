/** The daily running as an operator meets it: the real processes, a simulated utility, a real Temporal server. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registrationAccessToken, registrySecrets } from '../../sim/registry.ts'
import { createFleet } from '../../sim/fleet.ts'
import { namedFault } from '../../sim/fault-catalogue.ts'
import { freePort } from '../support/free-port.ts'
import { folderTexts } from '../support/folder-text.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))

let site: Site
let temporal: TestTemporal
let config: string
let metricsPort: number
let healthPort: number
let up: ReturnType<typeof spawn>
const lines: Record<string, unknown>[] = []

async function meterlake(...args: readonly string[]) {
  const child = spawn(process.execPath, [cli, ...args, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await exit) as [number]
  return { stdout, stderr, code }
}

const get = async (port: number, path: string) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

beforeAll(async () => {
  temporal = await startTestTemporal()
  const fleet = createFleet({ seed: 5, meters: 20, firstPackage: '2025-11-01' })
  site = await openSite({ custodian: { fleet }, temporal: temporal.address })
  ;[metricsPort, healthPort] = await Promise.all([freePort(), freePort()])
  config = await site.configFile()
  const settings = parse(await readFile(config, 'utf8')) as { custodian: Record<string, unknown> }
  const registration = join(site.dir, 'registration')
  await writeFile(registration, registrationAccessToken)
  const { bulk_id: _discovered, ...custodian } = settings.custodian
  const operations = { metrics: `127.0.0.1:${metricsPort}`, health: `127.0.0.1:${healthPort}` }
  const application = { registration_access_token: { file: registration } }
  await writeFile(config, stringify({ ...settings, operations, custodian: { ...custodian, application } }))
  up = spawn(process.execPath, [cli, 'up', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  const started = Promise.withResolvers<string>()
  createInterface({ input: up.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    const fields = JSON.parse(line) as Record<string, unknown>
    lines.push(fields)
    if (fields['msg'] === 'meterlake is up') started.resolve(String(fields['webhook']))
  })
  up.once('exit', (code) => started.reject(new Error(`meterlake up ended with ${code}`)))
  site.custodian.setNotifyUrl(`https://localhost:${(await started.promise).split(':')[1] ?? ''}/notify`)
}, 120_000)
afterAll(async () => {
  up.kill('SIGKILL')
  await site[Symbol.asyncDispose]()
  await temporal[Symbol.asyncDispose]()
})

describe('a day', () => {
  test('ready, ingested, counted, logged by its ids', async () => {
    expect(await get(healthPort, '/healthz')).toMatchObject({ status: 200 })
    await expect.poll(async () => (await get(healthPort, '/readyz')).status, { timeout: 10_000 }).toBe(200)
    expect((await get(healthPort, '/other')).status).toBe(404)
    const { resources } = await site.custodian.prepareDay('2025-11-01')
    const outcome = await outcomeOfUrls(temporal.client, resources)
    expect(outcome.status).toBe('ingested')
    const metrics = async () => (await get(metricsPort, '/metrics')).text
    await expect
      .poll(metrics, { timeout: 10_000 })
      .toMatch(/^meterlake_packages_total\{.*feed="usage".*outcome="downloaded".*\} 2$/m)
    const said = await metrics()
    for (const name of [
      'meterlake_bytes_total',
      'meterlake_readings_total',
      'meterlake_certificate_days_left',
      'meterlake_oldest_unfetched_age_seconds',
      'meterlake_parked_packages',
      'meterlake_lost_packages',
      'meterlake_missing_days',
      'meterlake_quota_limit',
    ])
      expect(said).toMatch(new RegExp(`^${name}(?:\\{.*\\})? \\d`, 'm'))
    // A token, two packages; asked every 15 seconds.
    for (const window of ['hour', 'day']) {
      const used = new RegExp(`^meterlake_quota_used\\{(?=.*client="pge-\\w{8}")(?=.*window="${window}").*\\} 3$`, 'm')
      await expect.poll(metrics, { timeout: 40_000 }).toMatch(used)
    }
    const archived = lines.find(({ msg }) => msg === 'package archived')
    expect(archived).toMatchObject({
      level: 'info',
      workflowId: expect.stringMatching(/^resource\//) as string,
      transaction: expect.stringMatching(/^[\w-]{36}$/) as string,
    })
    expect(lines.find(({ msg }) => msg === 'staged')).toMatchObject({
      loadId: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    })
  })

  test('a poisoned package: status names it, the operator has it fetched anew', async () => {
    site.custodian.faults.add(namedFault('html'))
    const { resources } = await site.custodian.prepareDay('2025-11-02')
    expect(await outcomeOfUrls(temporal.client, resources)).toMatchObject({ status: 'partial' })
    await expect.poll(async () => (await meterlake('status', '--format', 'json')).code, { timeout: 20_000 }).toBe(3)
    const { stdout, code } = await meterlake('loads', 'parked', '--format', 'json')
    expect(code).toBe(3)
    const [parked] = JSON.parse(stdout) as { id: string; code: string }[]
    expect(parked).toMatchObject({ code: 'FEED_NOT_XML' })
    expect((await meterlake('loads', 'retry')).code).toBe(2)
    expect(await meterlake('loads', 'retry', parked?.id ?? '')).toMatchObject({ code: 0 })
    expect(await temporal.client.workflow.getHandle(parked?.id ?? '').result()).toMatchObject({ status: 'loaded' })
    expect(await site.query("SELECT count(*) AS n FROM ops.load WHERE status = 'loaded'")).toEqual([{ n: '4' }])
    await expect.poll(async () => (await meterlake('loads', 'parked')).code, { timeout: 20_000 }).toBe(0)
    const status = JSON.parse((await meterlake('status', '--format', 'json')).stdout) as object
    expect(status).toMatchObject({ oldest_unfetched_at: null, parked: [] })
  })

  test('SIGHUP reloads, SIGTERM drains and ends with 0; nothing secret was said or kept', async () => {
    up.kill('SIGHUP')
    await expect.poll(() => lines.some(({ msg }) => msg === 'reloading certificates'), { timeout: 10_000 }).toBe(true)
    expect((await get(healthPort, '/readyz')).status).toBe(200)
    const exited = once(up, 'exit')
    up.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    const all = [JSON.stringify(lines)]
    for await (const { text: kept } of folderTexts(site.config.lake.dir)) all.push(kept)
    for (const secret of [...registrySecrets, site.custodian.clientSecret])
      for (const found of all) expect(found.includes(secret)).toBe(false)
  })
})
