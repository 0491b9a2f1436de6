/** `meterlake erase`: usage points that are to go, everywhere and for good. */
import { type Command, InvalidArgumentError } from 'commander'
import { type CommonFlags, configOf, formatOption, withCommonOptions } from '../command-context.ts'
import type { EraseFlags } from '../show-erasure.ts'

/** `60m` → 60. */
function monthsArgument(text: string): number {
  const [, months] = /^([1-9]\d{0,3})m$/.exec(text) ?? []
  if (months === undefined) throw new InvalidArgumentError('not a number of months, e.g. 60m.')
  return Number(months)
}

const append = (value: string, before: readonly string[] = []): string[] => [...before, value]

export function registerErase(program: Command): void {
  withCommonOptions(program.command('erase'))
    .description('erase usage points, customers, or what is too old, from lake, history, raw archive and personal data')
    .option('--usage-point <id>', 'as core.usage_point has it; may be given several times', append)
    .option(
      '--customer <key>',
      'customer_key of pii.customer: what is personal, and the usage of its usage points',
      append,
    )
    .option('--keep-usage', 'with --customer: readings and bills stay')
    .option('--retention', 'readings and bills that are older than retention.months of the configuration')
    .option('--older-than <months>', 'with --retention: another age, e.g. 60m', monthsArgument)
    .option('--hold <file>', 'with --retention: usage points that stay, an id a line (default: retention.hold)')
    .option('--forever', 'whatever comes of them later goes too (default: what is dated before now)')
    .option('--reference <text>', 'your own reference of the order, for the receipt')
    .option('--dry-run', 'only say which feeds hold it, and how much')
    .option('--yes', 'do not ask: it cannot be undone')
    .option('--receipts', 'list the receipts of what was erased')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
In the archived bytes, the entries of the usage points become blanks: all others keep their offsets. The lake is then built anew from the
archive, with the commits and moments it had, and published as one commit; so what is left answers every question as before, and
\`explain\`, \`verify\` and \`replay\` hold. It takes the time of a replay. At once after the commit, not after a grace, all older
manifests and files go: views that are open must be opened again. Keyed hashes stay behind, by which the same bytes, and other old
ones, are recognised when they come again; the secret lies under the pii root (state/customer.key). Killed before its commit, it
changes nothing; after it, the next publish, gc or erase finishes it. Downloads and loads under way are not searched: erase when none runs.
With --usage-point, what the customer feed says of the customer beyond the agreements, meters and places of it stays: --customer.
--retention leaves usage points, meters and customers, and takes single readings out of blocks that reach over the day.
Rows: root, sha256 of the feed, entries and bytes blanked.
Exit codes: 0 done; 1 failed, nothing erased; 2 wrong use; 3 \`--receipts\`: one of them is not as it was signed.

Examples:
  meterlake erase --usage-point 1234567890 --dry-run
  meterlake erase --usage-point 1234567890 --reference 'CCPA 2026-117'
  meterlake erase --customer 0f3a… --keep-usage
  meterlake erase --retention --older-than 60m --hold holds.txt --dry-run
  meterlake erase --receipts --format json`,
    )
    .action(async (flags: CommonFlags & EraseFlags) => {
      const { showErasure } = await import('../show-erasure.ts')
      process.exitCode = await showErasure(configOf(flags), flags)
    })
}
