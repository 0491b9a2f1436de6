/** `meterlake gaps`: each daily feed and operating day, expected against received. */
import { type Command, InvalidArgumentError } from 'commander'
import { isDay } from '../../schemas/calendar-day.ts'
import { MeterlakeError } from '../../schemas/errors.ts'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

interface GapsFlags extends CommonFlags {
  readonly format: Format
  readonly plan?: true
  readonly all?: true
  readonly from?: string
  readonly to?: string
}

export function registerGaps(program: Command): void {
  withCommonOptions(program.command('gaps'))
    .description('operating days whose packages are missing, late or empty, and packages not fetched yet')
    .option('--plan', 'what the next reconcile would ask for; nothing is sent')
    .option('--all', 'days that came in time too')
    .option('--from <day>', 'first operating day (default: 45 days back)', day)
    .option('--to <day>', 'last operating day (default: yesterday)', day)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A day is due at 18:00 of the day after; then the reconcile of \`meterlake up\` asks for what is missing, once a day, five times.
status: expected (not due yet), received, late, empty (the utility says 204), missing. next: ask, wait (asked already), give_up.
A package known and not fetched: warn from 1 day, page from 3, lost at 5. Exit code 3 where anything is missing or waits for a day.

Examples:
  meterlake gaps
  meterlake gaps --plan
  meterlake gaps --format json | jq '.days[] | select(.status == "missing")'`,
    )
    .action(async ({ from, to, ...flags }: GapsFlags) => {
      if ((from === undefined) !== (to === undefined)) throw new MeterlakeError('USAGE', 'give both --from and --to')
      const { showGaps } = await import('../show-gaps.ts')
      process.exitCode = await showGaps(configOf(flags), {
        format: flags.format,
        plan: flags.plan === true,
        all: flags.all === true,
        window: from === undefined || to === undefined ? undefined : { from, to },
      })
    })
}

function day(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('not a day, e.g. 2026-11-01.')
  return text
}
