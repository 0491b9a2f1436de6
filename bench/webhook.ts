/**
 * `npm run bench:webhook`: `meterlake webhook` in a process of its own, notified from this one over mutual TLS: 1,000 a second for 10 s,
 * 200 distinct ones among them. Correctness comes first: each distinct one lies in the spool once and has one workflow.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { stringify } from 'smol-toml'
import { openTemporalServer } from '../bin/temporal-server.ts'
import { workflowNames } from '../schemas/orchestration.ts'
import { type CertificatePaths, ensureCertificates } from '../sim/certificates.ts'
import { distinctNotifications, openSlowClients, sendNotifications } from '../sim/notification-load.ts'
import { loadConfig, processSource, temporalBinarySources } from '../temporal.config.ts'
import { startWebhookProcess } from './webhook-process.ts'

const perSecond = 1_000
const duration_s = 10
const distinct = 200
const wanted_ms = 250
const namespace = 'default'
const bodies = distinctNotifications(distinct, 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource')

const cases = [
  { name: 'Temporal runs', hasTemporal: true, slow: 0 },
  { name: 'Temporal stopped', hasTemporal: false, slow: 0 },
  { name: 'Temporal runs, 100 clients of a byte a second', hasTemporal: true, slow: 100 },
  { name: 'Temporal stopped, 100 clients of a byte a second', hasTemporal: false, slow: 100 },
] as const

console.log(`# ${perSecond} notifications a second for ${duration_s} s, ${distinct} distinct

${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'cpu'}. Wanted: 99 % answered within ${wanted_ms} ms.

| case | answered 200 | median | 99 % | slowest | spooled | workflows |
|---|---|---|---|---|---|---|`)
for (const { name, hasTemporal, slow } of cases) {
  const { statuses, latencies_ms, spooled, workflows } = await measureCase(hasTemporal, slow)
  const within = (share: number): number => latencies_ms[Math.ceil(latencies_ms.length * share) - 1] ?? Number.NaN
  const times = [0.5, 0.99, 1].map((share) => `${within(share).toFixed(0)} ms`).join(' | ')
  const answered = statuses.get(200) ?? 0
  console.log(`| ${name} | ${answered} | ${times} | ${spooled} | ${workflows} |`)
  const isWhole = answered === perSecond * duration_s && spooled === distinct && workflows === distinct
  if (!isWhole || !(within(0.99) <= wanted_ms)) process.exitCode = 1
}

async function measureCase(hasTemporal: boolean, slow: number) {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'meterlake-bench-webhook-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const binary = temporalBinarySources(loadConfig({ ...processSource(), cwd: folder }))
  const stateDir = join(folder, 'temporal')
  let server = await openTemporalServer({ namespace, stateDir, binary })
  stack.defer(async () => server[Symbol.asyncDispose]())
  const { address } = server
  const certificates = await ensureCertificates(join(folder, 'certificates'))
  const webhook = stack.use(await startWebhookProcess(await writeConfig(folder, address, certificates)))
  await webhook.forwards
  if (!hasTemporal) await server[Symbol.asyncDispose]()
  const target = { url: `https://localhost:${webhook.port}/notify`, certificates }
  stack.use(openSlowClients(slow, target))
  if (slow > 0) await sleep(1_000)
  const answers = await sendNotifications({ ...target, bodies, total: perSecond * duration_s, perSecond })
  if (!hasTemporal) {
    server = await openTemporalServer({ namespace, stateDir, binary, port: Number(address.split(':')[1]) })
  }
  const workflows = await countWorkflows(address)
  const spool = join(folder, 'lake', 'state', 'notifications')
  const inFolders = await Promise.all(['new', 'done', 'bad'].map(async (state) => readdir(join(spool, state))))
  return { ...answers, workflows, spooled: inFolders.flat().length }
}

async function writeConfig(folder: string, address: string, { ca, webhook }: CertificatePaths): Promise<string> {
  const path = join(folder, 'meterlake.toml')
  const settings = {
    lake: { dir: join(folder, 'lake') },
    temporal: { address, namespace },
    webhook: { listen: '127.0.0.1:0', path: '/notify', client_ca: ca, certificate: webhook },
  }
  await writeFile(path, stringify(settings))
  return path
}

/** Waits, a minute at most, until there are as many as distinct notifications; then a moment more for any too many. */
async function countWorkflows(address: string): Promise<number> {
  const connection = await Connection.connect({ address })
  try {
    const client = new Client({ connection, namespace })
    const query = `WorkflowType = '${workflowNames.ingestNotification}'`
    for (const deadline_ms = Date.now() + 60_000; Date.now() < deadline_ms; await sleep(250)) {
      if ((await client.workflow.count(query)).count >= distinct) break
    }
    await sleep(1_000)
    return (await client.workflow.count(query)).count
  } finally {
    await connection.close()
  }
}
