/** `meterlake status`: what runs, what was loaded last, what waits to be fetched. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

export function registerStatus(program: Command): void {
  withCommonOptions(program.command('status'))
    .description('what is running, the last loads, and the age of the oldest package not fetched yet')
    .option('--loads <n>', 'how many loads to show', '10')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A package that is not fetched within 5 days is lost: exit code 3 from one day on.

Examples:
  meterlake status
  meterlake status --format json | jq .oldest_unfetched_h`,
    )
    .action(async (flags: CommonFlags & { format: Format; loads: string }) => {
      const { showStatus } = await import('../show-status.ts')
      process.exitCode = await showStatus(configOf(flags), flags.format, Number(flags.loads))
    })
}
