/** `meterlake up`, `worker`, `webhook`: ingest from a configured Data Custodian, in one process or one role each. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, withCommonOptions } from '../command-context.ts'
import { unlessInterrupted } from '../stop-signal.ts'

const hint = `
Needs a configuration with [custodian] and [webhook]: copy meterlake.example.toml to meterlake.toml.
Ctrl-C stops cleanly; what was under way carries on at the next start.`

export function registerUp(program: Command): void {
  withCommonOptions(program.command('up'))
    .description('ingest from your utility: Temporal (embedded or configured), worker and webhook in one')
    .addHelpText('after', hint)
    .action(async (flags: CommonFlags) => {
      const { runUp } = await import('../up.ts')
      await unlessInterrupted(runUp(configOf(flags)))
    })
}

export function registerWorker(program: Command): void {
  withCommonOptions(program.command('worker'))
    .description('the worker alone, against a configured Temporal server')
    .addHelpText('after', hint)
    .action(async (flags: CommonFlags) => {
      const { runWorker } = await import('../worker.ts')
      await unlessInterrupted(runWorker(configOf(flags)))
    })
}

export function registerWebhook(program: Command): void {
  withCommonOptions(program.command('webhook'))
    .description('the notification webhook alone')
    .addHelpText('after', hint)
    .action(async (flags: CommonFlags) => {
      const { runWebhook } = await import('../webhook.ts')
      await unlessInterrupted(runWebhook(configOf(flags)))
    })
}
