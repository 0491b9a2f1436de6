/** `meterlake roster`: who should have data. */
import type { Command } from 'commander'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'
import { dayArgument } from '../day-range.ts'

export function registerRoster(program: Command): void {
  const roster = program
    .command('roster')
    .description('who should have data (never who may: readings of others are as welcome)')
  withCommonOptions(roster.command('import'))
    .description('import a roster file, whole or not at all; the same file again is a no-op')
    .argument('<file>', 'CSV (UTF-8, commas, a header) or Parquet')
    .option('--as-of <day>', 'local day for which the file is valid (default: today)', dayArgument)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Columns, in any order; only the first is required, others are not read:
  usage_point_id  (or usage_point)  id as in the feed (core.usage_point), not the number on the bill
  customer_class  (or class)        as you name them
  rate            (or tariff)
  city
  from_date       (or from)         first local day it should have data, e.g. 2026-10-31; empty: since its first reading
  to_date         (or to)           last local day it should have data; empty: until further notice

A usage point may have several rows whose days do not overlap. Of each usage point the newest file that names it counts, until a newer
one no longer does. Leave out who has no interval meter. Without a roster mart.completeness_daily expects what history says.

Examples:
  meterlake roster import roster.csv
  meterlake roster import customers.parquet --as-of 2026-11-01
  meterlake roster show --silent`,
    )
    .action(async (file: string, flags: CommonFlags & { format: Format; asOf?: string }) => {
      const { importRoster } = await import('../import-roster.ts')
      await importRoster(configOf(flags), file, flags.asOf, flags.format)
    })
  withCommonOptions(roster.command('show'))
    .description('the roster in force, with the last day anything came of each usage point')
    .option(
      '--silent',
      'only usage points that should report and do not, longest first (exit code 3 where there are any)',
    )
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
silent_since: first day without any reading, up to the newest operating day loaded.

Examples:
  meterlake roster show --silent
  meterlake roster show --format csv > roster.csv`,
    )
    .action(async (flags: CommonFlags & { format: Format; silent?: true }) => {
      const { showRoster } = await import('../show-roster.ts')
      process.exitCode = await showRoster(rootsOf(configOf(flags)), flags.format, flags.silent === true)
    })
}
