/** `npm start`: one operating day end to end on this machine, from a simulated utility's notification to numbers. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CertificatePaths } from '../sim/certificates.ts'
import { createFleet } from '../sim/fleet.ts'
import { type SimulatedCustodian, startSimulatedCustodian } from '../sim/server.ts'
import { ensureCertificates } from '../sim/certificates.ts'
import { addDays } from '../schemas/calendar-day.ts'
import type { Config } from '../schemas/config.ts'
import { folders } from '../warehouse/paths.ts'
import { rootsOf } from './command-context.ts'
import { followIngest, type IngestedDay } from './demo-ingest.ts'
import { demoReport } from './demo-report.ts'
import { type DemoState, firstDay, readDemoState, writeDemoState } from './demo-state.ts'
import { openLog } from './log.ts'
import { exitCodes } from './report-error.ts'
import { openSteps, type Steps } from './steps.ts'
import { Interrupted, listenForStop, untilStopped } from './stop-signal.ts'
import { type Meterlake, startMeterlake } from './up.ts'

export interface DemoOptions {
  /** Stay up after the day is in the lake. */
  readonly serve: boolean
}

/** Usage points of the simulated CCA: every kind of meter occurs, and a day takes seconds. */
const meters = 200

interface Demo {
  readonly config: Config
  readonly state: DemoState
  readonly steps: Steps
  readonly signal: AbortSignal
}

/** Runs the next simulated day and prints what came of it. Answers the exit code; interrupted, the next run repeats the day. */
export async function runDemo(config: Config, options: DemoOptions): Promise<number> {
  const steps = openSteps(process.stderr)
  using stop = listenForStop(() => steps.say('\n  stopping (Ctrl-C again: at once)'))
  const state = await readDemoState(config.lake.dir)
  const demo: Demo = { config, state, steps, signal: stop.signal }
  steps.say(`meterlake: the operating day ${state.nextDay} of a simulated utility with ${meters} service points`)
  try {
    return await ingestDay(demo, options)
  } catch (error) {
    if (!(error instanceof Interrupted) && !stop.signal.aborted) throw error
    steps.say(`stopped; start again to carry on with ${state.nextDay}`)
    return exitCodes.failed
  }
}

async function ingestDay(demo: Demo, { serve }: DemoOptions): Promise<number> {
  const { config, state, steps, signal } = demo
  await using stack = new AsyncDisposableStack()
  const certificates = await steps.run('throw-away certificates', async () => {
    const made = await untilStopped(
      ensureCertificates(join(config.lake.dir, folders.state, 'demo-certificates')),
      signal,
    )
    return [made, 'two authorities, RSA 2048']
  })
  const custodian = stack.use(await startCustodian(demo, certificates))
  const settings = await demoConfig(config, certificates, custodian)
  const meterlake = stack.use(await start(demo, settings))
  const { webhook } = meterlake
  if (webhook === undefined) throw new Error('the webhook of the demo did not start')
  custodian.setNotifyUrl(`https://localhost:${webhook.port}${settings.webhook?.path ?? ''}`)

  const started = performance.now()
  const day = await followIngest({
    ...demo,
    meterlake,
    custodian,
    remember: (change) => remember(demo, custodian, change),
  })
  await writeDemoState(config.lake.dir, {
    ...state,
    nextDay: addDays(state.nextDay, 1),
    port: portOf(custodian),
    notificationId: null,
  })
  await report(demo, day, performance.now() - started)
  if (serve) await serveUntilStopped(demo, meterlake, custodian)
  await steps.run('stopping', async () => {
    await stack.disposeAsync()
    return [undefined, 'nothing is left running']
  })
  return day.status === 'ingested' ? exitCodes.done : exitCodes.incomplete
}

const portOf = ({ origin }: SimulatedCustodian) => Number(new URL(origin).port)

const remember = ({ config, state }: Demo, custodian: SimulatedCustodian, notificationId: string) =>
  writeDemoState(config.lake.dir, { ...state, port: portOf(custodian), notificationId })

/** On the port of the last run, so that URLs of an interrupted ingest stay what they were; another if that is taken. */
async function startCustodian({ state, steps, signal }: Demo, certificates: CertificatePaths) {
  const fleet = createFleet({ seed: state.seed, meters, firstPackage: firstDay })
  const startOn = (port: number) => startSimulatedCustodian({ certificates, fleet, port })
  return steps.run('simulated Data Custodian', async () => {
    const custodian = await untilStopped(
      startOn(state.port).catch(() => startOn(0)),
      signal,
    )
    return [custodian, `${custodian.origin}, demands client certificates`]
  })
}

/** The configuration a real installation would have in its file, for the simulated utility. */
async function demoConfig(
  config: Config,
  certificates: CertificatePaths,
  custodian: SimulatedCustodian,
): Promise<Config> {
  const folder = join(config.lake.dir, folders.state, 'demo-certificates')
  const secret = join(folder, 'client-secret')
  await mkdir(folder, { recursive: true })
  await writeFile(secret, custodian.clientSecret, { mode: 0o600 })
  return {
    ...config,
    custodian: {
      profile: 'pge',
      overrides: {
        endpoints: { token: custodian.tokenUrl, testToken: custodian.testTokenUrl, resource: custodian.resourceUrl },
        // The one limit that would only make the demo slower.
        limits: { perSecond: 20, marginMs: 0 },
      },
      client_id: custodian.clientId,
      client_secret: { file: secret },
      bulk_id: custodian.bulkId,
      certificate: certificates.client,
      ca: certificates.ca,
    },
    webhook: {
      listen: '127.0.0.1:0',
      path: '/notify',
      certificate: certificates.webhook,
      client_ca: certificates.ca,
      client_fingerprints: [],
    },
  }
}

async function start({ config, steps, signal }: Demo, settings: Config): Promise<Meterlake> {
  const log = openLog({ ...settings, log: { level: config.log.level === 'info' ? 'silent' : config.log.level } })
  return steps.run('Temporal, worker and webhook', async (tell) => {
    const meterlake = await startMeterlake(settings, {
      log,
      signal,
      onFetchTemporal: (source) => tell(`fetching the Temporal dev server from ${source}`),
      onTemporal: ({ address }) => tell(`Temporal serves on ${address}; starting the worker`),
    })
    const { temporal, webhook } = meterlake
    return [meterlake, `Temporal ${temporal.address} (${temporal.origin}), webhook :${webhook?.port ?? 'none'}`]
  })
}

async function report({ config, state, steps }: Demo, day: IngestedDay, tookMs: number): Promise<void> {
  steps.say('')
  for (const line of await demoReport({ roots: rootsOf(config), day: state.nextDay, loadIds: day.loadIds, tookMs }))
    console.log(line)
  steps.say('')
}

/** Stays up; what the simulated utility notifies from outside is ingested as it comes. */
async function serveUntilStopped({ steps, signal }: Demo, { done, webhook }: Meterlake, custodian: SimulatedCustodian) {
  steps.say(`serving: custodian ${custodian.origin}, webhook port ${webhook?.port ?? 'none'}; Ctrl-C stops`)
  await untilStopped(done, signal).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error
  })
}
