/** `meterlake pull usage|customers|dr`: ask the utility for what its daily packages did not bring. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isDay } from '../../schemas/calendar-day.ts'
import { MeterlakeError } from '../../schemas/errors.ts'
import type { PullTarget } from '../../schemas/pull.ts'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

interface PullFlags extends CommonFlags {
  readonly format: Format
  readonly detach?: true
  readonly waitHours: number
  readonly asks: number
}

type UsageFlags = PullFlags & { readonly from: string; readonly to: string; readonly by: 'published' | 'updated' }

const help = `
Needs a running \`meterlake up\`: the request is a durable workflow there. The utility answers 202 and notifies when the package
is ready; it is fetched, loaded and published like a daily one. What became of each request is in ops.request.
Exit codes: 0 answered, no data (204) or not entitled; 1 failed; 3 answered in part.`

export function registerPull(program: Command): void {
  const pull = program.command('pull').description('ask the utility for usage, customer information or demand response')
  withPullOptions(pull.command('usage'))
    .description(
      'usage and bills of a range of operating days; ranges under 30 days are widened so that a bill falls inside',
    )
    .requiredOption('--from <day>', 'first operating day, YYYY-MM-DD', day)
    .requiredOption('--to <day>', 'last operating day, YYYY-MM-DD', day)
    .addOption(
      new Option('--by <what>', 'published: readings of these days; updated: what changed on these days')
        .choices(['published', 'updated'])
        .default('published'),
    )
    .addHelpText('after', `${help}\n\nExample:\n  meterlake pull usage --from 2026-10-01 --to 2026-10-31`)
    .action(async ({ from, to, by, ...flags }: UsageFlags) => {
      if (to < from) throw new MeterlakeError('USAGE', `--to ${to} lies before --from ${from}`)
      await run({ feed: 'usage', by, window: { from, to } }, flags)
    })
  withPullOptions(pull.command('customers'))
    .description('customer information as it stands now; goes to pii/')
    .addHelpText('after', help)
    .action(async (flags: PullFlags) => run({ feed: 'customer', by: null, window: null }, flags))
  withPullOptions(pull.command('dr'))
    .description('demand-response enrolments; refused to most clients, which is no failure')
    .addHelpText('after', help)
    .action(async (flags: PullFlags) => run({ feed: 'program', by: null, window: null }, flags))
}

const withPullOptions = (command: Command): Command =>
  withCommonOptions(command)
    .option('--detach', 'hand the pull over and return')
    .option('--wait-hours <n>', 'how long a notification is waited for before asking again', positive, 24)
    .option('--asks <n>', 'how often each range is asked for at most', positive, 3)
    .addOption(formatOption())

async function run(target: PullTarget, flags: PullFlags): Promise<void> {
  const { runPull } = await import('../run-pull.ts')
  process.exitCode = await runPull(configOf(flags), target, {
    format: flags.format,
    detach: flags.detach === true,
    notifyWithinMs: flags.waitHours * 3_600_000,
    asks: Math.ceil(flags.asks),
  })
}

function day(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('not a day, e.g. 2026-10-31.')
  return text
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('not a positive number.')
  return value
}
