/** Moments on the command line. */
import { InvalidArgumentError } from 'commander'

/** The parser of an option that is a moment: ISO 8601 with its zone, at least to the minute; or a whole day, from its first second in UTC. */
export function instantArgument(text: string): Date {
  const isZoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)
  const at = new Date(text)
  if ((!isZoned && !/^\d{4}-\d\d-\d\d$/.test(text)) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('not a moment with its zone, e.g. 2026-03-08T10:00Z or 2026-03-08T03:00-07:00.')
  return at
}
