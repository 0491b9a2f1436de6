/** `meterlake gaps`: what should have come and did not, and what is done about it. */
import type { DayWindow } from '../schemas/calendar-day.ts'
import type { Config } from '../schemas/config.ts'
import type { DayStatus, GapReport, PackageSeverity, WaitingPackage } from '../schemas/gaps.ts'
import type { PullTarget } from '../schemas/pull.ts'
import type { Format } from './command-context.ts'
import { readGaps } from './read-gaps.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

export interface GapsOptions {
  readonly format: Format
  /** Only what a reconcile would ask for. */
  readonly plan: boolean
  /** Days that came as they should are shown too. */
  readonly all: boolean
  readonly window: DayWindow | undefined
}

/** Prints it; answers 3 where anything is missing or a package has waited for a day. Asks for nothing. */
export async function showGaps(config: Config, options: GapsOptions): Promise<number> {
  const report = await readGaps(config, options.window)
  const { days, packages, asks } = report
  if (options.plan) await printPlan(asks, options.format)
  else if (options.format === 'json') console.log(JSON.stringify(jsonOf(report, options.all), null, 2))
  else await printDays(report, options)
  const isWorrying =
    days.some(({ status }) => status === 'missing') || packages.some(({ severity }) => severity !== 'ok')
  return isWorrying ? exitCodes.incomplete : exitCodes.done
}

const shown = (days: readonly DayStatus[], all: boolean): readonly DayStatus[] =>
  all ? days : days.filter(({ status }) => status !== 'received')

const dayColumns = [
  ...['feed', 'operating_day', 'status', 'due_at', 'received_at'].map((name) => ({ name, type: 'VARCHAR' })),
  { name: 'asked', type: 'INTEGER' },
  { name: 'next', type: 'VARCHAR' },
]
const dayRow = ({ feed, day, status, dueAt, receivedAt, asked, next }: DayStatus) => [
  feed,
  day,
  status,
  dueAt,
  receivedAt,
  asked,
  next,
]
const dayFacts = (status: DayStatus) =>
  Object.fromEntries(dayRow(status).map((value, at) => [dayColumns[at]?.name, value]))

const packageFacts = ({ notificationId, receivedAt, lacking, severity }: WaitingPackage) => ({
  notification_id: notificationId,
  received_at: receivedAt,
  lacking,
  severity,
})
const askFacts = ({ feed, by, window }: PullTarget) => ({
  feed,
  by,
  from: window?.from ?? null,
  to: window?.to ?? null,
})

const jsonOf = ({ days, packages, asks }: GapReport, all: boolean) => ({
  days: shown(days, all).map(dayFacts),
  packages: packages.map(packageFacts),
  plan: asks.map(askFacts),
})

const meaning: Readonly<Record<PackageSeverity, string>> = {
  ok: 'waits',
  warn: 'WARN: waits for a day or more',
  page: 'PAGE: will be lost within days',
  lost: 'LOST: the utility no longer keeps it; its days are asked for',
}

async function printDays({ days, packages }: GapReport, { format, all }: GapsOptions): Promise<void> {
  const rows = shown(days, all).map(dayRow)
  if (format === 'table' && days.length === 0) console.log('no package has ever come: nothing is expected yet')
  else if (format === 'table' && rows.length === 0) console.log('every operating day that is due has come in time')
  else await writeAll(process.stdout, formatRows(format, dayColumns, [rows]))
  if (format !== 'table') return
  for (const { notificationId, receivedAt, lacking, severity } of packages)
    console.log(
      `notification ${notificationId.slice(0, 12)} of ${receivedAt}: ${lacking} packages not in the lake. ${meaning[severity]}`,
    )
}

async function printPlan(asks: readonly PullTarget[], format: Format): Promise<void> {
  if (format === 'table' && asks.length === 0) console.log('nothing would be asked for')
  else {
    const columns = ['feed', 'by', 'from', 'to'].map((name) => ({ name, type: 'VARCHAR' }))
    await writeAll(process.stdout, formatRows(format, columns, [asks.map((ask) => Object.values(askFacts(ask)))]))
  }
}
