/** After good and failing ingests: no secret, token or person in any history, log, error, ledger or view. The scan is shown to find what is planted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { parse, stringify } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultEffect } from '../../sim/fault.ts'
import { createFleet } from '../../sim/fleet.ts'
import { freePort } from '../support/free-port.ts'
import { type Found, findSecrets, folderTexts } from '../support/folder-text.ts'
import { personalWords } from '../support/personal-words.ts'
import { openSite, outcomeOfUrls, type Site } from '../support/site.ts'
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts'

const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const fleet = createFleet({ seed: 77, meters: 20, firstPackage: '2025-11-01' })
const clientSecret = 'a-secret-of-this-test-7f3c'

let site: Site
let temporal: TestTemporal
let client: Client
let connection: Connection
let stop: () => Promise<number>
let metricsPort: number
/** What each process said, line by line. */
const said: { readonly who: string; readonly line: string }[] = []
const tokens = new Set<string>()
const refreshTokens = new Set<string>()
const secrets = new Map<string, string>()
const statuses: string[] = []

const text = (status: number, body: string): FaultEffect => ({ kind: 'answer', status, body })

/** `meterlake up` as a user starts it, as talkative as it can be. */
async function startUp(): Promise<{ webhook: string; stop: () => Promise<number> }> {
  const config = await site.configFile()
  metricsPort = await freePort()
  const settings = parse(await readFile(config, 'utf8')) as { custodian: { overrides: object } }
  // Refresh tokens in the query, as the utility's pages have it: the worst place for a secret.
  const overrides = { ...settings.custodian.overrides, refreshGrant: 'query' }
  const operations = { metrics: `127.0.0.1:${metricsPort}` }
  await writeFile(config, stringify({ ...settings, operations, custodian: { ...settings.custodian, overrides } }))
  const child = spawn(process.execPath, [cli, 'up', '--config', config], {
    env: { PATH: process.env['PATH'], METERLAKE_LOG_LEVEL: 'trace', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const up = Promise.withResolvers<string>()
  for (const [who, stream] of [
    ['stdout', child.stdout],
    ['stderr', child.stderr],
  ] as const) {
    createInterface(stream).on('line', (line) => {
      said.push({ who, line })
      const found = /"webhook":"([^"]+)".*meterlake is up/.exec(line)?.[1]
      if (found !== undefined) up.resolve(found)
    })
  }
  const exited = once(child, 'exit').then(([code]) => code as number)
  void exited.then((code) => up.reject(new Error(`meterlake up ended with ${code}`)))
  return {
    webhook: await up.promise,
    stop: async () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** The token that is in the store by now. */
async function rememberToken(): Promise<void> {
  const state = join(site.config.lake.dir, 'state')
  for (const name of await readdir(state)) {
    if (!/^token-.*\.json$/.test(name)) continue
    const kept = JSON.parse(await readFile(join(state, name), 'utf8')) as { token: string; refreshToken?: string }
    tokens.add(kept.token)
    if (kept.refreshToken !== undefined) refreshTokens.add(kept.refreshToken)
  }
}

async function ingest(day: string, path?: RegExp, effect?: FaultEffect, on?: readonly number[]): Promise<void> {
  site.custodian.faults.clear()
  // A feed that is cut once is fetched anew.
  if (path && effect) site.custodian.faults.add({ path, effect, on: effect.kind === 'truncate' ? 'all' : on })
  const { resources } = await site.custodian.prepareDay(day, { customers: true })
  const { resources: outcomes } = await outcomeOfUrls(client, resources)
  statuses.push(...outcomes.map((outcome) => (outcome.status === 'failed' ? outcome.code : outcome.status)))
  await rememberToken()
}

beforeAll(async () => {
  temporal = await startTestTemporal()
  site = await openSite({
    custodian: { fleet, clientSecret, tokenFormat: 'xml', refreshTokens: true },
    temporal: temporal.address,
  })
  const up = await startUp()
  stop = up.stop
  site.custodian.setNotifyUrl(`https://localhost:${up.webhook.split(':')[1] ?? ''}/notify`)
  connection = await Connection.connect({ address: temporal.address })
  client = new Client({ connection })
  await ingest('2025-11-01')
  site.custodian.revokeTokens()
  await ingest('2025-11-02')
  await ingest('2025-11-03', /Batch/, text(403, 'Forbidden'))
  await ingest('2025-11-04', /Bulk\//, text(404, 'Not Found'))
  await ingest('2025-11-05', /Batch/, text(400, 'Invalid Certificate'))
  // Gateways quote requests back.
  const token = [...tokens].at(-1) ?? ''
  await ingest(
    '2025-11-06',
    /Batch/,
    text(400, `no route for a request with Authorization: Bearer ${token} (${token})`),
  )
  await ingest('2025-11-07', /Batch/, text(200, '<!DOCTYPE html><html><body>Sign in</body></html>'))
  await ingest('2025-11-08', /CustomerInfo/, { kind: 'truncate', bytes: 9_000, contentLength: false })
  site.custodian.revokeTokens()
  const basic = Buffer.from(`${site.custodian.clientId}:${clientSecret}`).toString('base64')
  await ingest(
    '2025-11-09',
    /token$/,
    text(
      400,
      `{"error":"invalid_client","error_description":"Basic ${basic} ${clientSecret} ${[...refreshTokens].at(-1) ?? ''}"}`,
    ),
    // The refresh token first, then id and secret.
    [1, 2],
  )
  secrets.set('client secret', clientSecret).set('Basic credentials', basic)
  for (const [at, token] of [...tokens].entries()) secrets.set(`token ${at}`, token)
  for (const [at, token] of [...refreshTokens].entries()) secrets.set(`refresh token ${at}`, token)
  for (const [at, word] of personalWords(fleet).entries()) secrets.set(`person ${at}`, word)
}, 400_000)
afterAll(async () => {
  await connection.close()
  await site[Symbol.asyncDispose]()
  await temporal[Symbol.asyncDispose]()
})

/** Histories of all runs, with payloads decoded. */
async function histories(): Promise<{ where: string; text: string }[]> {
  const found: { where: string; text: string }[] = []
  for await (const { workflowId, runId } of client.workflow.list()) {
    const json = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory())
    const payloads = [...json.matchAll(/"data":\s*"([^"]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString('utf8'),
    )
    found.push({ where: `history ${workflowId}`, text: [json, ...payloads].join('\n') })
  }
  return found
}

const scan = (texts: Iterable<{ readonly where: string; readonly text: string }>): Found[] =>
  [...texts].flatMap(({ where, text }) => findSecrets(where, text, secrets))

const foundInHistories = async () => scan(await histories()).map(({ where, what }) => `${where}: ${what}`)

describe('after good and failing ingests', () => {
  test('the run had what could leak: every token is known, every failure came', () => {
    const granted = site.custodian.requests.filter(({ path, status }) => path.endsWith('/token') && status === 200)
    expect(tokens.size).toBe(granted.length)
    expect(tokens.size).toBeGreaterThanOrEqual(3)
    expect(granted.some(({ query }) => query.includes('grant_type=refresh_token'))).toBe(true)
    expect(refreshTokens.size).toBe(tokens.size)
    const codes = [
      'loaded',
      'RESOURCE_GONE',
      'CERTIFICATE_REFUSED',
      'REQUEST_REFUSED',
      'FEED_NOT_XML',
      'FEED_TRUNCATED',
      'TOKEN_REFUSED',
    ]
    expect(new Set(statuses)).toEqual(new Set(codes))
    expect(secrets.size).toBeGreaterThan(60)
  })

  test('no workflow history', async () => {
    const all = await histories()
    expect(all.length).toBeGreaterThan(25)
    expect(all.some(({ text }) => text.includes('"fingerprint"') && !text.includes('FEED_NOT_XML'))).toBe(true)
    expect(scan(all)).toEqual([])
  })

  test('no line of any process, no Authorization header', () => {
    const text = said.map(({ line }) => line).join('\n')
    expect(said.length).toBeGreaterThan(50)
    expect(scan([{ where: 'output', text }])).toEqual([])
    expect(text).not.toMatch(/\b(Bearer|Basic)\s+[\w\-+/=.]{8}/i)
    expect(text).not.toMatch(/correlationID=|refresh_token=/i)
  })

  test('no metric', async () => {
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    const text = await answer.text()
    expect(text).toMatch(/^meterlake_quota_limit/m)
    expect(scan([{ where: 'metrics', text }])).toEqual([])
  })

  test('no file of the lake but the token store: ledger, views, archive, spool, receipts', async () => {
    const found: Found[] = []
    let files = 0
    for await (const { path, text } of folderTexts(site.config.lake.dir)) {
      if (/\/state\/token-[^/]+\.json$/.test(path)) continue
      files += 1
      found.push(...findSecrets(path, text, secrets))
    }
    expect(files).toBeGreaterThan(40)
    expect(found).toEqual([])
  })

  test('no view says them, nor does an error of the command line', async () => {
    const names = await site.query(
      "SELECT schema_name || '.' || view_name AS name FROM duckdb_views() WHERE NOT internal",
    )
    expect(names.length).toBeGreaterThan(8)
    for (const { name } of names) {
      const rows = await site.query(`SELECT to_json(t)::VARCHAR AS row FROM ${name} t`)
      expect(scan([{ where: name ?? '', text: rows.map(({ row }) => row).join('\n') }])).toEqual([])
    }
  })

  test('the database of Temporal holds none either', async () => {
    const texts: { where: string; text: string }[] = []
    for await (const { path, text } of folderTexts(temporal.stateDir)) texts.push({ where: path, text })
    expect(texts.length).toBeGreaterThan(1)
    expect(scan(texts)).toEqual([])
  })

  test('it stops cleanly and says nothing of them on the way', async () => {
    expect(await stop()).toBe(0)
    expect(scan(said.slice(-20).map(({ who, line }) => ({ where: who, text: line })))).toEqual([])
  })
})

test('the scan finds what is planted, in every disguise', async () => {
  const [token = ''] = tokens
  const person = personalWords(fleet)[0] ?? ''
  const planted = [
    token,
    `x${Buffer.from(`ab ${token} c`).toString('base64')}`,
    encodeURIComponent(person),
    Buffer.from(clientSecret).toString('hex'),
  ]
  expect(planted.map((text) => scan([{ where: 'planted', text }]).length > 0)).toEqual([true, true, true, true])
  await client.workflow.start('planted', {
    workflowId: 'planted',
    taskQueue: 'nobody',
    args: [{ note: `Bearer ${token}` }],
    memo: { person },
  })
  const both = expect.arrayContaining(['history planted: token 0', 'history planted: person 0']) as unknown
  // A run that has just begun is listed a moment later.
  await expect.poll(foundInHistories, { timeout: 30_000 }).toEqual(both)
  expect(new Set((await foundInHistories()).map((text) => text.split(':')[0]))).toEqual(new Set(['history planted']))
})
