/** `meterlake demo`, which `npm start` runs: one operating day end to end against a simulated utility. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, withCommonOptions } from '../command-context.ts'

export function registerDemo(program: Command): void {
  withCommonOptions(program.command('demo'))
    .description('ingest one operating day from a simulated utility; each run brings the next day (npm start)')
    .option('--serve', 'stay up until Ctrl-C')
    .addHelpText(
      'after',
      `
Certificates, a simulated Data Custodian, a Temporal server, a worker and the webhook all run on this machine.
Ctrl-C stops them cleanly; the next start carries on.

Examples:
  npm start
  npm start -- --serve --lake /tmp/demo-lake`,
    )
    .action(async (flags: CommonFlags & { serve?: boolean }) => {
      const { runDemo } = await import('../demo.ts')
      process.exitCode = await runDemo(configOf(flags), { serve: flags.serve === true })
    })
}
