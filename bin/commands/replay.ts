/** `meterlake replay`: the lake built anew from its archive. */
import { type Command, Option } from 'commander'
import { type CommonFlags, configOf, formatOption, withCommonOptions } from '../command-context.ts'
import { instantArgument } from '../instant-argument.ts'
import type { ReplayFlags } from '../show-replay.ts'

export function registerReplay(program: Command): void {
  withCommonOptions(program.command('replay'))
    .description('rebuild the lake from its raw archive alone, and show what would differ')
    .option('--from-raw', 'from the archived bytes (and, of the ledger, the order of commits)')
    .option('--since <instant>', 'only commits since: a day, or a moment with its zone', instantArgument)
    .option('--diff', 'compare it with the published lake, row by row (done anyway without --to)')
    .option('--to <dir>', 'keep it in DIR/lake and DIR/pii; started again, it goes on where it was stopped')
    .option('--publish', 'put it in the place of the published lake, as one commit')
    .addOption(new Option('--profile <name>', 'where the ledger is lost: how files are read').choices(['pge', 'espi']))
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Every archived feed is loaded again by the reader of today, in the commits and with the moments of the ledger: as-of answers stay what
they were. Files a lost ledger does not tell of make a commit for each moment at which they came. Nothing is published without --publish. It needs
about as much space as the lake without its archive, whose files are linked. Feeds under the pii root are replayed where it can be read.
Rows: table, local day, rows only in the published lake, only in the rebuilt one, and changed.
Exit codes: 0 no difference, or published; 1 failed, nothing published; 3 they differ, or loads could not be made again.

Examples:
  meterlake replay --from-raw --diff
  meterlake replay --from-raw --since 2026-11-01 --diff
  meterlake replay --from-raw --to /data/rebuilt
  meterlake replay --from-raw --publish`,
    )
    .action(async (flags: CommonFlags & ReplayFlags) => {
      const { showReplay } = await import('../show-replay.ts')
      process.exitCode = await showReplay(configOf(flags), flags)
    })
}
