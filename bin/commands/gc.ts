/** `meterlake gc`: what no manifest names any more goes. */
import { type Command, Option } from 'commander'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'
import { durationArgument } from '../duration-argument.ts'

export function registerGc(program: Command): void {
  withCommonOptions(program.command('gc'))
    .description('remove files that no manifest names any more, and what killed processes left')
    .addOption(
      new Option('--grace <duration>', 'how long they stay for who still reads them: 7d, 12h, 30m')
        .argParser(durationArgument)
        .default(durationArgument('7d'), '7d'),
    )
    .option('--dry-run', 'only say what would go')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A notebook that opened the views before a commit reads files that newer ones do not name; the grace lets it finish. What was received is
never removed: raw feeds stay, loaded or not. Runs beside loads, publishing and readers; stopped half-way, it is simply run again.
Older commits can be read as of their moment as before; only \`replay --since\` a moment before the oldest manifest left is no longer possible.
Rows: root, folder, files and bytes removed.
Exit codes: 0 done; 1 failed: no lake, not writable, or others published all the while.

Examples:
  meterlake gc --dry-run
  meterlake gc
  meterlake gc --grace 1d --format json`,
    )
    .action(async (flags: CommonFlags & { format: Format; grace: number; dryRun?: true }) => {
      const { showGarbage } = await import('../show-garbage.ts')
      await showGarbage(rootsOf(configOf(flags)), flags.format, { graceMs: flags.grace, dryRun: flags.dryRun === true })
    })
}
