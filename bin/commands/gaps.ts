/** `meterlake gaps`: each daily feed and operating day, expected against received. */
import type { Command } from 'commander'
import { MeterlakeError } from '../../schemas/errors.ts'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'
import { dayArgument, dayRange } from '../day-range.ts'

interface GapsFlags extends CommonFlags {
  readonly format: Format
  readonly plan?: true
  readonly all?: true
  readonly readings?: true
  readonly from?: string
  readonly to?: string
}

export function registerGaps(program: Command): void {
  withCommonOptions(program.command('gaps'))
    .description(
      'operating days whose packages are missing, late or empty, and packages not fetched yet; or missing intervals',
    )
    .option('--plan', 'what the next reconcile would ask for; nothing is sent')
    .option('--readings', 'runs of intervals that are missing, from mart.gap, instead of packages')
    .option('--all', 'days that came in time too; with --readings gaps that were filled or are explained too')
    .option('--from <day>', 'first operating day (default: 45 days back)', dayArgument)
    .option('--to <day>', 'last operating day (default: yesterday)', dayArgument)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A day is due at 18:00 of the day after; then the reconcile of \`meterlake up\` asks for what is missing, once a day, five times.
status: expected (not due yet), received, late, empty (the utility says 204), missing. next: ask, wait (asked already), give_up.
With --readings each line is a run of intervals of one usage point that should be there: by the roster, or by history where there is
none (see meterlake roster). --from and --to narrow the days it begins on; default: all.
A package known and not fetched: warn from 1 day, page from 3, lost at 5. Exit code 3 where anything is missing or waits for a day.

Examples:
  meterlake gaps
  meterlake gaps --plan
  meterlake gaps --readings --from 2026-10-01 --to 2026-10-31
  meterlake gaps --format json | jq '.days[] | select(.status == "missing")'`,
    )
    .action(async (flags: GapsFlags) => {
      const window = flags.from === undefined && flags.to === undefined ? undefined : dayRange(flags)
      const { format } = flags
      const all = flags.all === true
      if (flags.readings === true) {
        if (flags.plan === true) throw new MeterlakeError('USAGE', '--plan is about packages: leave out --readings')
        const { showReadingGaps } = await import('../show-reading-gaps.ts')
        process.exitCode = await showReadingGaps(rootsOf(configOf(flags)), { format, all, window })
        return
      }
      const { showGaps } = await import('../show-gaps.ts')
      process.exitCode = await showGaps(configOf(flags), { format, plan: flags.plan === true, all, window })
    })
}
