/**
 * Local day and hour of an instant, from the engine's zone database, asked a few times a day and then remembered. Exact on days of
 * 23, 25 or 24½ hours.
 */
const dayS = 86_400

interface LocalDay {
  /** Days since 1970-01-01. */
  readonly day: number
  readonly start_s: number
  readonly end_s: number
  /** Seconds east of UTC until `change_s`, and from then on. */
  readonly offset_s: number
  readonly change_s: number
  readonly laterOffset_s: number
}

interface Zone {
  readonly format: Intl.DateTimeFormat
  /** Days already measured. */
  readonly days: Map<number, LocalDay>
}

/** What is known of a zone outlives a feed: a process reads many small ones. */
const zones = new Map<string, Zone>()

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const zone = { format, days: new Map<number, LocalDay>() }
  zones.set(timeZone, zone)
  return zone
}

/** Refuses a zone the engine does not know (RangeError of Intl). */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat
  readonly #days: Map<number, LocalDay>
  #day: LocalDay = { day: 0, start_s: 0, end_s: 0, offset_s: 0, change_s: 0, laterOffset_s: 0 }
  /** Results of the last {@link locate}: days since 1970-01-01; hour ending elapsed; hour ending by the clock. */
  day = 0
  heSeq = 0
  heClock = 0

  constructor(timeZone: string) {
    const { format, days } = zoneOf(timeZone)
    this.#format = format
    this.#days = days
  }

  /** Sets day, heSeq and heClock for an instant in seconds of Unix time. */
  locate(at_s: number): void {
    let day = this.#day
    if (at_s < day.start_s || at_s >= day.end_s) this.#day = day = this.#dayOf(at_s)
    this.day = day.day
    this.heSeq = Math.floor((at_s - day.start_s) / 3600) + 1
    const offset_s = at_s < day.change_s ? day.offset_s : day.laterOffset_s
    this.heClock = Math.floor((at_s + offset_s - day.day * dayS) / 3600) + 1
  }

  /** Seconds east of UTC at an instant. */
  offsetS(at_s: number): number {
    const parts: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(at_s * 1000)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - at_s
  }

  #dayOf(at_s: number): LocalDay {
    const near = Math.floor(at_s / dayS)
    for (let number = near - 1; number <= near + 1; number++) {
      const known = this.#days.get(number)
      if (known !== undefined && at_s >= known.start_s && at_s < known.end_s) return known
    }
    const number = Math.floor((at_s + this.offsetS(at_s)) / dayS)
    if (this.#days.size >= 4096) this.#days.clear()
    const day = this.#measure(number)
    this.#days.set(number, day)
    return day
  }

  #measure(day: number): LocalDay {
    const start_s = this.#startOf(day)
    const end_s = this.#startOf(day + 1)
    const offset_s = this.offsetS(start_s)
    const laterOffset_s = this.offsetS(end_s - 1)
    const change_s =
      offset_s === laterOffset_s ? end_s : firstWhere(start_s, end_s - 1, (at_s) => this.offsetS(at_s) !== offset_s)
    return { day, start_s, end_s, offset_s, change_s, laterOffset_s }
  }

  /** The first instant of a local day: midnight, or later where the clock jumps over it. */
  #startOf(day: number): number {
    const midnight = day * dayS
    const guess = midnight - this.offsetS(midnight)
    const local = (at_s: number) => Math.floor((at_s + this.offsetS(at_s)) / dayS)
    if (local(guess) === day && local(guess - 1) === day - 1) return guess
    return firstWhere(midnight - 15 * 3600, midnight + 15 * 3600, (at_s) => local(at_s) >= day)
  }
}

/** The first second in (low, high] where a condition that turns true once is true. */
function firstWhere(low: number, high: number, holds: (at_s: number) => boolean): number {
  let before = low
  let after = high
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (holds(middle)) after = middle
    else before = middle
  }
  return after
}
