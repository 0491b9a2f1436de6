/** `meterlake sim`: the simulated Data Custodian and the generator of synthetic feeds, usable alone. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { MeterlakeError } from '../../schemas/errors.ts'
import { faultLines, namedFault, parseFaults } from '../../sim/fault-catalogue.ts'
import { formatBytes } from '../human.ts'

interface ServeFlags {
  readonly port: number
  readonly controlPort: number
  readonly seed: number
  readonly meters: number
  readonly notify: string
  readonly certs: string
  readonly day?: string
  readonly longestWindow: number
  readonly history: number
  readonly faults?: string
  readonly fault: readonly string[]
  readonly correctsOneIn: number
  readonly seededIds?: true
  readonly customers?: true
  readonly refreshTokens?: true
  readonly enforceLimits?: true
}

interface FeedFlags {
  readonly form?: 'daily' | 'backfill'
  readonly mb?: number
  readonly day?: string
  readonly seed: number
  readonly meters: number
  readonly service: 'electricity' | 'gas'
  readonly out: string
  readonly truth?: string
}

const defaultCerts = './sim-certificates'
const certsOption = ['--certs <dir>', `folder of its certificates, made where absent`] as const

/** Adds `sim` and its subcommands (`day`, `feed`, `certificates`) to the program. */
export function registerSim(program: Command): void {
  // Else options after `sim day` and `sim feed` would be taken for those of `sim`. Subcommands inherit it from the program.
  program.enablePositionalOptions()
  const sim = program
    .command('sim')
    .description('a simulated Data Custodian: HTTPS with client certificates, feeds in PG&E’s form, faults on demand')
    .option('--port <n>', 'port of the HTTPS server on 127.0.0.1, 0 for a free one', wholeNumber, 8543)
    .option('--control-port <n>', 'port of the control endpoint on 127.0.0.1, 0 for a free one', wholeNumber, 0)
    .option('--seed <n>', 'seed of the fleet: the same seed gives the same feeds', wholeNumber, 1)
    .option('--meters <n>', 'usage points of the fleet; from 20 on every kind occurs', wholeNumber, 200)
    .option('--notify <url>', 'webhook that notifications are POSTed to', 'https://localhost:8443/notify')
    .option(certsOption[0], certsOption[1], defaultCerts)
    .option('--day <date>', 'prepare the package of this operating day (YYYY-MM-DD) and notify at once', isoDate)
    .option('--customers', 'with --day: the customer feed too')
    .option('--refresh-tokens', 'token answers carry a refresh token; each works once')
    .option('--enforce-limits', 'requests beyond the limits are answered 429 with Retry-After')
    .option('--longest-window <days>', 'longer ad hoc ranges are refused: Date Range Too Large', wholeNumber, 370)
    .option('--history <days>', 'how far back there are data', wholeNumber, 1095)
    .option('--fault <name>', 'a fault to show, by name (below); as often as wanted', faultName, [])
    .option('--faults <file>', 'faults to show, a JSON list (below)')
    .option('--corrects-one-in <n>', 'one day in so many is corrected 200 to 1,090 days later', positiveWhole, 60)
    .option('--seeded-ids', 'correlationIDs by seed and order, the same in every run; else random')
    .addHelpText('after', serveHelp)
    .action(async (flags: ServeFlags) => await serve(flags))
  sim
    .command('day')
    .description('have the running simulator prepare an operating day and notify its webhook')
    .argument('<date>', 'operating day, YYYY-MM-DD', isoDate)
    .option(certsOption[0], certsOption[1], defaultCerts)
    .option('--customers', 'the customer feed too')
    .action(async (date: string, flags: { certs: string; customers?: true }) => await prepareDay(date, flags))
  sim
    .command('feed')
    .description('write a synthetic usage feed to a file, and the truth about it to another')
    .requiredOption('--out <file>', 'the feed (XML)')
    .option('--truth <file>', 'rows and exact sums a reader must find (JSON)')
    .addOption(
      new Option('--form <form>', 'daily: many meters, one day; backfill: long history').choices(['daily', 'backfill']),
    )
    .option('--mb <n>', 'size of the feed in MB, within a few percent; needs --form', positiveNumber)
    .option('--day <date>', 'operating day, or last day of the history (default: 2025-11-03)', isoDate)
    .option('--seed <n>', 'seed of the fleet', wholeNumber, 1)
    .option('--meters <n>', 'usage points, where --mb is not given', wholeNumber, 200)
    .addOption(new Option('--service <service>', 'which file').choices(['electricity', 'gas']).default('electricity'))
    .addHelpText('after', feedHelp)
    .action(async (flags: FeedFlags) => await writeFeedFile(flags))
  sim
    .command('certificates')
    .description('make the throw-away authority and certificates alone')
    .argument('<dir>', 'folder, created 0700')
    .action(async (directory: string) => {
      const { makeCertificates } = await import('../../sim/certificates.ts')
      const { directory: made } = await makeCertificates(directory)
      console.log(made)
    })
}

const serveHelp = `
It answers as PG&E does: token endpoints (test and production), ReadServiceStatus, DownloadSampleData, Batch/Bulk and
Batch/BulkRetailCustomerInfo with 202 and a later notification, prepared packages by correlationID. Its server demands the client
certificate client.cert.pem of --certs; any other gets 400 Invalid Certificate. It needs no Temporal and no lake.

Control endpoint (printed at start; loopback, plain HTTP):
  POST /day?date=2026-11-03[&customers=1]   prepare and notify      POST /file?path=FILE   serve a file as it is
  POST /notify   send the body as notification                      GET /requests          what came so far
  POST /faults   add faults (JSON list)                             DELETE /faults         none any more
  POST /clock?advance_s=432000   put its clock forward: tokens and packages age, late notifications come
  GET /limits    requests and violations: 1/s a vendor, 2,000/h and 20,000 a day (from 17:00 Pacific) a client

Faults by name, NAME[=N][@2,3|@all]: the next time it can be shown, or on these ordinals, or always:
${faultLines().join('\n')}
Days corrected up to three years back come in every package: --corrects-one-in 5 for many.

In a JSON list each is a name, or {"path": "/Batch/Bulk/50916", "of": "package", "on": [1, 2], "effect": {"kind": "reset", "bytes": 1000}}:
path is a suffix (absent: every path), of package or request with or without correlationID (absent: both), on the ordinals among matching
requests or "all" (absent: the next one). Effects: answer {status, headers, body} · truncate {bytes, contentLength} · reset {bytes} ·
slow {bytes, delayMs} · gzip {header} · type {contentType} · rewritten {how} · token {format, expiresIn, life_s} · silence · early. Of
notifications, without path: lost · duplicated {times} · reordered · split · late {delay_s} · sentinel · empty · foreign.

Examples:
  meterlake sim --meters 500 --day 2026-11-03 --fault duplicated --fault reset=300000
  meterlake sim day 2026-11-04
  curl -X POST localhost:CONTROL/faults -d '["busy@1,2", {"path":"/token","effect":{"kind":"answer","status":503}}]'`

const feedHelp = `
Without --form: the daily package of --day with late days, corrections, orphan blocks and bills. The same flags give the same bytes.

Examples:
  meterlake sim feed --form backfill --mb 200 --out backfill.xml --truth backfill.json
  meterlake sim feed --day 2026-11-01 --meters 50 --out day.xml`

async function serve(flags: ServeFlags): Promise<void> {
  const { ensureCertificates } = await import('../../sim/certificates.ts')
  const { startSimulatedCustodian } = await import('../../sim/server.ts')
  const { startControl } = await import('../../sim/control.ts')
  const { createFleet } = await import('../../sim/fleet.ts')
  const { writeClientConfig } = await import('../../sim/client-config.ts')
  const certificates = await ensureCertificates(flags.certs)
  await using custodian = await startSimulatedCustodian({
    certificates,
    port: flags.port,
    // Blocks without parents come from the day after, when their parents have been sent.
    fleet: createFleet({
      seed: flags.seed,
      meters: flags.meters,
      correctsOneIn: flags.correctsOneIn,
      ...(flags.day === undefined ? {} : { firstPackage: flags.day }),
    }),
    notifyUrl: flags.notify,
    refreshTokens: flags.refreshTokens ?? false,
    limits: { enforce: flags.enforceLimits ?? false },
    history: { longestWindow_days: flags.longestWindow, history_days: flags.history },
    faults: [...flags.fault.map(namedFault), ...(flags.faults === undefined ? [] : await faultsOf(flags.faults))],
    hasSeededIds: flags.seededIds ?? false,
  })
  await using control = await startControl(custodian, flags.controlPort)
  const config = await writeClientConfig(custodian, certificates, flags.notify)
  const statePath = statePathOf(certificates.directory)
  await writeFile(statePath, JSON.stringify({ control: control.url, pid: process.pid }), { mode: 0o600 })
  const stopped = untilStopped()
  console.log(`custodian      ${custodian.resourceUrl}
token          ${custodian.tokenUrl}
client id      ${custodian.clientId}, bulk id ${custodian.bulkId}
notifies       ${flags.notify}
control        ${control.url}
certificates   ${certificates.directory}
configuration  ${config}   (meterlake up --config …)`)
  if (flags.day !== undefined) {
    const { resources, notification } = await custodian.prepareDay(flags.day, { customers: flags.customers ?? false })
    console.error(`${flags.day}: ${resources.length} files prepared; ${sayNotification(notification)}`)
  }
  console.error('Ctrl-C stops it.')
  await stopped
  await rm(statePath, { force: true })
}

async function faultsOf(path: string) {
  try {
    return parseFaults(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new MeterlakeError('USAGE', `${path} holds no list of faults`, {}, { cause })
  }
}

async function prepareDay(date: string, flags: { certs: string; customers?: true }): Promise<void> {
  const statePath = statePathOf(flags.certs)
  let control: string
  try {
    control = (JSON.parse(await readFile(statePath, 'utf8')) as { control: string }).control
  } catch (cause) {
    throw new MeterlakeError('USAGE', `no simulator runs with the certificates of ${flags.certs}`, {}, { cause })
  }
  const { request } = await import('undici')
  const url = `${control}/day?date=${date}${flags.customers ? '&customers=1' : ''}`
  const answer = await request(url, { method: 'POST' })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new MeterlakeError('USAGE', `the simulator refused ${date}: ${text.trim()}`)
  const { resources, notification } = JSON.parse(text) as PreparedDay
  for (const { url } of resources) console.log(url)
  console.error(sayNotification(notification))
}

interface PreparedDay {
  readonly resources: readonly { readonly url: string }[]
  readonly notification: { readonly status: number | null; readonly error: string | null } | null
}

async function writeFeedFile(flags: FeedFlags): Promise<void> {
  const { writeFeed, writeTruth } = await import('../../sim/write-feed.ts')
  const feedPackage = await packageOf(flags)
  const written = await writeFeed(feedPackage, flags.service, flags.out)
  console.error(`${flags.out}: ${feedPackage.name}, ${formatBytes(written.bytes)}, sha256 ${written.sha256}`)
  if (flags.truth === undefined) return
  const truth = await writeTruth(feedPackage, flags.service, written, flags.truth)
  console.error(`${flags.truth}: ${truth.rows} readings, ${truth.usage_points} usage points`)
}

async function packageOf({ form, mb, day, seed, meters }: FeedFlags) {
  const { createFleet } = await import('../../sim/fleet.ts')
  const { dailyPackage } = await import('../../sim/package.ts')
  const { sizedPackage } = await import('../../sim/sized-package.ts')
  if ((form === undefined) !== (mb === undefined)) throw new MeterlakeError('USAGE', '--form and --mb go together')
  if (form === undefined || mb === undefined) return dailyPackage(createFleet({ seed, meters }), day ?? '2025-11-03')
  return sizedPackage({ form, bytes: mb * 1e6, seed, ...(day === undefined ? {} : { day }) })
}

const statePathOf = (directory: string): string => join(directory, 'running.json')

function sayNotification(answer: PreparedDay['notification']): string {
  if (answer === null) return 'no notification was sent, or not yet'
  return answer.status === null
    ? `the webhook was not reached (${answer.error}); sent once, as the utility does`
    : `the webhook answered ${answer.status}`
}

async function untilStopped(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number, please.')
  return Number(text)
}

function positiveWhole(text: string): number {
  const number = wholeNumber(text)
  if (number === 0) throw new InvalidArgumentError('a number above 0, please.')
  return number
}

function faultName(text: string, before: readonly string[]): readonly string[] {
  try {
    namedFault(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof RangeError ? `${error.message}.` : String(error))
  }
  return [...before, text]
}

function positiveNumber(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0, please.')
  return number
}

function isoDate(text: string): string {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new InvalidArgumentError('a date YYYY-MM-DD, please.')
  }
  return text
}
