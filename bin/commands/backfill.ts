/** `meterlake backfill`: years of history, inside the limits. */
import { type Command, InvalidArgumentError } from 'commander'
import { isDay } from '../../schemas/calendar-day.ts'
import { MeterlakeError } from '../../schemas/errors.ts'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

type StatusFlags = CommonFlags & { readonly format: Format }

interface BackfillFlags extends StatusFlags {
  readonly from?: string
  readonly to?: string
  readonly monthsPerRequest: number
  readonly inFlight: number
  readonly asks: number
  readonly waitHours: number
  readonly dryRun?: true
}

export function registerBackfill(program: Command): void {
  program.enablePositionalOptions()
  const backfill = withCommonOptions(program.command('backfill'))
    .description('usage and bills of months and years past, the latest first; gives way to the daily packages')
    .option('--from <day>', 'first operating day, YYYY-MM-DD', day)
    .option('--to <day>', 'last operating day, YYYY-MM-DD', day)
    .option('--months-per-request <n>', 'calendar months asked for at a time; what is too large is split', count, 1)
    .option('--in-flight <n>', 'packages asked for at a time', count, 4)
    .option('--asks <n>', 'how often each window is asked for at most', count, 3)
    .option('--wait-hours <n>', 'how long a notification is waited for before asking again', count, 24)
    .option('--dry-run', 'print the plan: requests, when each limit binds, when it will finish')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
The same range again carries on: windows that were answered, or hold nothing, are not asked for again.
Exit codes: 0 handed over; status: 3 where windows failed.

Examples:
  meterlake backfill --from 2023-01-01 --to 2026-11-21 --dry-run
  meterlake backfill --from 2023-01-01 --to 2026-11-21
  meterlake backfill status`,
    )
    .action(async (flags: BackfillFlags) => {
      const { from, to } = flags
      if (from === undefined || to === undefined) throw new MeterlakeError('USAGE', 'backfill needs --from and --to')
      if (to < from) throw new MeterlakeError('USAGE', `--to ${to} lies before --from ${from}`)
      const { runBackfill } = await import('../run-backfill.ts')
      process.exitCode = await runBackfill(configOf(flags), {
        range: { from, to },
        monthsPerRequest: flags.monthsPerRequest,
        inFlight: flags.inFlight,
        asks: flags.asks,
        notifyWithinMs: flags.waitHours * 3_600_000,
        format: flags.format,
        dryRun: flags.dryRun === true,
      })
    })
  withCommonOptions(backfill.command('status'))
    .description('how the latest backfill stands')
    .addOption(formatOption())
    .action(async (flags: StatusFlags) => {
      const { showBackfill } = await import('../run-backfill.ts')
      process.exitCode = await showBackfill(configOf(flags), flags.format)
    })
  withCommonOptions(backfill.command('cancel'))
    .description('stop the running backfill; the next one carries on')
    .action(async (flags: CommonFlags) => {
      const { cancelBackfill } = await import('../run-backfill.ts')
      process.exitCode = await cancelBackfill(configOf(flags))
    })
}

function day(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('not a day, e.g. 2023-01-01.')
  return text
}

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('not a whole number from 1 on.')
  return Number(text)
}
