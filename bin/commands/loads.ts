/** `meterlake loads`: packages that failed and wait for an operator. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

export function registerLoads(program: Command): void {
  const loads = program.command('loads').description('packages that failed and wait for an operator')
  withCommonOptions(loads.command('parked'))
    .description('list them, oldest first (exit code 3 where there are any)')
    .addOption(formatOption())
    .action(async (flags: CommonFlags & { format: Format }) => {
      const { showParked } = await import('../show-parked.ts')
      process.exitCode = await showParked(configOf(flags), flags.format)
    })
  for (const [order, what] of [
    ['retry', 'try them anew; what was no feed is fetched again, the rest is loaded from the archive'],
    ['abandon', 'give them up: they end as failed'],
  ] as const) {
    withCommonOptions(loads.command(order))
      .description(what)
      .argument('[id...]', 'as `loads parked` shows them, or an unambiguous part')
      .option('--all', 'all that are parked')
      .action(async (ids: string[], flags: CommonFlags & { all?: true }) => {
        const { orderPackages } = await import('../show-parked.ts')
        await orderPackages(configOf(flags), order, ids, flags.all ?? false)
      })
  }
}
