/** Operating days on the command line. */
import { InvalidArgumentError } from 'commander'
import { type DayWindow, isDay } from '../schemas/calendar-day.ts'
import { MeterlakeError } from '../schemas/errors.ts'

/** The parser of an option that is a day: answers it as it is. */
export function dayArgument(text: string): string {
  if (!isDay(text)) throw new InvalidArgumentError('not a day, e.g. 2026-10-31.')
  return text
}

/** Both included. Throws USAGE where one is missing or they are the wrong way round. */
export function dayRange({ from, to }: { readonly from?: string; readonly to?: string }): DayWindow {
  if (from === undefined || to === undefined) throw new MeterlakeError('USAGE', 'give both --from and --to')
  if (to < from) throw new MeterlakeError('USAGE', `--to ${to} lies before --from ${from}`)
  return { from, to }
}
