/** `meterlake alias`: which series are several ids of one, and an operator's word on those that the rule leaves open. */
import type { Command } from 'commander'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'

export function registerAlias(program: Command): void {
  const alias = program
    .command('alias')
    .description('series whose MeterReading id changed: counted as one, or as two')
    .addHelpText(
      'after',
      `
Two series of a usage point that mean the same are one where the one id falls silent when the other begins, and two where both go on
(two meters). What is neither stays two and open until it is decided here. SERIES are keys as \`alias list\` shows them.

Examples:
  meterlake alias list
  meterlake alias set 1234567890123456789 2345678901234567890          they are one series
  meterlake alias set 1234567890123456789 2345678901234567890 --two    they are two
  meterlake alias clear 1234567890123456789 2345678901234567890        as the rule says`,
    )
  withCommonOptions(alias.command('list'))
    .description('pairs of series that are open (exit code 3), and those an operator decided')
    .option('--all', 'those the rule decided too')
    .option('--usage-point <id>', 'of one usage point')
    .addOption(formatOption())
    .action(async (flags: CommonFlags & { format: Format; all?: true; usagePoint?: string }) => {
      const { listPairs } = await import('../show-aliases.ts')
      const { format, all = false, usagePoint } = flags
      process.exitCode = await listPairs(rootsOf(configOf(flags)), { format, all, usagePoint })
    })
  withCommonOptions(alias.command('set'))
    .description('decide that two series are one, each start counted once; or that they are two')
    .argument('<series>')
    .argument('<other>')
    .option('--two', 'they are two: both count')
    .action(async (series: string, other: string, flags: CommonFlags & { two?: true }) => {
      const { decideAlias } = await import('../show-aliases.ts')
      await decideAlias(rootsOf(configOf(flags)), { series, other, decided: flags.two === true ? 'two' : 'one' })
    })
  withCommonOptions(alias.command('clear'))
    .description('take a decision back: as the rule says')
    .argument('<series>')
    .argument('<other>')
    .action(async (series: string, other: string, flags: CommonFlags) => {
      const { decideAlias } = await import('../show-aliases.ts')
      await decideAlias(rootsOf(configOf(flags)), { series, other, decided: null })
    })
}
