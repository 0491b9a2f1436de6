/** `meterlake sql`: a query against the published views. */
import type { Command } from 'commander'
import {
  configOf,
  formatOption,
  type CommonFlags,
  type Format,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'

export function registerSql(program: Command): void {
  withCommonOptions(program.command('sql'))
    .description('query the published views (read-only, also while a load publishes)')
    .argument('<query>', 'SQL as DuckDB reads it, or - to read it from stdin')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Views: core.interval, core.interval_version, core.usage_point, core.reading_type, core.tou_code, core.usage_summary,
core.usage_summary_line, mart.load_hourly, mart.load_system_hourly, ops.load, ops.quarantine, ops.notification.
Columns and their units: meterlake sql "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'interval'"

Examples:
  meterlake sql 'SELECT local_date, sum(net_kwh) FROM mart.load_system_hourly GROUP BY ALL ORDER BY ALL'
  meterlake sql 'FROM ops.load' --format jsonl
  meterlake sql - --format csv < query.sql > rows.csv`,
    )
    .action(async (query: string, flags: CommonFlags & { format: Format }) => {
      const { runSql } = await import('../run-sql.ts')
      await runSql(query, flags.format, rootsOf(configOf(flags)))
    })
}
