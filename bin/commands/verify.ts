/** `meterlake verify`: is everything that was published still what it was. */
import type { Command } from 'commander'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'
import { instantArgument } from '../instant-argument.ts'

export function registerVerify(program: Command): void {
  withCommonOptions(program.command('verify'))
    .description('checksums and totals of everything published, worked out again; nothing is changed')
    .option('--since <instant>', 'only what was committed since: a day, or a moment with its zone', instantArgument)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Of the newest manifest: each file's size, SHA-256, rows and days; the raw archive, unpacked, against its hashes; the ledger's counts
against history; the current intervals against the winners of history; the views against the manifest. The pii root too, where it can
be read. Each finding names the file and the next step.
Exit codes: 0 all is as it was published; 1 there is no lake; 3 there are findings.

Examples:
  meterlake verify
  meterlake verify --since 2026-11-01
  meterlake verify --format json | jq '.[].file'`,
    )
    .action(async (flags: CommonFlags & { format: Format; since?: Date }) => {
      const { showVerification } = await import('../show-verification.ts')
      process.exitCode = await showVerification(rootsOf(configOf(flags)), flags.format, flags.since)
    })
}
