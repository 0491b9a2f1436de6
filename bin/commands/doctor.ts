/** `meterlake doctor`: does all stand as it must, here and at the utility. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

export function registerDoctor(program: Command): void {
  withCommonOptions(program.command('doctor'))
    .description(
      "the utility's connectivity test, then certificates, webhook, disk, Temporal: one line each, with the next step",
    )
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
It asks the utility some six small requests and stores nothing. What each line means: docs/operations.md.
Exit codes: 0 nothing failed (there may be warnings); 2 wrong configuration; 3 a check failed.

Examples:
  meterlake doctor
  meterlake doctor --format json | jq '.checks[] | select(.result != "ok")'`,
    )
    .action(async (flags: CommonFlags & { format: Format }) => {
      const { showDoctor } = await import('../doctor.ts')
      process.exitCode = await showDoctor(configOf(flags), flags.format)
    })
}
