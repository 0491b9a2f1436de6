/** Lengths of time on the command line. */
import { InvalidArgumentError } from 'commander'

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/** The parser of an option that is a length of time, `7d`, `12h`, `30m`, `45s`, `0`; answers milliseconds. */
export function durationArgument(text: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,6})([dhms])?$/.exec(text) ?? []
  if (count === '' || (Number(count) > 0 && text === count))
    throw new InvalidArgumentError('not a length of time, e.g. 7d, 12h, 30m.')
  return Number(count) * (unitMs[unit] ?? 0)
}
