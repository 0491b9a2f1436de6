/** What publish must give, computed the slow and obvious way: every reading replayed in order, in memory. */
export interface ReadingEvent {
  readonly start: number
  readonly duration: number
  readonly value: number
  /** ISO, null: not sent. */
  readonly published: string | null
  readonly commit: number
  readonly loadId: string
  readonly offset: number
}

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

/** Winner order of DESIGN 7: published_at, missing first; commit; sha256; byte offset. */
export const inOrder = (a: ReadingEvent, b: ReadingEvent): number =>
  compare(a.published ?? '', b.published ?? '') ||
  compare(a.commit, b.commit) ||
  compare(a.loadId, b.loadId) ||
  compare(a.offset, b.offset)

/**
 * Current readings after all events: `start duration value published` per line, sorted. A reading withdraws those inside its span; one
 * that says what is in force already changes nothing.
 */
export function replay(events: readonly ReadingEvent[]): string[] {
  const current = new Map<number, ReadingEvent>()
  for (const event of [...events].sort(inOrder)) {
    const end = event.start + event.duration
    for (const [start, other] of current)
      if (start > event.start && start < end && start + other.duration <= end) current.delete(start)
    const known = current.get(event.start)
    if (known?.duration !== event.duration || known.value !== event.value) current.set(event.start, event)
  }
  return [...current.values()]
    .map(({ start, duration, value, published }) => `${start} ${duration} ${value} ${published ?? '-'}`)
    .sort()
}
