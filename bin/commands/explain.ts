/** `meterlake explain`: an interval and every version of it, back to the bytes. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type CommonFlags, configOf, formats, rootsOf, withCommonOptions } from '../command-context.ts'
import { instantArgument } from '../instant-argument.ts'
import type { ExplainFormat } from '../show-explanation.ts'

interface ExplainFlags extends CommonFlags {
  readonly format: ExplainFormat
  readonly usagePoint?: string
  readonly meterReading?: string
  readonly at: Date
  readonly flow?: number
}

function flowArgument(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('not a flow direction, e.g. 1, 19 or 4.')
  return Number(text)
}

export function registerExplain(program: Command): void {
  withCommonOptions(program.command('explain'))
    .description('every version of an interval, with its file, bytes, load, notification, request and arithmetic')
    .option('--usage-point <id>', 'as in core.usage_point')
    .option('--meter-reading <id>', 'as in core.interval; alone, or to narrow a usage point')
    .requiredOption('--at <instant>', 'a moment the interval covers, with its zone', instantArgument)
    .option('--flow <code>', 'only this flow direction: 1 delivered, 19 received, 4 net', flowArgument)
    .addOption(
      new Option('--format <format>', 'text for people, the others a row per version')
        .choices(['text', ...formats])
        .default('text'),
    )
    .addHelpText(
      'after',
      `
Versions stand in the order in which they count: published (missing first), commit, load, byte. Those that were replaced or withdrawn
are shown too. The XML is as it was received, read from the archive by its frame index. Bytes under the pii root are never shown.
Exit codes: 0 done; 1 nothing such in the lake; 3 bytes of a version are not in the archive, or its energy is not what its integer gives.

Examples:
  meterlake explain --usage-point 1234567890 --at 2026-03-08T10:00Z
  meterlake explain --usage-point 1234567890 --at 2026-03-08T03:00-07:00 --flow 19
  meterlake explain --meter-reading 987 --at 2026-03-08T10:00Z --format json | jq '.[] | {state, fragment}'`,
    )
    .action(async (flags: ExplainFlags) => {
      const { showExplanation } = await import('../show-explanation.ts')
      process.exitCode = await showExplanation(rootsOf(configOf(flags)), flags)
    })
}
